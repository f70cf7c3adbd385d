//! `graylane diff`, as a shell would run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::{Scratch, rule_set};
use serde_json::{Value, json};

const SHOP: &str = "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: shop}
spec:
  identity: {from: [{header: x-user-id}]}
  variants: [stable, canary, canary-b]
  default: stable
  splits:
    two: {weights: {stable: 90, canary: 10}}
    thirds: {weights: {stable: 34, canary: 33, canary-b: 33}}
  rules:
    - {id: qa, when: {header: {name: x-env, exact: gray}}, variant: canary}
    - {id: some, when: {percent: {from: 10, to: 30}}, split: two}
    - {id: all, split: thirds}
";

/// Both forms of the difference between `SHOP` and what `change` makes of it.
fn difference(name: &str, change: impl Fn(String) -> String) -> (String, Value) {
    let scratch = Scratch::new(name);
    scratch.write("old.yaml", SHOP);
    scratch.write("new.yaml", change(SHOP.to_owned()));
    let (code, text, stderr) = scratch.run(&["diff", "old.yaml", "new.yaml"], "");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let (_, json, _) = scratch.run(&["diff", "-o", "json", "old.yaml", "new.yaml"], "");
    (text, serde_json::from_str(&json).unwrap())
}

#[test]
fn what_says_the_same_is_the_same() {
    let (text, json) =
        difference("diff-same", |shop| shop.replace("{percent: {from: 10, to: 30}}", "{percent: {to: 30, from: 10}}"));
    assert_eq!((text.as_str(), json), ("the same rules: nobody moves\n", json!([])));
}

#[test]
fn slots_that_move_are_counted_exactly() {
    let (text, json) = difference("diff-slots", |shop| {
        shop.replace("{stable: 90, canary: 10}", "{stable: 90, canary: 20}")
            .replace("{from: 10, to: 30}", "{from: 15, to: 45}")
    });
    assert_eq!(
        text,
        "rule set shop: changed
  split two: changed; 8182 slots of 100000 move, 8.182 % of those it decides
    stable to canary: 8182 slots, 8.182 %
  rule some: changed; 8182 slots of 100000 move, 8.182 % of those it decides
    stable to canary: 8182 slots, 8.182 %
    percent: 15.000 % to 45.000 %, before 10.000 % to 30.000 %; 15000 slots enter (15.000 %), 5000 slots leave (5.000 %)
"
    );
    let moves = json!({"slots": 8182, "why": null, "transfers": [{"from": "stable", "to": "canary", "slots": 8182}]});
    let percent = json!({"before": [10_000, 30_000], "after": [15_000, 45_000], "enter": 15_000, "leave": 5_000});
    assert_eq!(
        json,
        json!([{
            "name": "shop", "change": "changed", "fields": [], "reordered": false,
            "splits": [{"name": "two", "change": "changed", "experimentChanged": false, "moves": moves}],
            "rules": [{"id": "some", "change": "changed", "percents": [percent], "audiences": [], "moves": moves}],
        }])
    );
}

#[test]
fn a_split_moves_by_its_lock() {
    let scratch = Scratch::new("diff-lock");
    for directory in ["old", "new"] {
        std::fs::create_dir(scratch.path(directory)).unwrap();
    }
    let changed = SHOP.replace("{stable: 34, canary: 33, canary-b: 33}", "{stable: 10, canary: 45, canary-b: 45}");
    scratch.write("old/shop.yaml", SHOP);
    scratch.write("new/shop.yaml", &changed);
    let told = |scratch: &Scratch| {
        let (code, stdout, stderr) = scratch.run(&["diff", "old", "new"], "");
        assert_eq!(code, 0, "{stderr}");
        stdout.lines().nth(1).unwrap().to_owned()
    };
    let without = "  split thirds: changed; 36000 slots of 100000 move, 36.000 % of those it decides";
    assert_eq!(told(&scratch), without);
    assert_eq!(scratch.run(&["allocate", "--from", "old", "--", "new"], "").0, 0);
    assert_eq!(told(&scratch), without.replace("36", "24"));
    scratch.write("new/shop.yaml", SHOP);
    let (code, _, stderr) = scratch.run(&["diff", "old", "new"], "");
    assert!(code == 1 && stderr.contains("lock-mismatch"), "{stderr}");
}

