//! Rules that are found by index are the same that a plain walk finds, and `explain` tells.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

mod common;

use std::cell::Cell;

use common::{Bytes, Request};
use graylane_rules::{Attributes, Format, Snapshot, Source, compile};
use proptest::{prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

const RULE_SETS: u32 = 250;
const REQUESTS: usize = 24;

fn load(rules: &[Value]) -> Snapshot {
    let document = json!({
        "apiVersion": "graylane.dev/v1",
        "kind": "RuleSet",
        "metadata": {"name": "shop"},
        "spec": {
            "identity": {"from": [{"header": "x-user"}, {"cookie": "uid"}]},
            "variants": ["stable", "canary"],
            "default": "stable",
            "rules": rules,
        },
    })
    .to_string();
    let compiled = compile(&[Source { format: Format::Json, text: document.as_bytes() }]);
    Snapshot::load(compiled.unwrap_or_else(|problems| panic!("{problems:#?}\n{document}")).snapshot).unwrap()
}

/// The id of the rule that decides.
fn rule(snapshot: &Snapshot, request: &Bytes) -> Option<String> {
    let decision = snapshot.decide(request).next().unwrap();
    decision.rule().map(|rule| String::from_utf8(rule.to_vec()).unwrap())
}

/// The id of the rule that `explain` says matched, having walked all before it.
fn explained(snapshot: &Snapshot, request: &Bytes) -> Option<String> {
    let told = snapshot.explain(request).first().map(ToString::to_string).unwrap_or_default();
    let rule = told.lines().find_map(|line| line.strip_prefix("  rule      ✓ "))?;
    Some(rule.strip_suffix(" (every request)").unwrap_or(rule).to_owned())
}

/// Few values, of which some begin with others, in both cases: so that rules share and shadow each other.
fn value() -> impl Strategy<Value = String> + Clone {
    select(vec!["a", "A", "ab", "aB", "abc", "b", "b-1", "B-1", "/a", "/a/b", "", "é"]).prop_map(str::to_owned)
}

fn operator() -> impl Strategy<Value = (&'static str, Value)> {
    let some = value().prop_map(|value| if value.is_empty() { "a".to_owned() } else { value });
    prop_oneof![
        6 => value().prop_map(|value| ("exact", json!(value))),
        3 => prop::collection::vec(value(), 1..4).prop_map(|values| ("in", json!(values))),
        3 => (some.clone(), 0_usize..80).prop_map(|(value, more)| ("prefix", json!(format!("{value}{}", "-".repeat(more / 40 * more))))),
        1 => some.clone().prop_map(|value| ("suffix", json!(value))),
        1 => some.prop_map(|value| ("contains", json!(value))),
        1 => Just(("present", json!(true))),
    ]
}

fn test() -> impl Strategy<Value = Value> {
    let named = (select(vec!["header", "cookie", "query"]), select(vec!["x-a", "x-b", "uid"]));
    let unnamed = select(vec!["path", "host", "method"]);
    let with = |name: Option<&str>, (operator, operand): (&str, Value), fold: bool| {
        let mut test = json!({operator: operand});
        name.into_iter().for_each(|name| test["name"] = json!(name));
        if fold && operator != "present" {
            test["ignoreCase"] = json!(true);
        }
        test
    };
    prop_oneof![
        8 => (named, operator(), any::<bool>()).prop_map(move |((kind, name), operator, fold)| json!({kind: with(Some(name), operator, fold)})),
        3 => (unnamed, operator(), any::<bool>()).prop_map(move |(kind, operator, fold)| json!({kind: with(None, operator, fold)})),
        1 => operator().prop_map(move |operator| json!({"identity": with(None, operator, false)})),
        2 => (1_u32..100).prop_map(|percent| json!({"percent": percent})),
    ]
}

fn when() -> impl Strategy<Value = Value> {
    test().prop_recursive(3, 12, 3, |inner| {
        let not = |inner: Value| {
            let asks_identity = inner.to_string().contains("identity") || inner.to_string().contains("percent");
            if asks_identity { inner } else { json!({"not": inner}) }
        };
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..4).prop_map(|inner| json!({"all": inner})),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(|inner| json!({"any": inner})),
            1 => inner.prop_map(not),
        ]
    })
}

fn rules() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(when(), 1..60).prop_map(|whens| {
        let rule = |(at, when): (usize, Value)| json!({"id": format!("r{at}"), "when": when, "variant": "canary"});
        whens.into_iter().enumerate().map(rule).collect()
    })
}

fn request() -> impl Strategy<Value = Request> {
    let header = (select(vec!["x-a", "x-b", "x-user", "cookie"]), value(), value());
    let headers = prop::collection::vec(header, 0..7);
    let target = (value(), value(), value());
    (target, headers, value(), select(vec!["a", "B-1", "GET"])).prop_map(|((path, x, uid), headers, host, method)| {
        let header = |(name, value, other): (&str, String, String)| match name {
            "cookie" => json!([name, format!("uid={value}; x-a={other}")]),
            _ => json!([name, value]),
        };
        let headers: Vec<Value> = headers.into_iter().map(header).collect();
        let target = format!("{path}?x-a={x}&uid={uid}&x-b=%61");
        let request = json!({"method": method, "path": target, "host": host, "headers": headers});
        serde_json::from_value(request.clone()).unwrap_or_else(|why| panic!("{why}: {request}"))
    })
}

