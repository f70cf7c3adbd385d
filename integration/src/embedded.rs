//! What `graylane embed` makes of rule sets: fields of the filter's own configuration.

use std::process::Command;

use serde_json::{Map, Value};

use crate::artefacts;

/// The fields that the command prints for `documents`, JSON.
///
/// # Panics
/// Where it refuses them.
pub fn embedded(documents: &[&str]) -> Map<String, Value> {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    for (number, document) in documents.iter().enumerate() {
        std::fs::write(scratch.path().join(format!("{number:02}.json")), document).expect("a document is written");
    }
    let output = Command::new(artefacts::graylane(None)).args(["embed", "-f"]).arg(scratch.path()).output();
    let output = output.expect("the command to start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a map of fields")
}