#[test]
fn what_is_unknowable_is_said_to_be() {
    for (from, to, said) in [
        ("canary: 10}}", "canary: 10}, salt: other}", "  split two: changed; up to 100 % may move: another salt\n"),
        ("x-user-id", "x-uid", "  identity: changed; up to 100 % may move, in every split and percentage\n"),
        ("x-user-id", "x-uid", "  split thirds: changed; up to 100 % may move: identities are read elsewhere\n"),
        (
            "{id: some, ",
            "{id: other, ",
            "  rule other: added\n    percent: 10.000 % to 30.000 %, before nobody; 20000 slots enter",
        ),
        ("to: 30}", "to: 30, salt: x}", "; another salt or identity: up to 100 % may move\n"),
        (
            "split: two",
            "variant: canary",
            "  rule some: changed; 90000 slots of 100000 move, 90.000 % of those it decides\n",
        ),
        ("split: two", "split: thirds", "  rule some: changed; up to 100 % may move: another salt\n"),
        ("exact: gray", "exact: grey", "  rule qa: changed\n"),
        ("default: stable", "default: canary", "  default: changed; whoever no rule matches moves\n"),
        ("    two: {weights", "    other: {weights: {stable: 1}}\n    two: {weights", "  split other: added\n"),
        ("canary: 10}}", "canary: 10}, experiment: e}", "  split two: changed, another experiment; nobody moves\n"),
    ] {
        let (text, _) = difference("diff-unknowable", |shop| {
            assert!(shop.contains(from), "{from}");
            shop.replace(from, to)
        });
        assert!(text.contains(said), "{from} to {to}: {text}");
    }
    let qa = "    - {id: qa, when: {header: {name: x-env, exact: gray}}, variant: canary}\n";
    let (text, _) = difference("diff-order", |shop| {
        shop.replace(qa, "").replace("    - {id: all", &format!("{qa}    - {{id: all"))
    });
    assert!(text.contains("  rules: in another order"), "{text}");
}

#[test]
fn rule_sets_come_and_go() {
    let scratch = Scratch::new("diff-sets");
    for directory in ["old", "new"] {
        std::fs::create_dir(scratch.path(directory)).unwrap();
        scratch.write(&format!("{directory}/shop.yaml"), SHOP);
    }
    scratch.write("old/cart.yaml", rule_set("cart", "stable"));
    scratch.write("new/news.yaml", rule_set("news", "stable"));
    let (code, stdout, _) = scratch.run(&["diff", "old", "new"], "");
    assert_eq!((code, stdout.as_str()), (0, "rule set cart: removed\nrule set news: added\n"));
    scratch.write("new/news.yaml", rule_set("news", "gone"));
    assert_eq!(scratch.run(&["diff", "old", "new"], "").0, 1);
    assert_eq!(scratch.run(&["diff", "old", "none"], "").0, 2);
}

#[test]
fn members_of_audiences_are_counted() {
    let scratch = Scratch::new("diff-audiences");
    let shop = SHOP.replace("{percent: {from: 10, to: 30}}", "{audience: beta}");
    for (directory, members) in [("old", "alice, bob, carol"), ("new", "carol, dave, alice, erin, frank")] {
        std::fs::create_dir(scratch.path(directory)).unwrap();
        scratch.write(&format!("{directory}/shop.yaml"), &shop);
        let head = "apiVersion: graylane.dev/v1\nkind: Audience\nmetadata: {name: beta}\nspec: {identities: [";
        scratch.write(&format!("{directory}/beta.yaml"), format!("{head}{members}]}}\n"));
    }
    let (_, text, _) = scratch.run(&["diff", "old", "new"], "");
    let rule = "  rule some: the same text\n    audience beta: 3 identities enter, 1 identity leave\n";
    assert_eq!(text, format!("rule set shop: changed\n{rule}"));
    scratch.write("new/shop.yaml", shop.replace("{audience: beta}", "{path: {exact: /}}"));
    let (_, json, _) = scratch.run(&["diff", "-o", "json", "old", "new"], "");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["rules"][0]["audiences"], json!([{"name": "beta", "enter": 0, "leave": 3}]));
}

#[test]
fn both_sides_that_are_missing_are_named() {
    let scratch = Scratch::with_documents("diff-missing");
    let (code, _, stderr) = scratch.run(&["diff", "a", "b"], "");
    for side in ["a", "b"] {
        let said =
            format!("\n  {side} unreadable: found no such file or directory, expected a document, or a directory");
        assert!(code == 2 && stderr.contains(&said), "{stderr}");
    }
    let (code, _, stderr) = scratch.run(&["diff", "broken.yaml", "b"], "");
    assert!(code == 2 && stderr.contains("broken.yaml:7:12") && stderr.contains("\n  b unreadable"), "{stderr}");
    assert_eq!(scratch.run(&["diff", "broken.yaml", "shop.yaml"], "").0, 1);
}
