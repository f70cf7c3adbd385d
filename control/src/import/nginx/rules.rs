//! A pair of Ingresses as a rule set.

use std::collections::BTreeSet;

use super::{
    canary::{Canary, HeaderValue},
    ingress::PathKind,
    pairs::{Elsewhere, Set, shown},
};
use crate::import::{
    Choices,
    document::{Match, Operator, Rule, RuleSet, Split, Then, id, unique},
    report::About,
};

const STABLE: &str = "stable";
const CANARY: &str = "canary";

/// The rule set; what it cannot say is told.
pub fn rule_set(
    set: &Set<'_>,
    canary: &Canary,
    prefix: &str,
    choices: &Choices,
    taken: &mut BTreeSet<String>,
    about: &mut About<'_>,
) -> RuleSet {
    tell_scope(set, about);
    tell_affinity(set, prefix, about);
    tell_services(set, about);
    let mut rules: Vec<Rule> = set.elsewhere.iter().enumerate().map(|(at, place)| elsewhere(at, place)).collect();
    rules.extend(asked(canary));
    let mut splits = Vec::new();
    weight(canary, set, choices, &mut rules, &mut splits, about);
    if set.exact {
        rules.iter_mut().for_each(|rule| only_exactly(rule, &set.paths));
    }
    let asks = !splits.is_empty();
    RuleSet {
        name: unique(&id(&set.canary.name, CANARY), taken),
        comments: comments(set),
        hosts: if set.hosts.iter().any(String::is_empty) { Vec::new() } else { set.hosts.clone() },
        path_prefixes: set.paths.iter().filter(|path| *path != "/").cloned().collect(),
        identity: if asks { choices.identity.clone() } else { Vec::new() },
        variant_header: choices.variant_header.clone(),
        variants: vec![STABLE.to_owned(), CANARY.to_owned()],
        default: STABLE.to_owned(),
        splits,
        rules,
    }
}

fn comments(set: &Set<'_>) -> Vec<String> {
    let mut comments =
        vec![format!("From {}, the canary of {}. Route by the variant:", set.canary.title(), set.main.title())];
    for (main, canary) in &set.routes {
        comments.push(format!("  {}: {STABLE} to {}, {CANARY} to {}", shown(main), main.backend, canary.backend));
    }
    comments
}

fn tell_services(set: &Set<'_>, about: &mut About<'_>) {
    for (main, canary) in &set.routes {
        let says = format!(
            "{STABLE} is Service {}, {CANARY} is Service {}: routes on the variant header must say so",
            main.backend, canary.backend
        );
        about.note(canary.place, "services", format!("{}, {}", set.canary.title(), shown(canary)), says);
    }
}

fn tell_scope(set: &Set<'_>, about: &mut About<'_>) {
    for (_, route) in &set.routes {
        let title = format!("{}, {}", set.canary.title(), shown(route));
        if route.kind == PathKind::Implementation && route.path != "/" {
            let says =
                "nginx compares this path as text (it is in /x and in /xy); here it ends at the border of a segment";
            about.changed(route.place, "path-type", title.clone(), says);
        }
        if route.host.starts_with("*.") {
            let says = "ingress-nginx takes one label for the *; here it is one or more";
            about.changed(route.place, "wildcard", title, says);
        }
    }
}

fn tell_affinity(set: &Set<'_>, prefix: &str, about: &mut About<'_>) {
    let Some(affinity) = set.main.annotation(prefix, "affinity").filter(|found| found.value == "cookie") else {
        return;
    };
    let behaviour = set.canary.annotation(prefix, "affinity-canary-behavior");
    if behaviour.is_some_and(|found| found.value == "legacy") {
        return;
    }
    let place = behaviour.map_or(set.canary.place, |found| found.place);
    let says = format!(
        "{} has affinity: {}, so a session stays with the Service it met first, even against header and cookie; here header \
         and cookie always count, and by weight the same identity always gets the same variant",
        set.main.title(),
        affinity.value
    );
    about.changed(place, "affinity", format!("{}, affinity-canary-behavior", set.canary.title()), says);
}

fn rule(id: &str, when: Option<Match>, then: Then) -> Rule {
    Rule { id: id.to_owned(), comment: None, when, then, set: None }
}

