//! `spec.rules`: who gets which variant, the first that matches.

use std::collections::BTreeSet;

use super::{Fields, Name, Output, Rule, Setting, Split, Then, fields, matches, names};
use crate::{
    owned,
    report::{Path, Report, listed},
    tree::{Node, Value, quote},
};

/// The fields of a rule.
const FIELDS: [&str; 5] = ["id", "when", "set", "variant", "split"];

/// The most headers a rule may set, and the most bytes of them together: upstreams take no more either.
pub(crate) const SET_LIMIT: usize = 32;
pub(crate) const SET_BYTES_LIMIT: usize = 16 << 10;

/// What a rule may refer to.
pub(super) struct Around<'a> {
    pub(super) rule_set: &'a str,
    pub(super) output: &'a Output,
    pub(super) variants: &'a [String],
    pub(super) splits: &'a [Split],
}

/// Decodes the list of rules; those that are wrong are left out, having said why.
pub(super) fn decode(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Vec<Rule> {
    let Value::List(items) = &node.value else {
        report.wrong("wrong-type", path, node, "a list");
        return Vec::new();
    };
    check_order(items, path, report);
    let rules = items.iter().enumerate();
    rules.filter_map(|(place, item)| rule(item, place, &path.item(place), around, report)).collect()
}

/// What concerns several rules. It looks at the tree, so that a rule that is wrong otherwise counts as well.
fn check_order(items: &[Node], path: &Path<'_>, report: &mut Report) {
    let mut ids = BTreeSet::new();
    let mut catch_all: Option<String> = None;
    for (index, item) in items.iter().enumerate() {
        let path = path.item(index);
        if let Some(before) = &catch_all {
            let found = format!("a rule behind {}, which matches every request", quote(before));
            let expected =
                "rules without `when` last; one that is first on purpose has `when: {method: {present: true}}`";
            report.error("unreachable-rule", &path, item.span.clone(), found, expected);
        }
        let id = item.field("id");
        let text = id.and_then(names::text).unwrap_or_default();
        if let Some(id) = id.filter(|_| !text.is_empty() && !ids.insert(text)) {
            let found = format!("the rule id {} a second time", quote(text));
            report.error("duplicate-id", &path.field("id"), id.span.clone(), found, "each id once");
        }
        if is_catch_all(item) {
            catch_all = Some(text.to_owned());
        }
    }
}

/// Whether a rule matches every request. Of one with an unknown field, a misspelt `when` perhaps, nobody knows.
fn is_catch_all(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => {
            let known = entries.iter().all(|entry| FIELDS.contains(&entry.key.as_str()));
            known && !entries.iter().any(|entry| entry.key == "when")
        }
        _ => false,
    }
}

fn rule(node: &Node, place: usize, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Option<Rule> {
    let mut fields = Fields::open(node, path, report)?;
    let id = fields.required("id", report).and_then(|node| names::id(node, &path.field("id"), report));
    let salt = format!("{}/{}", around.rule_set, id.as_ref().map_or("", |id| id.text.as_str()));
    let when = fields.optional("when").map(|node| matches::decode(node, &path.field("when"), &salt, report));
    let set = fields.optional("set").map(|node| set(node, &path.field("set"), around, report)).unwrap_or_default();
    let then = then(&mut fields, path, around, report);
    fields.finish(report);
    // `when` that could not be read must not become "always".
    let when = match when {
        None => None,
        Some(read) => Some(read?),
    };
    Some(Rule { id: id?, place, when, then: then?, set })
}

fn then(fields: &mut Fields<'_>, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Option<Then> {
    match (fields.optional("variant"), fields.optional("split")) {
        (Some(node), None) => names::variant(node, &path.field("variant"), around.variants, report).map(Then::Variant),
        (None, Some(node)) => split(node, &path.field("split"), around, report).map(Then::Split),
        (found, _) => {
            let found = if found.is_some() { "both variant and split" } else { "neither variant nor split" };
            report.error("variant-or-split", path, fields.node().span.clone(), found, "one of the two");
            None
        }
    }
}

fn split(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Option<usize> {
    let name = names::string(node, path, report)?;
    let place = around.splits.iter().position(|split| split.name.text == name);
    if place.is_none() {
        let known: Vec<String> = around.splits.iter().map(|split| split.name.text.clone()).collect();
        let known = if known.is_empty() { "there are none".to_owned() } else { listed(known.iter()) };
        let names = around.splits.iter().map(|split| split.name.text.as_str());
        let expected = report.or_meant(format!("one of spec.splits: {known}"), name, names);
        report.wrong("unknown-split", path, node, expected);
    }
    place
}

fn set(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Vec<Setting> {
    let mut set: Vec<Setting> = Vec::new();
    let entries = fields::entries_such(node, path, "{x-feature-flags: new-cart=on}", report).unwrap_or_default();
    let bytes: usize = entries.iter().map(|entry| entry.node.span.len()).sum();
    if entries.len() > SET_LIMIT || bytes > SET_BYTES_LIMIT {
        report.wrong(
            "too-many",
            path,
            node,
            format!("at most {SET_LIMIT} headers of {SET_BYTES_LIMIT} bytes together"),
        );
        return set;
    }
    for entry in entries {
        let path = path.field(&entry.key);
        let name = names::settable(&entry.key, &entry.key_span, &path, report);
        let Some(value) = names::string(&entry.node, &path, report) else { continue };
        if let Err(expected) = owned::check_value(value) {
            report.wrong("bad-header-value", &path, &entry.node, expected);
        }
        let Some(name) = name else { continue };
        if let Some(carries) = around.output.carried_by(&name) {
            report.error("forbidden-header", &path, entry.key_span.clone(), quote(&name), carries.instead());
        }
        if set.iter().any(|earlier| earlier.name.text == name) {
            let found = format!("the header {} a second time", quote(&name));
            report.error("duplicate-key", &path, entry.key_span.clone(), found, "each header once, whatever its case");
        }
        let name = Name { text: name, span: entry.key_span.clone() };
        set.push(Setting { name, value: value.to_owned() });
    }
    set
}
