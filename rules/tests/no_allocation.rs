//! A decision takes nothing from the heap: of every case of the test data, and of rule sets of thousands of rules.
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

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use common::{Bytes, Request};
use graylane_rules::{Format, Snapshot, Source, compile};
use serde::Deserialize;
use serde_json::{Value, json};

/// Counts what a thread takes from the heap.
struct Counting;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all of it is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: the caller's duty is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's duty is passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: the caller's duty is passed on.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often a decision, everything it sets included, takes from the heap.
fn taken(snapshot: &Snapshot, request: &Bytes) -> usize {
    let before = TAKEN.get();
    let set: usize = snapshot.decide(request).map(|decision| decision.set().count()).sum();
    std::hint::black_box(set);
    TAKEN.get() - before
}

fn load(documents: &[Value]) -> Snapshot {
    let texts: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
    Snapshot::load(compile(&sources).unwrap().snapshot).unwrap()
}

fn request(request: Value) -> Bytes {
    Bytes::from(serde_json::from_value::<Request>(request).unwrap())
}

#[derive(Deserialize)]
struct File {
    documents: Vec<Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    request: Request,
}

/// What may take from the heap, once: more cookies or parameters than a browser sends, taken apart so that the work stays bounded,
/// the claims of a token, which are JSON, a cookie that is written for a new visitor, and cookie lines in pieces, which Envoy joins before.
const EXCEPTIONS: [&str; 7] = [
    "cookie-crumbs",
    "two hundred cookies",
    "two hundred query parameters",
    "a cookie of separators alone",
    "issue-cookie",
    "jwt",
    "sticky",
];

#[test]
fn no_case_of_the_test_data_takes_from_the_heap() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/cases");
    let (mut cases, mut taking) = (0, Vec::new());
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let file: File = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let snapshot = load(&file.documents);
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for case in file.cases {
            let taken = taken(&snapshot, &Bytes::from(case.request));
            if taken > 0 && !EXCEPTIONS.iter().any(|known| *known == case.name || stem.starts_with(known)) {
                taking.push(format!("{stem}: {}: {taken} times", case.name));
            }
            cases += 1;
        }
    }
    assert!(cases >= 150, "only {cases} cases");
    assert!(taking.is_empty(), "{taking:#?}");
}

fn many(rules: usize) -> Value {
    let when = |at: usize| match at % 8 {
        0 => json!({"header": {"name": "x-a", "exact": format!("v{at}")}}),
        1 => json!({"header": {"name": "x-a", "in": [format!("v{at}"), format!("W{at}")], "ignoreCase": true}}),
        2 => json!({"path": {"prefix": format!("/v{at}/")}}),
        3 => json!({"all": [{"query": {"name": "q", "exact": format!("v {at}")}}, {"percent": 50}]}),
        4 => json!({"cookie": {"name": "c", "exact": format!("v{at}")}}),
        5 => json!({"host": {"exact": format!("h{at}")}}),
        6 => json!({"cookie": {"name": format!("c{at}"), "suffix": "-never"}}),
        _ => json!({"header": {"name": "x-b", "range": {"from": at, "to": at}}}),
    };
    let rules: Vec<Value> =
        (0..rules).map(|at| json!({"id": format!("r{at}"), "when": when(at), "variant": "b"})).collect();
    json!({
        "apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "many"},
        "spec": {"variants": ["a", "b"], "default": "a", "identity": {"from": [{"header": "x-user"}]}, "rules": rules},
    })
}

#[test]
fn large_rule_sets_take_nothing_from_the_heap() {
    for rules in [10, 1_000, 8_000] {
        let snapshot = load(&[many(rules)]);
        let last = rules - 1;
        let headers = json!([
            ["x-a", format!("w{last}")],
            ["x-a", "V1"],
            ["x-b", last.to_string()],
            ["x-user", "u"],
            ["cookie", "c=1; d=2; c=3"]
        ]);
        for path in ["/", "/v2/x?q=v%203", "/?q=v+4&r=%41"] {
            let request = request(json!({"path": path, "host": "H5:443", "headers": headers}));
            assert_eq!(taken(&snapshot, &request), 0, "{path} of {rules}");
        }
    }
}

/// A client that sends more than a browser does: so that the work is bounded, it is taken apart once, however many rules ask.
#[test]
fn what_is_hostile_takes_a_little_once() {
    let snapshot = load(&[many(8_000)]);
    let cookies: Vec<String> = (0..5_000).map(|at| format!("c{at}=x")).collect();
    let query: Vec<String> = (0..5_000).map(|at| format!("p{at}=%20")).collect();
    let request =
        request(json!({"path": format!("/?{}", query.join("&")), "headers": [["cookie", cookies.join("; ")]]}));
    let taken = taken(&snapshot, &request);
    assert!((1..=5_100).contains(&taken), "{taken} times");
}
