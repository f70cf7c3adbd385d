//! No request gets a variant for more identities than its share says, and the share says no more than it must.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

use graylane_rules::{Format, Snapshot, Source, compile};

const ALL: u32 = 100_000;

fn snapshot(documents: &[&str]) -> Snapshot {
    let sources: Vec<_> = documents.iter().map(|text| Source { format: Format::Yaml, text: text.as_bytes() }).collect();
    let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{problems:#?}\n{documents:?}"));
    Snapshot::load(compiled.snapshot).unwrap()
}

/// A rule set of these rules, written in one line.
fn shop(rules: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  identity: {{from: [{{header: x-user}}]}}\n  variants: [stable, canary, beta]\n  default: stable\n  splits: {{half: {{weights: {{stable: 1, canary: 1}}}}, tenth: {{weights: {{stable: 9, canary: 1}}}}}}\n  rules: [{rules}]\n"
    )
}

/// Slots of stable, canary and beta.
fn slots(snapshot: &Snapshot, testers: &[&str]) -> [u32; 3] {
    let shares = snapshot.shares(testers);
    assert!(shares.iter().all(|share| share.rule_set == b"shop"));
    let names: Vec<_> = shares.iter().map(|share| share.variant).collect();
    assert_eq!(names, [&b"stable"[..], b"canary", b"beta"]);
    [shares[0].slots, shares[1].slots, shares[2].slots]
}

/// What canary gets where all of these, in one rule each, lead to it.
fn canary(whens: &[&str], testers: &[&str]) -> u32 {
    let rules = whens.iter().enumerate().map(|(n, when)| format!("{{id: r{n}, when: {when}, variant: canary}}"));
    let [stable, canary, beta] = slots(&snapshot(&[&shop(&rules.collect::<Vec<_>>().join(", "))]), testers);
    assert_eq!((stable, beta), (ALL, 0));
    canary
}

#[test]
fn a_rule_gives_what_its_tests_let_through() {
    let present = "{identity: {present: true}}";
    let q = |to: u32| format!("{{percent: {{from: 0, to: {to}, salt: q}}}}");
    for (when, slots) in [
        ("{percent: 20}", 20_000),
        ("{percent: 0.001}", 1),
        ("{percent: {from: 10, to: 25}}", 15_000),
        (&format!("{{all: [{present}, {{not: {{percent: 20}}}}]}}"), 80_000),
        (&format!("{{all: [{present}, {{not: {{any: [{{percent: 20}}, {}]}}}}]}}", q(30)), 70_000),
        ("{header: {name: x-a, exact: b}}", ALL),
        ("{identity: {exact: b}}", ALL),
        ("{all: [{header: {name: x-a, exact: b}}, {percent: 20}]}", 20_000),
        ("{any: [{header: {name: x-a, exact: b}}, {percent: 20}]}", ALL),
        ("{all: [{any: [{path: {prefix: /a}}, {method: {exact: GET}}]}, {percent: 5}]}", 5_000),
        ("{any: [{all: [{path: {prefix: /a}}, {percent: 5}]}, {all: [{path: {prefix: /b}}, {percent: 7}]}]}", 12_000),
        (&format!("{{all: [{{percent: 20}}, {}]}}", q(50)), 20_000),
        (&format!("{{all: [{{percent: 60}}, {}]}}", q(50)), 50_000),
        (&format!("{{any: [{{percent: 20}}, {}]}}", q(50)), 70_000),
        (&format!("{{any: [{{percent: 20}}, {}]}}", q(90)), ALL),
    ] {
        assert_eq!(canary(&[when], &[]), slots, "{when}");
    }
}

#[test]
fn rules_add_up_to_everybody_at_most() {
    assert_eq!(canary(&[], &[]), 0);
    assert_eq!(canary(&["{percent: 20}", "{percent: 30}"], &[]), 50_000);
    assert_eq!(canary(&["{percent: 70}", "{percent: 70}"], &[]), ALL);
    assert_eq!(canary(&["{path: {exact: /a}}", "{path: {exact: /b}}"], &[]), ALL);
}

