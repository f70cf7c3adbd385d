//! Every decision case and slot vector of `testdata/`, natively and, the same, as WebAssembly under
//! Node. `integration` sends the same cases through Envoy.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

mod common;

use std::collections::BTreeMap;

use common::{Bytes, Request, unhex};
use graylane_rules::{
    Decision, Format, Snapshot, Source, compile, owned,
    slot::{Domain, seed, slot},
};
use serde::Deserialize;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test;

macro_rules! files {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../testdata/cases/", $name, ".yaml")))),*] };
}

/// Named one by one, because there is no directory to list under Node.
const FILES: &[(&str, &str)] = files![
    "all-any-not"
    "audience"
    "cidr"
    "cookie-crumbs"
    "cookie"
    "default"
    "duplicates"
    "experiment-headers"
    "first-match"
    "header"
    "host"
    "hostile"
    "identity-sources"
    "identity"
    "ignore-case"
    "inherit"
    "issue-cookie-split"
    "issue-cookie"
    "jwt-claim"
    "jwt-identity"
    "labels"
    "method"
    "non-utf8"
    "owned-headers-hidden"
    "path"
    "percent"
    "presence-and-not"
    "query-decoding"
    "query"
    "range"
    "regex"
    "scope-hosts"
    "scope-paths"
    "scope-root"
    "semver"
    "set-headers"
    "several-rule-sets"
    "split-salts"
    "split-three"
    "split-two"
    "split-with-lock"
    "sticky-and-issued"
    "sticky"
    "switches"
    "text-operators"
    "time"
    "unconditional"
    "variant-header"
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    documents: Vec<serde_json::Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    request: Request,
    expect: Option<Outcome>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Outcome {
    rule_set: String,
    rule: Option<String>,
    variant: String,
    reason: String,
    slot: Option<u32>,
    experiment: Option<String>,
    set: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
}

impl Outcome {
    fn of(decision: &Decision<'_>, request: &Bytes) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Self {
            rule_set: text(decision.rule_set()),
            rule: decision.rule().map(text),
            variant: text(decision.variant()),
            reason: decision.reason.name().to_owned(),
            slot: decision.slot,
            experiment: decision.experiment().map(text),
            set: decision
                .set()
                .chain(decision.evaluated_at_header().map(|header| (header, &b"<time>"[..])))
                .chain(decision.switches().map(|switches| (owned::SWITCHES.as_bytes(), switches)))
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            cookies: decision.cookies(request).iter().map(ToString::to_string).collect(),
        }
    }
}

#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
#[cfg_attr(not(target_family = "wasm"), test)]
fn every_case_is_decided_as_expected() {
    let mut cases = 0;
    for (name, text) in FILES {
        let file: File = serde_saphyr::from_str(text).unwrap_or_else(|why| panic!("{name}: {why}"));
        let snapshot = load(name, &file.documents);
        for case in file.cases {
            let request = Bytes::from(case.request);
            let outcome = snapshot.decide(&request).next().map(|decision| Outcome::of(&decision, &request));
            assert_eq!(outcome, case.expect, "{name}: {}", case.name);
            assert!(!snapshot.explain(&request).is_empty(), "{name}: {}", case.name);
            cases += 1;
        }
    }
    assert!(cases >= 150, "only {cases} cases");
}

fn load(name: &str, documents: &[serde_json::Value]) -> Snapshot {
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
    let compiled = compile(&sources).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
    Snapshot::load(compiled.snapshot).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Vector {
    domain: String,
    salt: String,
    identity_hex: String,
    seed: String,
    #[serde(rename = "hash")]
    _hash: String,
    slot: u32,
}

#[cfg_attr(target_family = "wasm", wasm_bindgen_test)]
#[cfg_attr(not(target_family = "wasm"), test)]
fn slots_are_those_of_an_independent_implementation() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../testdata/vectors/slots.json")).unwrap();
    assert!(vectors.len() >= 100);
    for vector in vectors {
        let domain = if vector.domain == "split" { Domain::Split } else { Domain::Percent };
        let seed = seed(domain, &vector.salt);
        assert_eq!(seed.to_string(), vector.seed, "{}/{}", vector.domain, vector.salt);
        assert_eq!(slot(&unhex(&vector.identity_hex), seed), vector.slot, "{}", vector.identity_hex);
    }
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn no_case_file_is_left_out() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/cases");
    let mut found: Vec<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    let listed: Vec<String> = FILES.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    assert_eq!(found, listed);
}
