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
    Attributes, ExpectedShare, Format, Snapshot, Source, compile,
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
        "{audience: everybody}",
        "{audience: nobody}",
        "{time: {after: 2000-01-01T00:00:00Z}}",
        "{source: {cidr: [10.0.0.0/8]}}",
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

/// Compiles a rule set beside an audience of all identities and one of none.
fn loaded(document: &str) -> Snapshot {
    let audience = |name: &str, members: &[String]| {
        format!(
            "apiVersion: graylane.dev/v1\nkind: Audience\nmetadata: {{name: {name}}}\nspec: {{identities: {members:?}}}\n"
        )
    };
    let texts = [document.to_owned(), audience("everybody", &IDENTITIES), audience("nobody", &[])];
    let sources = texts.each_ref().map(|text| Source { format: Format::Yaml, text: text.as_bytes() });
    let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{problems:#?}\n{document}"));
    Snapshot::load(compiled.snapshot).unwrap()
}

fn variant_of(snapshot: &Snapshot, request: &Request<'_>) -> Vec<u8> {
    snapshot.decide(request).next().unwrap().variant().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_request_gets_more_than_the_share(document in document()) {
        let snapshot = loaded(&document);
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

/// What a request gets, and by which rule.
type Outcome = (Option<String>, String, &'static str);

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn expected(snapshot: &Snapshot, population: &[Request<'_>]) -> Option<BTreeMap<Outcome, f64>> {
    let expected = snapshot.expected(population, &[b"x-user"]);
    let [expected] = expected.as_slice() else { panic!("{expected:?}") };
    let named =
        |share: &ExpectedShare<'_>| ((share.rule.map(text), text(share.variant), share.reason.name()), share.share);
    Some(expected.shares.as_ref()?.iter().map(named).collect())
}

fn counted(snapshot: &Snapshot, population: &[Request<'_>]) -> BTreeMap<Outcome, f64> {
    let mut counts = BTreeMap::new();
    for request in population {
        let decision = snapshot.decide(request).next().unwrap();
        let outcome = (decision.rule().map(text), text(decision.variant()), decision.reason.name());
        *counts.entry(outcome).or_default() += 1.0 / population.len() as f64;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_expected_is_what_all_identities_together_get(document in document()) {
        let snapshot = loaded(&document);
        for (request, _) in requests().into_iter().step_by(3) {
            let with = |identity| {
                let headers = request.headers.iter().copied().chain([("x-user", identity)]).collect();
                Request { path: request.path, headers }
            };
            let population: Vec<_> = IDENTITIES.iter().map(|identity| with(identity.as_str())).collect();
            let (expected, counted) = (expected(&snapshot, &population).unwrap(), counted(&snapshot, &population));
            let near = expected.iter().all(|(outcome, share)| (counted.get(outcome).unwrap_or(&0.0) - share).abs() < 1e-9);
            prop_assert!(
                near && counted.keys().all(|outcome| expected.contains_key(outcome)),
                "{expected:?}\n{counted:?}\n{:?}: {document}", request.headers
            );
            let anonymous = [Request { path: request.path, headers: request.headers.clone() }];
            prop_assert_eq!(self::expected(&snapshot, &anonymous).unwrap(), self::counted(&snapshot, &anonymous));
        }
    }
}

fn shop(rules: &[String]) -> Snapshot {
    let document = format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  identity: {{from: [{{header: x-user}}]}}\n  variants: [a, b]\n  default: a\n  splits: {{s: {{weights: {{a: 1, b: 3}}}}}}\n  rules: [{}]\n",
        rules.join(", ")
    );
    let compiled = compile(&[Source { format: Format::Yaml, text: document.as_bytes() }]);
    Snapshot::load(compiled.unwrap_or_else(|problems| panic!("{problems:#?}")).snapshot).unwrap()
}

fn numbered(identities: &[String]) -> Vec<Request<'_>> {
    identities.iter().map(|identity| Request { path: "/", headers: vec![("x-user", identity.as_str())] }).collect()
}

#[test]
fn what_other_tests_say_of_an_identity_counts_as_it_is() {
    let identities: Vec<String> = (1..=1_000).map(|n| n.to_string()).chain([String::new()]).collect();
    let snapshot = shop(&[
        "{id: staff, when: {identity: {range: {from: 1, to: 100}}}, variant: b}".to_owned(),
        "{id: nine, when: {header: {name: x-user, prefix: '9'}}, variant: b}".to_owned(),
        "{id: some, when: {percent: 20}, split: s}".to_owned(),
        "{id: all, split: s}".to_owned(),
    ]);
    let found = expected(&snapshot, &numbered(&identities)).unwrap();
    let share =
        |rule: &str, variant: &str, reason| found[&(Some(rule.to_owned()), variant.to_owned(), reason)] * 1_001.0;
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    near(share("staff", "b", "TARGETING_MATCH"), 100.0);
    near(share("nine", "b", "TARGETING_MATCH"), 100.0);
    near(share("some", "a", "SPLIT"), 800.0 * 0.2 * 0.25);
    near(share("all", "b", "SPLIT"), 800.0 * 0.8 * 0.75);
    near(share("all", "a", "NO_IDENTITY"), 1.0);
}

/// Rules of many salts are computed while no two rules share them; where they do, it ends all the same.
#[test]
fn hundreds_of_entangled_rules_end() {
    let identities: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
    let own: Vec<String> = (0..500).map(|n| format!("{{id: r{n}, when: {{percent: 1}}, variant: b}}")).collect();
    let shares = expected(&shop(&own), &numbered(&identities)).unwrap();
    let rest = shares[&(None, "a".to_owned(), "DEFAULT")];
    assert!(shares.len() == 501 && (rest - 0.99f64.powi(500)).abs() < 1e-9, "{rest}");
    let salt = |n: usize| format!("{{percent: {{from: 0, to: {}, salt: s{}}}}}", n % 90 + 5, n % 40);
    let rule = |n: usize| {
        let (one, two, three) = (salt(n), salt(n * 7 + 1), salt(n * 13 + 5));
        format!("{{id: r{n}, when: {{all: [{one}, {{any: [{two}, {three}]}}]}}, variant: b}}")
    };
    let entangled: Vec<String> = (0..400).map(rule).collect();
    assert_eq!(expected(&shop(&entangled), &numbered(&identities)), None);
}
