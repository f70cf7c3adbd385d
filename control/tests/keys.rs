//! `graylane keys`, as a shell would run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use common::Scratch;
use serde_json::{Value, json};

/// The public half in a line for the fetcher's configuration.
fn public(line: &str, id: &str) -> String {
    let rest = line.strip_prefix(&format!("\"keys\": {{\"{id}\": \"")).expect(line);
    let public = rest.strip_suffix("\"}\n").expect(line);
    assert!(public.len() == 64 && public.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{line}");
    public.to_owned()
}

#[test]
fn a_new_key_is_a_file_for_one_and_a_line_for_others() {
    let scratch = Scratch::new("keys-new");
    fs::create_dir(scratch.path("keys")).unwrap();
    let (code, line, said) = scratch.run(&["keys", "new", "release-1", "--out", "keys"], "");
    let new = public(&line, "release-1");
    assert_eq!((code, said.as_str()), (0, "keys/release-1.pem: the private key, for graylane serve --signing-key\n"));
    let file = scratch.path("keys/release-1.pem");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    let pem = fs::read(&file).unwrap();
    let (code, stdout, said) = scratch.run(&["keys", "new", "release-1", "--out", "keys"], "");
    let found = "error: found keys/release-1.pem, expected no such file: a key is never overwritten\n";
    assert_eq!((code, stdout.as_str(), said.as_str()), (2, "", found));
    assert_eq!(fs::read(&file).unwrap(), pem);
    assert_eq!(scratch.run(&["keys", "show", "keys/release-1.pem"], "").1, line);

    let (_, other, _) = scratch.run(&["keys", "new", "b", "-o", "json"], "");
    let other: Value = serde_json::from_str(&other).unwrap();
    let (code, both, _) = scratch.run(&["keys", "show", "-o", "json", "keys/release-1.pem", "b.pem"], "");
    assert_eq!(code, 0);
    assert_eq!(
        serde_json::from_str::<Value>(&both).unwrap(),
        json!({"keys": {"release-1": new, "b": other["keys"]["b"]}})
    );
    let line = format!("\"keys\": {{\"b\": {}, \"release-1\": \"{new}\"}}\n", other["keys"]["b"]);
    assert_eq!(scratch.run(&["keys", "show", "keys/release-1.pem", "b.pem"], "").1, line);
}

#[test]
fn what_gives_no_key_says_why() {
    let scratch = Scratch::new("keys-wrong");
    scratch.write("x.pem", "x");
    for (arguments, said) in [
        (&["new", "Release"][..], "found the id \"Release\", expected 1 to 63 lower-case letters"),
        (&["new", "a", "--out", "none"], "error: none/a.pem: found no directory none, expected one that is there"),
        (&["show", "x.pem"], "error: x.pem: found no key ("),
        (&["show", "gone.pem"], "error: gone.pem: found no such file"),
        (&["show"], "required"),
        (&[], "new"),
    ] {
        let (code, stdout, stderr) = scratch.run(&[&["keys"], arguments].concat(), "");
        assert!(code == 2 && stdout.is_empty() && stderr.contains(said), "{arguments:?}: {stderr}");
    }
    scratch.run(&["keys", "new", "a"], "");
    let (code, _, said) = scratch.run(&["keys", "show", "a.pem", "a.pem"], "");
    assert_eq!((code, said.as_str()), (2, "error: a.pem: found a second key \"a\", expected one of each id\n"));
}

/// Runs openssl; None where there is none. What it reads and writes without it is held by the vectors in `src/keys.rs`.
fn openssl(scratch: &Scratch, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("openssl").args(arguments).current_dir(scratch.path("")).output();
    let Ok(output) = output else {
        println!("skipped: no openssl");
        return None;
    };
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

#[test]
fn openssl_reads_our_keys_and_we_read_those_of_openssl() {
    let scratch = Scratch::new("keys-openssl");
    let (_, line, _) = scratch.run(&["keys", "new", "ours"], "");
    // The public half is the last 32 bytes of what openssl writes.
    let hexadecimal = |der: &[u8]| der[der.len() - 32..].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let Some(der) = openssl(&scratch, &["pkey", "-in", "ours.pem", "-pubout", "-outform", "DER"]) else { return };
    assert_eq!(hexadecimal(&der), public(&line, "ours"));
    openssl(&scratch, &["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"]);
    let der = openssl(&scratch, &["pkey", "-in", "theirs.pem", "-pubout", "-outform", "DER"]).unwrap();
    assert_eq!(public(&scratch.run(&["keys", "show", "theirs.pem"], "").1, "theirs"), hexadecimal(&der));
}
