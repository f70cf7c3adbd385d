//! `graylane schema`, beside what the decoder takes and refuses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panic"
)]

mod common;
#[path = "schema/validator.rs"]
mod validator;

use std::{collections::BTreeSet, fs, path::PathBuf};

use common::{Scratch, rule_set};
use serde_json::Value;
use validator::Schema;

/// Invalid documents in which each value is as it should be, but not together with the others, or in its place, or beyond
/// what types say. What other readers of YAML take (anchors, tags, JSON with a comma too many) is among them, too.
const UNSEEN: &[&str] = &[
    "audience-duplicates.yaml",
    "bad-identity.yaml",
    "cookies-that-clash.yaml",
    "duplicate-id.yaml",
    "duplicate-variant.yaml",
    "experiment-header-in-set.yaml",
    "experiment-headers-alike.yaml",
    "experiment-headers.yaml",
    "forbidden-header.yaml",
    "hidden-tag.yaml",
    "inherit-everybody.yaml",
    "inherit-hops-missing.yaml",
    "inherit-hops-needless.yaml",
    "inherit-outbound-false.yaml",
    "large-regex.yaml",
    "lock-mismatch.lock.yaml",
    "lock-missing.yaml",
    "lock-unknown.lock.yaml",
    "lock-without-rule-set.lock.yaml",
    "needless-regex.yaml",
    "negated-percent.yaml",
    "no-identity-source.yaml",
    "shadowed-rules.yaml",
    "syntax-json.json",
    "too-deep.yaml",
    "too-long-switches.yaml",
    "unknown-split.yaml",
    "unknown-tag.yaml",
    "unknown-variant.yaml",
    "unreachable-rule.yaml",
    "unused.yaml",
    "variant-gets-no-slot.yaml",
    "variant-header-in-set.yaml",
    "weight-sum-zero.yaml",
    "yaml-anchor.yaml",
    "yaml-merge-key.yaml",
    "yaml-tag.yaml",
];

fn schema() -> Schema {
    let scratch = Scratch::new("schema");
    let (code, stdout, _) = scratch.run(&["schema"], "");
    assert_eq!(code, 0);
    Schema(serde_json::from_str(&stdout).unwrap())
}

fn files(of: &str) -> Vec<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(of);
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml" || end == "json"));
    files.sort();
    files
}

