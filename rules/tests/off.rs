//! Rule sets that are switched off: everybody has the default, and nothing else happens.
#![cfg(not(target_family = "wasm"))]
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

use common::{Bytes, Request};
use graylane_rules::{Format, Off, Overlay, Problem, Snapshot, Source, compile_under};
use serde_json::json;

const SHOP: &str = r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
    "scope": {"hosts": ["shop.example.com"]},
    "identity": {"from": [{"header": "x-user-id"}, {"issueCookie": {"name": "uid"}}]},
    "inherit": {"outbound": true},
    "variants": ["stable", "canary"], "default": "stable", "splits": {"s": {"weights": {"stable": 1, "canary": 1}}},
    "switches": {"cart": {"type": "string", "default": "old", "variants": {"canary": "new"}}},
    "rules": [{"id": "qa", "when": {"header": {"name": "x-env", "exact": "gray"}}, "variant": "canary", "set": {"x-flag": "on"}},
              {"id": "all", "split": "s"}]}}"#;

fn under(off: Off<'_>) -> Result<Snapshot, Vec<Problem>> {
    let other = SHOP.replace("\"shop\"", "\"blog\"").replace("shop.example.com", "blog.example.com");
    let sources = [SHOP, &other].map(|text| Source { format: Format::Json, text: text.as_bytes() });
    let compiled = compile_under(&sources, Overlay { off, ..Overlay::default() })?;
    Ok(Snapshot::load(compiled.snapshot).unwrap())
}

/// `variant reason rule, number of headers set, number of cookies, switches`.
fn decided(snapshot: &Snapshot, host: &str) -> String {
    let page = json!({"host": host, "headers": [["x-env", "gray"], ["sec-fetch-mode", "navigate"], ["sec-fetch-dest", "document"]],
                      "minted": "0123456789abcdef0123456789abcdef"});
    let request = Bytes::from(serde_json::from_value::<Request>(page).unwrap());
    let decision = snapshot.decide(&request).next().expect("one decision");
    let [variant, rule] = [decision.variant(), decision.rule_path()].map(String::from_utf8_lossy);
    let (set, cookies) = (decision.set().count(), decision.cookies(&request).len());
    let switches = decision.switches().map(String::from_utf8_lossy).unwrap_or_default();
    format!("{variant} {} {rule}, {set}, {cookies}, {switches}", decision.reason.name())
}

#[test]
fn everybody_has_the_default_of_a_rule_set_that_is_off() {
    let on = "canary TARGETING_MATCH ?/qa, 2, 1, cart=\"new\"";
    let off = "stable DISABLED ?/_off, 1, 0, cart=\"old\"";
    for (overlay, shop, blog) in [
        (Off::These(&[]), on, on),
        (Off::These(&["shop"]), off, on),
        (Off::These(&["gone", "blog"]), on, off),
        (Off::All, off, off),
    ] {
        let snapshot = under(overlay).unwrap();
        for (name, expected) in [("shop", shop), ("blog", blog)] {
            let found = decided(&snapshot, &format!("{name}.example.com"));
            assert_eq!(found, expected.replace('?', name), "{overlay:?}");
        }
    }
}

#[test]
fn explain_says_that_it_is_off() {
    let snapshot = under(Off::All).unwrap();
    let request = Bytes::from(serde_json::from_value::<Request>(json!({"headers": [["x-env", "gray"]]})).unwrap());
    let told = snapshot.explain(&request).first().map(ToString::to_string).unwrap();
    assert!(told.contains("decision    stable DISABLED: the rule set is switched off"), "{told}");
    assert!(!told.contains("identity") && !told.contains("rules  "), "{told}");
    assert!(!told.contains("qa"), "{told}");
}

#[test]
fn what_is_off_is_compiled_all_the_same() {
    let broken = SHOP.replace("\"variant\": \"canary\"", "\"variant\": \"cannary\"");
    let sources = [Source { format: Format::Json, text: broken.as_bytes() }];
    let refused = compile_under(&sources, Overlay { off: Off::All, ..Overlay::default() }).unwrap_err();
    assert!(refused.iter().any(|problem| problem.code == "unknown-variant"), "{refused:?}");
}
