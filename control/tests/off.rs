//! What is switched off, and what is frozen: whom that binds, and for how long.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

mod common;
#[path = "common/serving.rs"]
mod serving;
#[path = "common/shops.rs"]
mod shops;

use common::{Scratch, rule_set};
use serde_json::{Value, json};
use serving::Serving;
use shops::{documents, publish, shops};

#[test]
fn a_freeze_refuses_changes_but_not_the_kill_switch() {
    let scratch = Scratch::new("frozen");
    let serving = Serving::store(&scratch);
    publish(&serving, &shops(&["one", "two"], "stable"), "the first");
    let (_, frozen) = serving.send("~/freeze", &json!({"ruleSet": "two", "reason": "sale", "actor": "bob"}));
    assert_eq!(frozen["difference"]["overlay"], json!(["two frozen"]), "{frozen:#}");
    let both = json!({"documents": documents(&shops(&["one", "two"], "canary")), "reason": "both"});
    let (status, problem) = serving.send("~/revisions", &both);
    assert_eq!((status, &problem["frozen"]["actor"]), (409, &json!("bob")), "{problem:#}");
    let said = problem["detail"].as_str().unwrap();
    assert!(said.contains("bob froze rule set two") && said.ends_with("`graylane unfreeze --rule-set two`"), "{said}");
    let one = json!({"documents": documents(&shops(&["one"], "canary")), "ruleSet": "one", "reason": "one alone"});
    assert_eq!(serving.send("~/revisions", &one).0, 200);
    assert_eq!(serving.send("~/off", &json!({"ruleSet": "two", "reason": "harm"})).0, 200);
    assert_eq!(serving.send("~/on", &json!({"ruleSet": "two", "reason": "no harm"})).0, 409);
    assert_eq!(serving.send("~/unfreeze", &json!({"ruleSet": "two", "reason": "over"})).0, 200);
    assert_eq!(serving.send("~/on", &json!({"ruleSet": "two", "reason": "no harm"})).0, 200);
    assert_eq!(serving.send("~/revisions", &both).0, 200);
}

#[test]
fn a_frozen_rule_set_has_no_switch_overridden() {
    let scratch = Scratch::new("frozen-switches");
    let serving = Serving::store(&scratch);
    let with_switch = |name: &str| {
        let switch = format!("spec:\n  switches: {{{name}_limit: {{type: int, default: 1}}}}\n");
        rule_set(name, "stable").replace("spec:\n", &switch)
    };
    let texts = [("one.yaml", with_switch("one")), ("two.yaml", with_switch("two"))];
    publish(&serving, &texts, "the first");
    serving.send("~/freeze", &json!({"ruleSet": "two", "reason": "sale", "actor": "bob"}));
    let overridden = |switches: &str| {
        let body = json!({"documents": documents(&texts), "reason": "x", "switches": switches});
        serving.send("~/revisions", &body)
    };
    let (status, problem) = overridden("gray.one_limit=2,gray.two_limit=2");
    assert_eq!((status, &problem["ruleSets"]), (409, &json!(["one", "two"])), "{problem:#}");
    assert_eq!(overridden("gray.one_limit=2").0, 200);
    let status = serving.status();
    assert_eq!((&status["overrides"], &status["frozen"][0]["actor"]), (&json!(1), &json!("bob")), "{status:#}");
    serving.send("~/unfreeze", &json!({"ruleSet": "two", "reason": "over"}));
    assert_eq!(overridden("gray.one_limit=2,gray.two_limit=2").0, 200);
    // To take one back is a change as well.
    serving.send("~/freeze", &json!({"ruleSet": "two", "reason": "sale"}));
    assert_eq!(overridden("gray.one_limit=2").0, 409);
}