fn variant(name: &str) -> Then {
    Then::Variant(name.to_owned())
}

fn exact(kind: &'static str, name: &str, value: &str) -> Option<Match> {
    Some(Match::Test(kind, Some(name.to_owned()), Operator::Text("exact", value.to_owned())))
}

/// Header, then cookie.
fn asked(canary: &Canary) -> Vec<Rule> {
    let mut rules = Vec::new();
    if let Some((name, value)) = &canary.header {
        match value {
            HeaderValue::Exact(value) => rules.push(rule("by-header", exact("header", name, value), variant(CANARY))),
            HeaderValue::Regex(regex) => {
                let test = Match::Test("header", Some(name.clone()), Operator::Text("regex", regex.clone()));
                rules.push(rule("by-header", Some(test), variant(CANARY)));
            }
            HeaderValue::Words => {
                rules.push(rule("by-header-always", exact("header", name, "always"), variant(CANARY)));
                rules.push(rule("by-header-never", exact("header", name, "never"), variant(STABLE)));
            }
        }
    }
    if let Some(name) = &canary.cookie {
        rules.push(rule("by-cookie-always", exact("cookie", name, "always"), variant(CANARY)));
        rules.push(rule("by-cookie-never", exact("cookie", name, "never"), variant(STABLE)));
    }
    rules
}

fn weight(
    canary: &Canary,
    set: &Set<'_>,
    choices: &Choices,
    rules: &mut Vec<Rule>,
    splits: &mut Vec<Split>,
    about: &mut About<'_>,
) {
    let Some((weight, total, place)) = canary.weight else { return };
    if weight == total {
        rules.push(rule("by-weight", None, variant(CANARY)));
        return;
    }
    let title = format!("{}, canary-weight", set.canary.title());
    let mut by_weight = rule("by-weight", None, Then::Split(CANARY.to_owned()));
    if choices.identity.is_empty() {
        let says = "nothing is decided at random here: a weight needs an identity to go by, such as --identity cookie:NAME or \
                    --identity header:NAME, or afterwards `issueCookie` in spec.identity, which mints one; until there is \
                    one everybody gets stable";
        about.lost(place, "no-identity", title, says);
        by_weight.comment = Some("Everybody gets the default until spec.identity says what to go by.".to_owned());
    } else {
        let says = format!(
            "{weight} of {total} requests at random there; here {weight} of {total} identities, always the same ones, and \
             nobody without an identity"
        );
        about.changed(place, "weight", title, says);
    }
    rules.push(by_weight);
    let weights = vec![(STABLE.to_owned(), total.saturating_sub(weight)), (CANARY.to_owned(), weight)];
    splits.push(Split { name: CANARY.to_owned(), weights });
}

/// A rule that keeps the canary away from where nginx has other locations.
fn elsewhere(at: usize, place: &Elsewhere) -> Rule {
    let test = |kind, how, operand: String| Match::Test(kind, None, Operator::Text(how, operand));
    let mut tests = Vec::new();
    if let Some(host) = &place.host {
        tests.push(match host.strip_prefix('*') {
            Some(suffix) => test("host", "suffix", suffix.to_owned()),
            None => test("host", "exact", host.clone()),
        });
    }
    if let Some((path, alone)) = &place.path {
        let path = path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(path);
        let itself = test("path", "exact", path.to_owned());
        let below = test("path", "prefix", format!("{path}/"));
        tests.push(if *alone { itself } else { Match::Any(vec![itself, below]) });
    }
    let number = at.saturating_add(1);
    let mut rule = rule(&format!("elsewhere-{number}"), Some(Match::all(tests)), variant(STABLE));
    rule.comment = Some("The main Ingress has a route of its own for this, without a canary.".to_owned());
    rule
}

/// Narrows a rule to the paths themselves; a scope would take in what is below them.
fn only_exactly(rule: &mut Rule, paths: &[String]) {
    let test = |path: &String| Match::Test("path", None, Operator::Text("exact", path.clone()));
    let mut tests = vec![match paths {
        [only] => test(only),
        several => Match::Test("path", None, Operator::In(several.to_vec())),
    }];
    tests.extend(rule.when.take());
    rule.when = Some(Match::all(tests));
}
