//! `graylane embed`: what it prints says the same as the documents.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::{Scratch, rule_set};
use graylane_rules::{Format, Source, compile};
use serde_json::Value;

#[test]
fn what_is_printed_compiles_to_the_same_snapshot() {
    let scratch = Scratch::new("embed");
    let text = rule_set("shop", "stable").replace("exact: gray", "regex: 'gray|lab-[0-9]+', ignoreCase: true");
    assert!(text.contains("regex"), "{text}");
    scratch.write("shop.yaml", text.clone());
    let (code, stdout, stderr) = scratch.run(&["embed", "-f", "shop.yaml"], "");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let printed: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(printed["automata"][0]["regex"], "gray|lab-[0-9]+");
    assert_eq!(printed["automata"][0]["ignoreCase"], true);
    assert!(printed.get("locks").is_none());
    let json = printed["ruleSets"][0].to_string();
    let of = |format, text: &str| compile(&[Source { format, text: text.as_bytes() }]).unwrap().snapshot;
    assert_eq!(of(Format::Json, &json), of(Format::Yaml, &text));
}

#[test]
fn audiences_have_a_list_of_their_own() {
    let scratch = Scratch::new("embed-audience");
    scratch.write("shop.yaml", rule_set("shop", "stable"));
    let audience =
        "apiVersion: graylane.dev/v1\nkind: Audience\nmetadata: {name: beta}\nspec: {identities: [alice, bob]}\n";
    scratch.write("beta.yaml", audience);
    let (code, stdout, stderr) = scratch.run(&["embed", "."], "");
    assert_eq!(code, 0, "{stderr}");
    let printed: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(printed["ruleSets"].as_array().map(Vec::len), Some(1));
    assert_eq!(printed["audiences"][0]["spec"]["identities"], serde_json::json!(["alice", "bob"]));
}

#[test]
fn what_the_filter_would_not_read_is_refused() {
    let scratch = Scratch::new("embed-refused");
    scratch.write("broken.yaml", rule_set("shop", "gone"));
    let (code, stdout, stderr) = scratch.run(&["embed", "broken.yaml"], "");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("unknown-variant"), "{stderr}");
    // A table of some 160 KB, which base64 makes larger than a configuration may be.
    let large = rule_set("shop", "stable").replace("exact: gray", "regex: '(a|b)*a(a|b){12}[cd]|[e-z]*f[e-z]{12}'");
    scratch.write("large.yaml", large);
    let (code, _, stderr) = scratch.run(&["embed", "large.yaml"], "");
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("expected at most 262144"), "{stderr}");
}
