//! The share of a variant against what requests really get: exactly, to the slot.
//!
//! Percentages and weights are tenths here, and there are three salts, so that a thousand identities, one for each
//! combination of tenths, stand for all there are: counting them is no sample.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

use std::{collections::BTreeMap, sync::LazyLock};

use graylane_rules::{
    Attributes, Format, Snapshot, Source, compile,
    slot::{Domain, SLOTS, seed, slot},
};
use proptest::prelude::*;

/// One identity for each combination of tenths in the three salts.
static IDENTITIES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let seeds = [seed(Domain::Percent, "p"), seed(Domain::Percent, "q"), seed(Domain::Split, "s")];
    let mut found = BTreeMap::new();
    for identity in (0u32..).map(|n| n.to_string()) {
        let tenths = seeds.map(|seed| slot(identity.as_bytes(), seed) / (SLOTS / 10));
        found.entry(tenths).or_insert(identity);
        if found.len() == 1_000 {
            break;
        }
    }
    found.into_values().collect()
});

/// What one of them stands for.
const SLOTS_EACH: u32 = SLOTS / 1_000;

struct Request<'a> {
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

impl Attributes for Request<'_> {
    fn method(&self) -> Option<&[u8]> {
        None
    }

    fn target(&self) -> Option<&[u8]> {
        Some(self.path.as_bytes())
    }

    fn authority(&self) -> Option<&[u8]> {
        None
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(found, _)| found.as_bytes() == name).map(|(_, value)| value.as_bytes())
    }
}

/// Every kind of request the rules below tell apart, and whether it is a tester's.
fn requests() -> Vec<(Request<'static>, bool)> {
    let mut requests = Vec::new();
    for path in ["/", "/a"] {
        for own in [vec![], vec![("x-a", "1")], vec![("x-a", "2")], vec![("x-a", "1"), ("x-a", "2")]] {
            for env in [None, Some(("x-env", "gray")), Some(("x-env", "blue"))] {
                let headers = own.iter().copied().chain(env).collect();
                requests.push((Request { path, headers }, env.is_some()));
            }
        }
    }
    requests
}

fn tested() -> impl Strategy<Value = String> {
    let percent = (0u32..10, 1u32..=10, prop::sample::select(vec!["p", "q"]))
        .prop_map(|(from, to, salt)| (from * 10, (from + to).min(10) * 10, salt))
        .prop_map(|(from, to, salt)| format!("{{percent: {{from: {from}, to: {to}, salt: {salt}}}}}"));
    let other = prop::sample::select(vec![
        "{header: {name: x-a, exact: '1'}}",
        "{header: {name: x-a, range: {from: 2}}}",
        "{header: {name: x-a, present: true}}",
        "{header: {name: x-env, exact: gray}}",
        "{header: {name: x-env, prefix: b}}",
        "{path: {exact: /a}}",
        "{identity: {present: true}}",
    ]);
    prop_oneof![3 => percent, 2 => other.prop_map(str::to_owned)]
}

fn when() -> impl Strategy<Value = String> {
    tested().prop_recursive(3, 12, 3, |inner| {
        let some = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            some.clone().prop_map(|inner| format!("{{all: [{}]}}", inner.join(", "))),
            some.prop_map(|inner| format!("{{any: [{}]}}", inner.join(", "))),
            inner.prop_map(|inner| format!("{{not: {inner}}}")),
        ]
    })
}

fn rule() -> impl Strategy<Value = String> {
    let then = prop::sample::select(vec!["variant: b", "variant: c", "split: s", "split: t"]);
    (when(), any::<bool>(), then).prop_map(|(when, guarded, then)| {
        // Percentages under `not` need the guard; those without it may be left out by everybody.
        let guarded = guarded || when.contains("not:");
        let when = if guarded { format!("{{all: [{{identity: {{present: true}}}}, {when}]}}") } else { when };
        format!("when: {when}, {then}")
    })
}

fn document() -> impl Strategy<Value = String> {
    let weights =
        (0u32..=10, 0u32..=10).prop_map(|(one, other)| [one.min(other), one.abs_diff(other), 10 - one.max(other)]);
    let splits = [weights.clone(), weights];
    (prop::collection::vec(rule(), 0..5), splits).prop_map(|(rules, splits)| {
        let [s, t] = splits.map(|[a, b, c]| format!("{{weights: {{a: {a}, b: {b}, c: {c}}}, salt: s}}"));
        let rules = rules.iter().enumerate().map(|(n, rule)| format!("{{id: r{n}, {rule}}}")).collect::<Vec<_>>();
        format!(
            "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  identity: {{from: [{{header: x-user}}]}}\n  variants: [a, b, c]\n  default: a\n  splits: {{s: {s}, t: {t}}}\n  rules: [{}]\n",
            rules.join(", ")
        )
    })
}

fn variant_of(snapshot: &Snapshot, request: &Request<'_>) -> Vec<u8> {
    snapshot.decide(request).next().unwrap().variant.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_request_gets_more_than_the_share(document in document()) {
        let compiled = compile(&[Source { format: Format::Yaml, text: document.as_bytes() }]);
        let snapshot = Snapshot::load(compiled.unwrap_or_else(|problems| panic!("{problems:#?}\n{document}")).snapshot).unwrap();
        let shares = |testers: &[&str]| -> BTreeMap<Vec<u8>, u32> {
            snapshot.shares(testers).iter().map(|share| (share.variant.to_vec(), share.slots)).collect()
        };
        let (of_all, of_others) = (shares(&[]), shares(&["x-env"]));
        prop_assert!(of_all.keys().eq([b"a", b"b", b"c"].iter()));
        for (mut request, tester) in requests() {
            let shares = if tester { &of_all } else { &of_others };
            let anonymous = variant_of(&snapshot, &request);
            prop_assert_eq!(shares[&anonymous], SLOTS, "{:?} without an identity: {}", request.headers, document);
            let mut measured: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            for identity in IDENTITIES.iter() {
                request.headers.push(("x-user", identity));
                *measured.entry(variant_of(&snapshot, &request)).or_default() += SLOTS_EACH;
                request.headers.pop();
            }
            for (variant, slots) in measured {
                let share = shares[&variant];
                prop_assert!(slots <= share, "{slots} of {variant:?}, at most {share} told, {:?}: {document}", request.headers);
            }
        }
    }
}