#[test]
fn every_document_of_the_cases_is_valid() {
    let schema = schema();
    let mut count = 0;
    for file in files("cases") {
        let text = fs::read_to_string(&file).unwrap();
        let content: Value = serde_saphyr::from_str(&text).unwrap();
        for document in content["documents"].as_array().unwrap() {
            assert!(schema.takes(document), "{}: {document:#}", file.display());
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_fault_of_structure_is_refused() {
    let schema = schema();
    let mut taken = Vec::new();
    let mut refused = 0;
    for file in files("invalid") {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let Ok(document) = serde_saphyr::from_str::<Value>(&text) else { continue };
        if !file.with_extension("errors").exists() {
            continue;
        }
        match schema.takes(&document) {
            true => taken.push(file.file_name().unwrap().to_str().unwrap().to_owned()),
            false => refused += 1,
        }
    }
    assert_eq!(taken, UNSEEN);
    assert!(refused > 30, "{refused}");
}

/// Whether the schema takes it, and `check`.
fn taken(schema: &Schema, scratch: &Scratch, document: &str) -> (bool, bool) {
    scratch.write("one.json", document);
    let (code, ..) = scratch.run(&["check", "one.json"], "");
    (schema.takes(&serde_json::from_str(document).unwrap()), code == 0)
}

#[test]
fn tags_and_the_next_version_are_as_the_parsers_read_them() {
    let (schema, scratch) = (schema(), Scratch::new("schema-versions"));
    let rule_set = |head: &str, when: &str| {
        format!(
            r#"{{{head}, "kind": "RuleSet", "metadata": {{"name": "a"}}, "spec": {{"variants": ["a", "b"], "default": "a",
            "rules": [{{"id": "r", "when": {when}, "variant": "b"}}]}}}}"#
        )
    };
    let (one, list) = (r#"{"path": {"exact": "/"}}"#, r#"[{"path": {"exact": "/"}}, {"method": {"exact": "GET"}}]"#);
    let (first, next) = (r#""apiVersion": "graylane.dev/v1""#, r#""apiVersion": "graylane.dev/v2alpha1""#);
    let (stable, canary) = (r#""x-gray-tag": "stable", "#, r#""x-gray-tag": "canary", "#);
    for (head, when, sound) in [
        (first.to_owned(), one, true),
        (first.to_owned(), list, false),
        (stable.to_owned() + first, one, true),
        (next.to_owned(), one, false),
        (canary.to_owned() + next, one, true),
        (canary.to_owned() + next, list, true),
        (canary.to_owned() + first, list, true),
        (canary.to_owned() + next, "[]", false),
    ] {
        assert_eq!(taken(&schema, &scratch, &rule_set(&head, when)), (sound, sound), "{head} {when}");
    }
    for rest in [
        r#""kind": "Audience", "metadata": {"name": "a"}, "spec": {"identities": ["a"]}"#,
        r#""kind": "ParserTags", "metadata": {"name": "a"}, "spec": {"tags": {"edge": "v2alpha1-json"}, "default": "v1-json"}"#,
        r#""kind": "AllocationLock", "metadata": {"name": "a"}, "spec": {"splits": {"s": {"ranges": [{"from": 0, "variant": "a"}]}}}"#,
    ] {
        for head in [first.to_owned(), stable.to_owned() + first, canary.to_owned() + next] {
            let document = format!("{{{head}, {rest}}}");
            assert_eq!(taken(&schema, &scratch, &document), (true, true), "{document}");
        }
    }
}

/// Documents with a field `zzz` in each map whose fields are known.
const PROBES: &[&str] = &[
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "zzz": 1, "metadata": {"name": "a", "zzz": 1}, "spec": {"zzz": 1,
        "scope": {"zzz": 1}, "output": {"zzz": 1}, "variants": ["a"], "default": "a",
        "identity": {"zzz": 1, "from": [{"zzz": 1}], "sticky": {"zzz": 1}},
        "splits": {"s": {"zzz": 1, "weights": {"a": 1}}}, "switches": {"s": {"zzz": 1, "type": "int", "default": 1}},
        "rules": [{"id": "r", "zzz": 1, "when": {"zzz": 1}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"}, "spec": {"variants": ["a"], "default": "a",
        "identity": {"from": [{"issueCookie": {"zzz": 1}}], "sticky": {"firstSeen": {"zzz": 1}}},
        "rules": [{"id": "r", "when": {"header": {"zzz": 1}}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"}, "spec": {"variants": ["a"], "default": "a",
        "rules": [{"id": "r", "when": {"path": {"range": {"zzz": 1}, "zzz": 1}}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"}, "spec": {"variants": ["a"], "default": "a",
        "rules": [{"id": "r", "when": {"percent": {"zzz": 1}}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"}, "spec": {"variants": ["a"], "default": "a",
        "identity": {"from": [{"jwtClaim": {"zzz": 1}}]},
        "rules": [{"id": "r", "when": {"source": {"zzz": 1}}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"}, "spec": {"variants": ["a"], "default": "a",
        "rules": [{"id": "r", "when": {"time": {"zzz": 1}}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"}, "spec": {"variants": ["a"], "default": "a",
        "rules": [{"id": "r", "when": {"jwtClaim": {"zzz": 1}}, "variant": "a"}]}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "Audience", "metadata": {"name": "a"}, "spec": {"zzz": 1}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "AllocationLock", "zzz": 1, "metadata": {"name": "a"}, "spec": {"zzz": 1,
        "splits": {"s": {"zzz": 1, "ranges": [{"zzz": 1}]}}}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "ParserTags", "metadata": {"name": "a"}, "spec": {"zzz": 1}}"#,
    r#"{"apiVersion": "graylane.dev/v1", "kind": "AllowList", "zzz": 1, "metadata": {"name": "a", "zzz": 1}, "spec": {"zzz": 1,
        "gates": {"s": {"zzz": 1}}}}"#,
];

#[test]
fn the_schema_has_the_fields_of_the_decoder_and_no_others() {
    let schema = schema();
    let scratch = Scratch::new("schema-probes");
    for probe in PROBES {
        scratch.write("probe.json", probe);
        scratch.write("shop.yaml", rule_set("shop", "stable"));
        let listed = ["check", "-o", "json", "--allow-list", "probe.json", "shop.yaml"];
        let alone = ["check", "-o", "json", "probe.json"];
        let asked = if probe.contains("AllowList") { &listed[..] } else { &alone };
        let (_, stdout, _) = scratch.run(asked, "");
        let findings: Vec<Value> = serde_json::from_str(&stdout).unwrap();
        let unknown = findings.iter().filter(|finding| finding["path"].as_str().unwrap().ends_with("zzz"));
        let unknown: Vec<_> = unknown.filter(|finding| finding["code"] == "unknown-field").collect();
        assert_eq!(unknown.len(), probe.matches("zzz").count(), "{stdout}");
        let kind = serde_json::from_str::<Value>(probe).unwrap()["kind"].clone();
        for finding in unknown {
            let path = finding["path"].as_str().unwrap().replace("[0]", ".0");
            let steps: Vec<_> = path.split('.').filter(|step| *step != "zzz").collect();
            let expected = finding["expected"].as_str().unwrap().split("; did you mean").next().unwrap();
            let decoder: BTreeSet<_> = expected.split(", ").flat_map(|names| names.split(" or ")).collect();
            let found = schema.names_at(kind.as_str().unwrap(), &steps);
            assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), decoder, "at {path}");
        }
    }
}