#[test]
fn testers_do_not_count() {
    let gray = "{header: {name: X-Env, exact: gray}}";
    for (when, slots) in [
        (gray, 0),
        ("{header: {name: x-env, present: true}}", 0),
        ("{cookie: {name: x-env, exact: gray}}", ALL),
        ("{header: {name: x-environment, exact: gray}}", ALL),
        ("{not: {header: {name: x-env, present: true}}}", ALL),
        (&format!("{{any: [{gray}, {{percent: 20}}]}}"), 20_000),
        (&format!("{{all: [{gray}, {{percent: 20}}]}}"), 0),
        (&format!("{{all: [{{not: {gray}}}, {{percent: 20}}]}}"), 20_000),
    ] {
        assert_eq!(canary(&[when], &["x-other", "x-ENV"]), slots, "{when}");
    }
    assert_eq!(canary(&[gray], &["x-other"]), ALL);
}

#[test]
fn a_split_gives_no_more_than_its_slots() {
    for (rules, slots_of_canary) in [
        ("{id: a, split: half}", 50_000),
        ("{id: a, when: {percent: 20}, split: half}", 20_000),
        ("{id: a, when: {percent: 80}, split: half}", 50_000),
        ("{id: a, when: {header: {name: x-env, present: true}}, split: half}", 0),
        // Several ways into one split lead to the same slots, those into two splits to others.
        ("{id: a, when: {path: {prefix: /a}}, split: half}, {id: b, split: half}", 50_000),
        ("{id: a, when: {percent: 20}, split: half}, {id: b, when: {percent: 15}, split: half}", 35_000),
        ("{id: a, when: {path: {prefix: /a}}, split: half}, {id: b, split: tenth}", 60_000),
        ("{id: a, when: {percent: 5}, variant: canary}, {id: b, split: tenth}", 15_000),
    ] {
        assert_eq!(slots(&snapshot(&[&shop(rules)]), &["x-env"]), [ALL, slots_of_canary, 0], "{rules}");
    }
    let lock = "apiVersion: graylane.dev/v1\nkind: AllocationLock\nmetadata: {name: shop}\nspec:\n  splits:\n    tenth: {ranges: [{from: 0, variant: canary}, {from: 4000, variant: stable}, {from: 94000, variant: canary}]}\n";
    let locked = snapshot(&[&shop("{id: a, split: tenth}"), lock]);
    assert_eq!(slots(&locked, &[]), [ALL, 10_000, 0], "over all its ranges");
}

#[test]
fn every_rule_set_tells_of_its_own_variants() {
    let other = shop("{id: a, when: {percent: 20}, variant: beta}").replace("name: shop", "name: cart");
    let both = snapshot(&[&shop(""), &other]);
    let told: Vec<_> = both.shares(&[]).into_iter().map(|share| (share.rule_set, share.variant, share.slots)).collect();
    let (cart, shop) = (&b"cart"[..], &b"shop"[..]);
    let (stable, canary, beta) = (&b"stable"[..], &b"canary"[..], &b"beta"[..]);
    let expected = [(cart, stable, ALL), (cart, canary, 0), (cart, beta, 20_000)];
    assert_eq!(told, [expected, [(shop, stable, ALL), (shop, canary, 0), (shop, beta, 0)]].concat());
    assert_eq!(snapshot(&[]).shares(&[]), []);
}

/// No document compiles to this: whoever has no identity would fall outside every percentage, into canary.
#[test]
fn requests_without_an_identity_are_not_forgotten() {
    for when in ["{percent: 80}", "{all: [{path: {prefix: /a}}, {percent: 80}]}"] {
        let sound = snapshot(&[&shop(&format!("{{id: a, when: {when}, variant: canary}}"))]);
        assert_eq!(slots(&sound, &[]), [ALL, 80_000, 0]);
        let (matched, failed) = (u32::MAX.to_le_bytes(), (u32::MAX - 1).to_le_bytes());
        let (before, after) = ([matched, failed].concat(), [failed, matched].concat());
        let mut bytes = sound.bytes().to_vec();
        let at = bytes.windows(8).position(|window| window == before).unwrap();
        bytes[at..at + 8].copy_from_slice(&after);
        assert_eq!(slots(&Snapshot::load(bytes).unwrap(), &[]), [ALL, ALL, 0], "{when}");
    }
}
