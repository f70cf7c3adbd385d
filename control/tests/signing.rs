//! `graylane serve --signing-key`: signed envelopes, and keys that change while it serves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panic"
)]

mod common;
#[path = "common/serving.rs"]
mod serving;

use std::{fs, os::unix::fs::PermissionsExt as _};

use common::Scratch;
use ed25519_dalek::{Signature, VerifyingKey};
use graylane_rules::{Revision, envelope};
use serde_json::{Value, json};
use serving::Serving;

/// Makes a key in the directory `to`: its public half.
fn new_key(scratch: &Scratch, id: &str, to: &str) -> VerifyingKey {
    fs::create_dir_all(scratch.path(to)).unwrap();
    let (code, line, said) = scratch.run(&["keys", "new", id, "--out", to, "-o", "json"], "");
    assert_eq!(code, 0, "{said}");
    let keys: Value = serde_json::from_str(&line).unwrap();
    VerifyingKey::from_bytes(&bytes(keys["keys"][id].as_str().unwrap())).unwrap()
}

fn bytes<const N: usize>(hexadecimal: &str) -> [u8; N] {
    std::array::from_fn(|index| u8::from_str_radix(&hexadecimal[2 * index..2 * index + 2], 16).unwrap())
}

/// The revision that is delivered, which the key `id` must have signed, to be accepted for another while.
fn verified(serving: &Serving, id: &str, key: &VerifyingKey) -> Revision {
    let (status, body) = serving.get("~/snapshot");
    assert_eq!(status, 200);
    let (head, _) = envelope::open(&body).unwrap();
    let signature = head.signatures.iter().find(|signature| signature.key == id).expect("a signature of that key");
    let signature = Signature::from_bytes(&bytes(&signature.ed25519));
    key.verify_strict(head.signed_text().as_bytes(), &signature).expect("a signature that holds");
    assert_eq!(head.expires - head.issued, 5_400);
    head.revision()
}

#[test]
fn keys_are_rotated_without_a_restart_and_a_bad_one_changes_nothing() {
    let scratch = Scratch::with_rules("rotate");
    let (one, two) = (new_key(&scratch, "one", "keys"), new_key(&scratch, "two", "keys"));
    let next = new_key(&scratch, "two", "next");
    let keys = ["--signing-key", "keys/one.pem", "--signing-key", "keys/two.pem", "--valid-for", "90m"];
    let serving = Serving::with(&scratch, &[&["--listen", "127.0.0.1:0"], &keys[..]].concat());
    serving.published(1);
    let revision = verified(&serving, "one", &one);
    assert_eq!(verified(&serving, "two", &two), revision);
    assert_eq!(serving.status()["signedBy"], json!(["one", "two"]));

    // A file that is no key, and one that everybody reads: both are told, and what signs stays.
    scratch.write("keys/two.pem", "x");
    fs::set_permissions(scratch.path("keys/one.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    serving.signal("-HUP");
    let status = serving.eventually("two problems", |status| status["problems"].as_array().map(Vec::len) == Some(2));
    let problem = |index: usize| (&status["problems"][index]["file"], &status["problems"][index]["found"]);
    let mode = "the mode 0644, open to everybody on this machine";
    assert_eq!(problem(0), (&json!("keys/one.pem"), &json!(mode)));
    assert_eq!((problem(1).0, &status["problems"][1]["code"]), (&json!("keys/two.pem"), &json!("signing-key")));
    assert_eq!((verified(&serving, "one", &one), verified(&serving, "two", &two)), (revision, revision));

    fs::set_permissions(scratch.path("keys/one.pem"), fs::Permissions::from_mode(0o400)).unwrap();
    fs::rename(scratch.path("next/two.pem"), scratch.path("keys/two.pem")).unwrap();
    serving.signal("-HUP");
    serving.eventually("no problems", |status| status["problems"] == json!([]));
    assert_eq!((verified(&serving, "one", &one), verified(&serving, "two", &next)), (revision, revision));
    let (exit, log) = serving.terminate();
    assert!(exit.success());
    assert!(log.contains("ERROR SIGHUP: signing with one, two as before: keys/one.pem: found the mode 0644"), "{log}");
    assert!(log.contains("INFO SIGHUP: signing keys read again, signing with one, two"), "{log}");
}

#[test]
fn a_key_is_replaced_in_a_directory_and_each_step_is_believed_by_those_before_and_after() {
    let scratch = Scratch::with_rules("rotate-directory");
    let old = new_key(&scratch, "old", "keys");
    let listen = ["--listen", "127.0.0.1:0"];
    let serving = Serving::with(&scratch, &[&listen[..], &["--signing-key", "keys", "--valid-for", "90m"]].concat());
    serving.published(1);
    let revision = verified(&serving, "old", &old);
    let new = new_key(&scratch, "new", "keys");
    serving.signal("-HUP");
    serving.eventually("both", |status| status["signedBy"] == json!(["new", "old"]));
    assert_eq!((verified(&serving, "old", &old), verified(&serving, "new", &new)), (revision, revision));
    fs::remove_file(scratch.path("keys/old.pem")).unwrap();
    serving.signal("-HUP");
    serving.eventually("the new one", |status| status["signedBy"] == json!(["new"]));
    assert_eq!(verified(&serving, "new", &new), revision);
}

#[test]
fn what_cannot_sign_does_not_begin_to_serve() {
    let scratch = Scratch::with_rules("cannot-sign");
    new_key(&scratch, "k", ".");
    new_key(&scratch, "open", ".");
    fs::set_permissions(scratch.path("open.pem"), fs::Permissions::from_mode(0o604)).unwrap();
    for (options, said) in [
        (&["--signing-key", "open.pem"][..], "error: --signing-key: open.pem: found the mode 0604, open to everybody"),
        (&["--signing-key", "k.pem", "--signing-key", "k.pem"], "k.pem: found a second key \"k\", expected one"),
        (&["--signing-key", "rules/shop.yaml"], "error: --signing-key: rules/shop.yaml: found "),
        (
            &["--signing-key", "k.pem", "--valid-for", "never"],
            "expected a number and one of s, m, h, d, from 2s to 366d",
        ),
        (&["--signing-key", "k.pem", "--valid-for", "0s"], "expected a number and one of s, m, h, d, from 2s to 366d"),
        (&["--valid-for", "1h"], "--signing-key <FILE|DIR>"),
    ] {
        let (code, stdout, stderr) = scratch.run(&[&["serve", "--rules", "rules"], options].concat(), "");
        assert!(code == 2 && stdout.is_empty() && stderr.contains(said), "{options:?}: {code} {stderr}");
    }
}
