//! Of a cookie or a claim 256 values count, however many a client sends.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

#[path = "common/base64url.rs"]
mod base64url;
mod common;
#[path = "common/one_rule_set.rs"]
mod one_rule_set;

use base64url::base64url;
use common::{Bytes, Request};
use serde_json::{Value, json};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;

/// Whether a rule with `when`, alone or found by an index among many, matches a request with these headers.
fn matches(when: &Value, headers: &Value) -> bool {
    let decided = |others: usize| {
        let other = |at: usize| json!({"id": format!("r{at}"), "variant": "b", "when": {"header": {"name": "x-other", "exact": at.to_string()}}});
        let rules: Vec<_> =
            (0..others).map(other).chain([json!({"id": "last", "when": when, "variant": "b"})]).collect();
        let spec = json!({"variants": ["a", "b"], "default": "a", "rules": rules});
        let snapshot = one_rule_set::snapshot(&spec);
        let request = Bytes::from(serde_json::from_value::<Request>(json!({"headers": headers})).unwrap());
        snapshot.decide(&request).next().unwrap().variant() == b"b"
    };
    let (alone, among_many) = (decided(0), decided(100));
    assert_eq!(alone, among_many, "{when}");
    alone
}

#[test]
#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
fn the_first_256_values_count() {
    let values: Vec<String> = (0..300).map(|number| format!("v{number}.")).collect();
    let cookies = json!([["cookie", values.iter().map(|value| format!("a={value}")).collect::<Vec<_>>().join("; ")]]);
    // The payload alone is read: whoever proves the token stands in front.
    let payload = base64url(json!({"groups": values}).to_string().as_bytes());
    let payload = String::from_utf8(payload).unwrap();
    let token = json!([["authorization", format!("Bearer e30.{payload}.e30")]]);
    for (number, counts) in [(0, true), (255, true), (256, false), (299, false)] {
        for operator in ["exact", "suffix"] {
            let cookie = json!({"cookie": {"name": "a", operator: format!("v{number}.")}});
            let claim = json!({"jwtClaim": {"claim": "groups", operator: format!("v{number}.")}});
            assert_eq!(matches(&cookie, &cookies), counts, "{cookie}");
            assert_eq!(matches(&claim, &token), counts, "{claim}");
        }
    }
}
