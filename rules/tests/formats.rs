//! A build reads and writes each of its formats, and says so of no other.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;

use common::{Bytes, Request};
use graylane_rules::{Format, SNAPSHOT_FORMAT, SNAPSHOT_FORMATS, Snapshot, Source, compile};

const DOCUMENT: &str = r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
    "variants": ["stable", "canary"], "default": "stable", "rules": [{"id": "all", "variant": "canary"}]}}"#;

fn compiled() -> Vec<u8> {
    compile(&[Source { format: Format::Json, text: DOCUMENT.as_bytes() }]).unwrap().snapshot
}

fn format_of(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[8], bytes[9]])
}

#[test]
fn the_newest_comes_first_and_is_what_is_compiled() {
    let expected: &[u16] = if cfg!(feature = "next-format") { &[3, 2] } else { &[2] };
    assert_eq!((SNAPSHOT_FORMATS, SNAPSHOT_FORMAT, format_of(&compiled())), (expected, expected[0], expected[0]));
}

#[test]
fn every_format_is_written_read_and_decides_alike() {
    let newest = Snapshot::load(compiled()).unwrap();
    for &format in SNAPSHOT_FORMATS {
        let bytes = newest.in_format(format).unwrap();
        assert_eq!(format_of(&bytes), format);
        let snapshot = Snapshot::load(bytes).unwrap();
        let request = Bytes::from(Request::default());
        let decided = snapshot.decide(&request).map(|decision| decision.variant().to_vec());
        assert_eq!(decided.collect::<Vec<_>>(), [b"canary"]);
        assert_eq!(snapshot.in_format(SNAPSHOT_FORMAT).unwrap(), newest.bytes(), "and back, to the byte");
    }
}

#[test]
fn another_format_is_refused_by_its_number() {
    let newest = Snapshot::load(compiled()).unwrap();
    let expected = if cfg!(feature = "next-format") { "one of the formats 3, 2" } else { "format 2" };
    for format in (0..=u16::MAX).filter(|format| !SNAPSHOT_FORMATS.contains(format)) {
        assert_eq!(newest.in_format(format), None);
        let mut bytes = newest.bytes().to_vec();
        bytes[8..10].copy_from_slice(&format.to_le_bytes());
        let why = Snapshot::load(bytes).unwrap_err().to_string();
        assert_eq!(why, format!("found format {format}, expected {expected}"));
    }
}
