//! What is odd about a rule set that is sound: what never has an effect. Only builds that operators see the warnings of say it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rule, RuleSet, Then};
use crate::{
    report::{Path, Report},
    tree::{Entry, Node, quote, written},
};

/// Warns of splits, variants and rules that no request reaches. `spec` is what the rule set was decoded from, without an error.
pub(super) fn check(rule_set: &RuleSet, spec: &Node, report: &mut Report) {
    let path = Path::SPEC;
    check_splits(rule_set, &path.field("splits"), report);
    check_variants(rule_set, spec, &path.field("variants"), report);
    check_sources(spec, &path.field("inherit"), report);
    check_rules(
        &rule_set.rules,
        spec.field("rules").map(Node::items).unwrap_or_default(),
        &path.field("rules"),
        report,
    );
}

fn check_splits(rule_set: &RuleSet, path: &Path<'_>, report: &mut Report) {
    let split_of = |rule: &Rule| match rule.then {
        Then::Split(place) => Some(place),
        Then::Variant(_) => None,
    };
    let used: BTreeSet<usize> = rule_set.rules.iter().filter_map(split_of).collect();
    for (_, split) in rule_set.splits.iter().enumerate().filter(|(place, _)| !used.contains(place)) {
        let (found, expected) =
            (format!("the split {}, which no rule names", quote(&split.name.text)), "a rule that does");
        report.warning("split-unused", &path.field(&split.name.text), split.name.span.clone(), found, expected);
    }
}

/// A variant with a weight of 0 is one that waits for its turn, and any may be inherited.
fn check_variants(rule_set: &RuleSet, spec: &Node, path: &Path<'_>, report: &mut Report) {
    if rule_set.inherit.is_some() {
        return;
    }
    let splits = spec.field("splits").map(Node::entries).unwrap_or_default();
    let weights = splits.iter().filter_map(|split| split.node.field("weights")).flat_map(Node::entries);
    let weighed = weights.map(|entry| entry.key.as_str());
    let variant_of = |rule: &Rule| match rule.then {
        Then::Variant(place) => Some(place),
        Then::Split(_) => None,
    };
    let places = rule_set.rules.iter().filter_map(variant_of).chain([rule_set.default]);
    let named = places.filter_map(|place| rule_set.variants.get(place)).map(String::as_str);
    let used: BTreeSet<&str> = weighed.chain(named).collect();
    let nodes = spec.field("variants").map(Node::items).unwrap_or_default();
    for (index, (variant, node)) in rule_set.variants.iter().zip(nodes).enumerate() {
        if !used.contains(variant.as_str()) {
            let found = format!("the variant {}, which nobody is given", quote(variant));
            let expected = "a rule or a split that names it";
            report.warning("variant-unused", &path.item(index), node.span.clone(), found, expected);
        }
    }
}

/// Whoever trusts all addresses trusts everybody who reaches him.
fn check_sources(spec: &Node, path: &Path<'_>, report: &mut Report) {
    let sources = spec.field("inherit").and_then(|inherit| inherit.field("sources")).map(Node::items);
    let path = path.field("sources");
    for (index, node) in sources.unwrap_or_default().iter().enumerate() {
        if node.text().is_some_and(|text| text.ends_with("/0")) {
            let found = "a network of all addresses: everybody may choose a variant";
            let expected = "the networks of those who decide before";
            report.warning("trusts-everybody", &path.item(index), node.span.clone(), found, expected);
        }
    }
}

/// A rule that asks at least what an earlier one asks never decides.
fn check_rules(rules: &[Rule], nodes: &[Node], path: &Path<'_>, report: &mut Report) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (index, (rule, node)) in rules.iter().zip(nodes).enumerate() {
        let Some(when) = node.field("when") else { continue };
        let all = written(when);
        let mut demanded =
            std::iter::once(all.clone()).chain(when.field("all").into_iter().flat_map(Node::items).map(written));
        if let Some(earlier) = demanded.find_map(|text| seen.get(&text).copied()) {
            let found = format!("a rule for what {} has matched before", quote(earlier));
            let expected = "the more special rule first, or one of the two";
            report.warning("rule-shadowed", &path.item(index), rule.id.span.clone(), found, expected);
        } else if !has_own_salt(when) {
            seen.insert(all, &rule.id.text);
        }
    }
}

/// Whether it asks a percentage whose salt is the rule's: it is of other identities than the same one of another rule.
fn has_own_salt(when: &Node) -> bool {
    let own = |entry: &Entry| match entry.key.as_str() {
        "percent" => entry.node.field("salt").is_none(),
        _ => has_own_salt(&entry.node),
    };
    when.entries().iter().any(own) || when.items().iter().any(has_own_salt)
}
