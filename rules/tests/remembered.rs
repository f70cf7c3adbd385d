//! What a cookie remembers comes before a header, also where a decision takes the short way to the header.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;
#[path = "common/one_rule_set.rs"]
mod one_rule_set;

use common::{Bytes, Request};
use serde_json::{Value, json};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;

/// The variant and the slot that `headers` get by a rule set of one rule.
fn decided(rule: &Value, headers: &Value) -> (Vec<u8>, Option<u32>) {
    let snapshot = one_rule_set::snapshot(&json!({
        "identity": {"from": [{"header": "x-user-id"}], "sticky": {"firstSeen": {"cookie": "first", "maxAge": "1d"}}},
        "variants": ["stable", "canary"], "default": "stable",
        "splits": {"half": {"weights": {"stable": 50, "canary": 50}}},
        "rules": [rule],
    }));
    let request = Bytes::from(serde_json::from_value::<Request>(json!({"headers": headers})).unwrap());
    let decision = snapshot.decide(&request).next().unwrap();
    (decision.variant().to_vec(), decision.slot)
}

#[test]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn what_is_remembered_comes_before_a_header() {
    // A split alone, and a percentage behind headers that are all found before the identity is asked for.
    let all = [("x-a", "1"), ("x-b", "2")].map(|(name, value)| json!({"header": {"name": name, "exact": value}}));
    let behind_headers = json!({"all": [all[0], all[1], {"percent": 50}]});
    let rules = [json!({"id": "r", "split": "half"}), json!({"id": "r", "when": behind_headers, "variant": "canary"})];
    for rule in rules {
        let of = |user: &str| decided(&rule, &json!([["x-a", "1"], ["x-b", "2"], ["x-user-id", user]]));
        let alice = of("alice");
        let other = (0..99).map(|number| format!("user-{number}")).find(|other| of(other) != alice).unwrap();
        // "alice" in base64url.
        let remembered = json!([["x-a", "1"], ["x-b", "2"], ["x-user-id", other], ["cookie", "first=YWxpY2U"]]);
        assert_eq!(decided(&rule, &remembered), alice, "{rule}");
    }
}
