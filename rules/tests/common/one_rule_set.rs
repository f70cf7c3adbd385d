//! A rule set of a test's own.

use graylane_rules::{Format, Snapshot, Source, compile};
use serde_json::{Value, json};

/// The snapshot of one rule set, called `shop`, that is sound.
pub fn snapshot(spec: &Value) -> Snapshot {
    let document =
        json!({"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": spec});
    let text = document.to_string();
    let compiled = compile(&[Source { format: Format::Json, text: text.as_bytes() }]).unwrap();
    Snapshot::load(compiled.snapshot).unwrap()
}