/// Draws one of `strategy` that depends on nothing but the draws before.
fn drawn<S: Strategy>(strategy: S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

#[test]
fn what_is_found_is_what_a_plain_walk_finds_and_what_is_explained() {
    let mut runner = TestRunner::deterministic();
    let (mut matched, mut indexed) = (0, 0);
    for _ in 0..RULE_SETS {
        let rules = drawn(rules(), &mut runner);
        let together = load(&rules);
        // A rule set of one rule has no index.
        let alone: Vec<Snapshot> = rules.iter().map(|rule| load(std::slice::from_ref(rule))).collect();
        indexed += usize::from(rules.len() > 30);
        for _ in 0..REQUESTS {
            let request = drawn(request(), &mut runner);
            let written = format!("{request:?}");
            let request = Bytes::from(request);
            let walked = alone.iter().find_map(|rule_set| rule(rule_set, &request));
            let found = rule(&together, &request);
            assert_eq!(found, walked, "{written}\n{}", json!(rules));
            assert_eq!(found, explained(&together, &request), "{written}\n{}", json!(rules));
            matched += usize::from(found.is_some_and(|rule| rule != "r0"));
        }
    }
    assert!(matched > 1_000 && indexed > 50, "{matched} requests matched, {indexed} rule sets were large");
}

/// Rules of every kind that the index knows.
fn many() -> Vec<Value> {
    let when = |at: usize| match at % 6 {
        0 => json!({"header": {"name": "x-a", "exact": format!("v{at}")}}),
        1 => json!({"cookie": {"name": "uid", "in": [format!("v{at}"), format!("W{at}")], "ignoreCase": true}}),
        2 => json!({"path": {"prefix": format!("/v{at}/")}}),
        3 => json!({"all": [{"query": {"name": "q", "exact": format!("v{at}")}}, {"percent": 50}]}),
        4 => {
            json!({"any": [{"header": {"name": "x-a", "exact": format!("w{at}")}}, {"host": {"exact": format!("h{at}")}}]})
        }
        _ => json!({"header": {"name": "x-b", "range": {"from": at, "to": at}}}),
    };
    (0..120).map(|at| json!({"id": format!("r{at}"), "when": when(at), "variant": "canary"})).collect()
}

/// Requests each of which one of the rules is for.
fn requests() -> Vec<Bytes> {
    let one = |at: usize| {
        let request = match at % 6 {
            0 => json!({"headers": [["x-a", format!("v{at}")]]}),
            1 => json!({"headers": [["cookie", format!("uid=V{at}")]]}),
            2 => json!({"path": format!("/v{at}/x")}),
            3 => json!({"path": format!("/?q=v{at}"), "headers": [["x-user", "u"]]}),
            4 => json!({"host": format!("H{at}:80")}),
            _ => json!({"headers": [["x-b", at.to_string()]]}),
        };
        Bytes::from(serde_json::from_value::<Request>(request).unwrap())
    };
    (0..120).map(one).collect()
}

#[test]
fn every_kind_of_rule_is_found() {
    let snapshot = load(&many());
    for (at, request) in requests().iter().enumerate() {
        let in_percent = at % 6 != 3 || rule(&load(&many()[at..=at]), request).is_some();
        assert_eq!(rule(&snapshot, request), in_percent.then(|| format!("r{at}")));
    }
}

/// However bytes are damaged: what loads decides and ends, and an index that leads past a rule is found before it is published.
/// Whatever passes decides as the plain walk of `explain` does.
#[test]
fn an_index_that_is_damaged_is_found_or_harmless() {
    let whole = load(&many()).bytes().to_vec();
    let requests = requests();
    let mut runner = TestRunner::deterministic();
    let damage = (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(0), Just(1)]);
    let (mut taken, mut refused, mut found) = (0, 0, 0);
    for _ in 0..6_000 {
        let mut bytes = whole.clone();
        for (at, value) in drawn(prop::collection::vec(damage.clone(), 1..3), &mut runner) {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let Ok(snapshot) = Snapshot::load(bytes) else {
            refused += 1;
            continue;
        };
        let passes = snapshot.check_index().is_ok();
        found += usize::from(!passes);
        taken += 1;
        for request in requests.iter().skip(taken % 7).step_by(7) {
            let decided = snapshot.decide(request).next().and_then(|decision| decision.rule());
            let decided = decided.map(|rule| String::from_utf8_lossy(rule).escape_debug().to_string());
            assert!(!passes || decided == explained(&snapshot, request), "{decided:?}");
        }
    }
    assert!(
        taken > 500 && refused > 500 && found > 100,
        "{taken} taken, {refused} refused, of {found} the index was found damaged"
    );
}

/// A client that repeats a header makes no rule be asked again for each of its values.
#[test]
fn what_a_client_repeats_costs_as_much_as_a_walk() {
    let rules: Vec<Value> = (0..2_000)
        .map(|at| {
            let when = json!({"all": [
                {"header": {"name": "x-a", "exact": "v"}},
                {"header": {"name": "x-b", "suffix": format!("-{at}")}},
            ]});
            json!({"id": format!("r{at}"), "when": when, "variant": "canary"})
        })
        .collect();
    let snapshot = load(&rules);
    let headers: Vec<_> = (0..100).map(|_| json!(["x-a", "v"])).chain([json!(["x-b", "v-1999"])]).collect();
    let request = Counting {
        request: Bytes::from(serde_json::from_value::<Request>(json!({"headers": headers})).unwrap()),
        asked: Cell::new(0),
    };
    assert_eq!(snapshot.decide(&request).next().unwrap().rule(), Some(&b"r1999"[..]));
    assert!(request.asked.get() < 10_000, "{} values were read", request.asked.get());
}

/// Counts the header values that are read.
struct Counting {
    request: Bytes,
    asked: Cell<usize>,
}

impl Attributes for Counting {
    fn method(&self) -> Option<&[u8]> {
        self.request.method()
    }

    fn target(&self) -> Option<&[u8]> {
        self.request.target()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.request.authority()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.request.headers(name).inspect(|_| self.asked.set(self.asked.get() + 1))
    }
}
