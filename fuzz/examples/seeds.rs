//! Writes what most corpora began with, out of `testdata/`, into `fuzz/work/TARGET`: `cargo run --example seeds`. That of
//! `filter` began with the scripts in it that have names.
#![allow(missing_docs, reason = "an example has no public items")]

use std::{fs, path::Path};

use graylane_fuzz::{cases, document::SEPARATOR};
use graylane_rules::{
    Revision, SNAPSHOT_FORMAT,
    envelope::{Head, Signature, seal},
};

const FUZZ: &str = env!("CARGO_MANIFEST_DIR");

fn main() {
    let files = cases::files();
    let snapshots: Vec<Vec<u8>> = files.iter().map(|file| file.compiled().snapshot.bytes().to_vec()).collect();
    let requests = files.iter().flat_map(|file| &file.cases).map(|case| case.request.written());
    write("document", files.iter().map(as_json).chain(as_yaml()));
    write("snapshot", snapshots.iter().cloned());
    write("envelope", snapshots.iter().take(2).flat_map(|snapshot| envelopes(snapshot)));
    write("request", requests);
}

fn write(target: &str, seeds: impl Iterator<Item = Vec<u8>>) {
    let directory = Path::new(FUZZ).join("work").join(target);
    fs::create_dir_all(&directory).expect("a directory for the seeds");
    let written = seeds.enumerate().map(|(number, seed)| fs::write(directory.join(format!("seed-{number}")), seed));
    println!("{target}: {} seeds", written.map(|done| done.expect("a file for the seed")).count());
}

fn as_json(file: &cases::File) -> Vec<u8> {
    let texts: Vec<Vec<u8>> = file.documents.iter().map(|document| document.to_string().into_bytes()).collect();
    texts.join(&SEPARATOR)
}

/// The documents of the cases in the words they are written in, those that are refused, and those people copy.
fn as_yaml() -> impl Iterator<Item = Vec<u8>> {
    let valid = cases::texts("testdata/cases").into_values().map(|text| documents_of(&String::from_utf8_lossy(&text)));
    let mut invalid = cases::texts("testdata/invalid");
    invalid.retain(|name, _| !name.ends_with(".errors"));
    let locked: Vec<Vec<u8>> = invalid
        .iter()
        .filter_map(|(name, lock)| {
            let document = invalid.get(&format!("{}.yaml", name.strip_suffix(".lock.yaml")?))?;
            Some([document.as_slice(), lock].join(&SEPARATOR))
        })
        .collect();
    valid.chain(invalid.into_values()).chain(locked).chain(cases::texts("envoy/rules").into_values())
}

/// What stands under `documents:` in a file of cases, one document after the other.
fn documents_of(file: &str) -> Vec<u8> {
    let lines = file.lines().skip_while(|line| *line != "documents:").skip(1).take_while(|line| *line != "cases:");
    let mut text = String::new();
    for line in lines {
        if line.starts_with("  - ") && !text.is_empty() {
            text.push(char::from(SEPARATOR));
        }
        text.push_str(line.get(4..).unwrap_or_default());
        text.push('\n');
    }
    text.into_bytes()
}

fn envelopes(snapshot: &[u8]) -> [Vec<u8>; 4] {
    let revision = Revision { epoch: 1_732_450_000, number: 7 };
    let mut head = Head::of("default", revision, SNAPSHOT_FORMAT, snapshot);
    (head.issued, head.expires) = (1_732_450_123, 1_732_460_000);
    head.signatures = vec![Signature { key: "ops-1".into(), ed25519: "0f".repeat(64) }];
    let later = br#"{"namespace":"a\nb\\","epoch":0,"revision":1,"format":9,"length":0,"sha256":"","later":[1]}"#;
    [
        seal("default", revision, SNAPSHOT_FORMAT, snapshot),
        head.seal(snapshot),
        seal("shop", Revision { epoch: 0, number: u64::MAX }, u16::MAX, b""),
        [later, &b"\n"[..]].concat(),
    ]
}