#[test]
fn switching_all_on_switches_nothing_on_that_is_frozen() {
    let scratch = Scratch::new("frozen-off");
    let serving = Serving::store(&scratch);
    publish(&serving, &shops(&["one", "two"], "stable"), "the first");
    serving.send("~/freeze", &json!({"ruleSet": "two", "reason": "sale"}));
    let refused = |off: Value, names: &[&str]| {
        serving.send("~/off", &off);
        let (status, problem) = serving.send("~/on", &json!({"reason": "no harm"}));
        assert_eq!((status, &problem["ruleSets"]), (409, &json!(names)), "{off}: {problem:#}");
    };
    refused(json!({"ruleSet": "two", "reason": "harm"}), &["two"]);
    refused(json!({"reason": "harm"}), &["one", "two"]);
    serving.send("~/unfreeze", &json!({"ruleSet": "two", "reason": "over"}));
    assert_eq!(serving.send("~/on", &json!({"reason": "no harm"})).0, 200);
}

#[test]
fn what_is_off_or_frozen_stays_so_while_it_is_away() {
    let scratch = Scratch::new("off-away");
    let serving = Serving::store(&scratch);
    publish(&serving, &shops(&["two", "one"], "stable"), "both");
    serving.send("~/off", &json!({"ruleSet": "one", "reason": "harm"}));
    publish(&serving, &shops(&["two"], "stable"), "one is away");
    assert_eq!(serving.send("~/off", &json!({"ruleSet": "one", "reason": "again"})).1["outcome"], "unchanged");
    let again = publish(&serving, &shops(&["two", "one"], "stable"), "one is back");
    assert_eq!(again["notes"], json!(["still off until `graylane on`: one"]), "{again:#}");
    let overlay = |of: &str| serving.json("~/revisions/head")["overlay"][of][0]["ruleSet"].clone();
    assert_eq!(overlay("off"), "one");
    for to in ["3", "4"] {
        assert_eq!(serving.send("~/rollback", &json!({"to": to, "reason": "back"})).0, 200);
        assert_eq!(overlay("off"), "one", "{to}");
    }
    serving.send("~/freeze", &json!({"ruleSet": "two", "reason": "sale"}));
    serving.send("~/off", &json!({"ruleSet": "two", "reason": "harm"}));
    serving.send("~/unfreeze", &json!({"ruleSet": "two", "reason": "over"}));
    publish(&serving, &[("three.yaml", rule_set("three", "stable"))], "both are away");
    for name in ["one", "two"] {
        assert_eq!(serving.send("~/on", &json!({"ruleSet": name, "reason": "no harm"})).0, 200, "{name}");
    }
    assert_eq!(overlay("off"), Value::Null);
    assert_eq!(serving.send("~/off", &json!({"ruleSet": "one", "reason": "a typo"})).0, 422);
}

#[test]
fn what_is_off_stays_off_whatever_is_published() {
    let scratch = Scratch::new("off");
    let serving = Serving::store(&scratch);
    publish(&serving, &shops(&["one", "two"], "stable"), "the first");
    publish(&serving, &shops(&["one", "two"], "canary"), "the second");
    serving.send("~/off", &json!({"ruleSet": "one", "reason": "harm"}));
    let off = || serving.json("~/revisions/head")["overlay"]["off"][0]["ruleSet"].clone();
    assert_eq!(off(), json!("one"));
    publish(&serving, &shops(&["one", "two"], "stable"), "the third");
    assert_eq!(off(), json!("one"));
    let (_, back) = serving.send("~/rollback", &json!({"reason": "back"}));
    assert_eq!((&back["outcome"], off()), (&json!("made"), json!("one")), "{back:#}");
    let (status, same) = serving.send("~/off", &json!({"ruleSet": "one", "reason": "again"}));
    assert_eq!((status, &same["outcome"]), (200, &json!("unchanged")));
    assert_eq!(serving.json("~/revisions/head")["overlay"]["off"][0]["reason"], "harm", "who said so first");
    serving.send("~/off", &json!({"reason": "all"}));
    let (status, problem) = serving.send("~/on", &json!({"ruleSet": "one", "reason": "one"}));
    assert_eq!(status, 422, "{problem:#}");
    let (_, on) = serving.send("~/on", &json!({"reason": "all is well"}));
    assert_eq!(on["difference"]["overlay"], json!(["all rule sets on again"]), "{on:#}");
    publish(&serving, &shops(&["two"], "stable"), "one is gone");
    assert_eq!(off(), Value::Null);
}
