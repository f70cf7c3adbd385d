//! Many scopes: the one that decides is found, and is the most specific.
#![cfg(not(target_family = "wasm"))]
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

use common::{Bytes, Request};
use graylane_rules::{Format, Snapshot, Source, compile};
use proptest::{
    prelude::*,
    sample::{select, subsequence},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

const HOSTS: [&str; 9] = [
    "a.example.com",
    "b.example.com",
    "A.b.example.com",
    "*.example.com",
    "*.b.example.com",
    "*.com",
    "example.com",
    "[::1]",
    "x.a.b.example.com",
];
const PREFIXES: [&str; 8] = ["/", "/a", "/a/b", "/a/b/c", "/b", "/ab", "/a/bc", "/A"];
const PATHS: [&str; 12] = ["/", "/a", "/a/", "/a?b", "/a/b", "/a/b/c/d", "/ab", "/a/bc", "/A/b", "/b/", "*", "/abc"];

/// A rule set of these hosts and prefixes; none are any.
fn rule_set(number: usize, hosts: &[&str], prefixes: &[&str]) -> Value {
    let mut scope = serde_json::Map::new();
    for (name, list) in [("hosts", hosts), ("pathPrefixes", prefixes)] {
        if !list.is_empty() {
            scope.insert(name.to_owned(), json!(list));
        }
    }
    json!({
        "apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": format!("s{number}")},
        "spec": {
            "scope": scope,
            "variants": ["stable", "canary"], "default": "stable",
            "rules": [{"id": "all", "variant": "canary"}],
        },
    })
}

fn load(documents: &[Value]) -> Snapshot {
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
    Snapshot::load(compile(&sources).unwrap().snapshot).unwrap()
}

/// The rule set that `explain`, which walks all scopes, calls the most specific.
fn explained(snapshot: &Snapshot, request: &Bytes) -> Option<String> {
    let told = snapshot.explain(request).first().map(ToString::to_string).unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("  rule set  ✓ "))?;
    line.split_whitespace().next().map(str::to_owned)
}

fn request(host: &str, path: &str) -> Bytes {
    Bytes::from(serde_json::from_value::<Request>(json!({"host": host, "path": path})).unwrap())
}

#[test]
fn the_scope_that_is_found_is_the_first_that_includes_the_request() {
    let (mut runner, mut many, mut decided) = (TestRunner::deterministic(), 0, 0);
    // Each once: of two rule sets of one scope only the first would ever decide.
    let one = |list: &'static [&'static str]| list.iter().map(std::slice::from_ref).chain([&[][..]]);
    let all: Vec<_> = one(&HOSTS).flat_map(|hosts| one(&PREFIXES).map(move |prefixes| (hosts, prefixes))).collect();
    for _ in 0..200 {
        let scopes = subsequence(all.clone(), 1..60).new_tree(&mut runner).unwrap().current();
        let documents: Vec<_> =
            scopes.iter().enumerate().map(|(at, (hosts, prefixes))| rule_set(at, hosts, prefixes)).collect();
        let snapshot = load(&documents);
        many += usize::from(scopes.len() > 16);
        for _ in 0..40 {
            let host = prop_oneof![
                select(HOSTS.to_vec()),
                Just("x.y.Example.com:8080"),
                Just(""),
                Just(".com"),
                Just("c.com.")
            ];
            let (host, path) = (host, select(PATHS.to_vec())).new_tree(&mut runner).unwrap().current();
            let request = request(host, path);
            let found = snapshot
                .decide(&request)
                .next()
                .map(|decision| String::from_utf8_lossy(decision.rule_set()).into_owned());
            assert_eq!(found, explained(&snapshot, &request), "{host} {path} {}", json!(documents));
            decided += usize::from(found.is_some());
        }
    }
    assert!(many > 30 && decided > 1_000, "{many} with many scopes, {decided} requests within one");
}

#[test]
fn a_thousand_services_of_their_own_hosts_and_paths() {
    let documents: Vec<_> = (0..1_000)
        .map(|at| {
            let (host, wild) = (format!("s{at}.example.com"), format!("*.s{at}.example.com"));
            rule_set(at, &[&host, &wild], &[&format!("/v{at}"), &format!("/v{at}/more")])
        })
        .collect();
    let snapshot = load(&documents);
    for at in (0..1_000).step_by(37) {
        for host in [format!("s{at}.example.com"), format!("S{at}.Example.com:80"), format!("a.b.s{at}.example.com")] {
            for (path, own) in [(format!("/v{at}/more/x?y"), true), (format!("/v{at}"), true), ("/v".to_owned(), false)]
            {
                let request = request(&host, &path);
                let found = snapshot.decide(&request).next().map(|decision| decision.rule_set().to_vec());
                assert_eq!(found, own.then(|| format!("s{at}").into_bytes()), "{host} {path}");
            }
        }
    }
}
