//! Publishing small rule sets over the API.
#![allow(dead_code, reason = "each test takes what it needs")]

use serde_json::{Value, json};

use super::{common::rule_set, serving::Serving};

/// Documents as a body has them.
pub fn documents(texts: &[(&str, String)]) -> Value {
    let all = texts.iter().map(|(file, text)| json!({"file": file, "text": text}));
    Value::Array(all.collect())
}

/// Publishes them because of `reason`; gives the answer.
pub fn publish(serving: &Serving, texts: &[(&str, String)], reason: &str) -> Value {
    let body = json!({"documents": documents(texts), "reason": reason, "actor": "ann", "source": "rules/"});
    let (status, answer) = serving.send("~/revisions", &body);
    assert_eq!(status, 200, "{answer:#}");
    answer
}

/// Rule sets of these names, in files of their own, whose default is this variant.
pub fn shops(names: &[&str], default: &str) -> Vec<(&'static str, String)> {
    let files = ["one.yaml", "two.yaml", "three.yaml"];
    files.into_iter().zip(names).map(|(file, name)| (file, rule_set(name, default))).collect()
}
