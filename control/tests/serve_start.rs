//! What `graylane serve` refuses to begin with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;
#[path = "common/serving.rs"]
mod serving;

use common::Scratch;
use serving::Serving;

#[test]
fn an_address_others_reach_must_be_asked_for() {
    let scratch = Scratch::with_rules("address");
    let (code, _, said) = scratch.run(&["serve", "--rules", "rules", "--listen", "0.0.0.0:0"], "");
    assert_eq!(code, 2);
    assert!(
        said.contains("found 0.0.0.0:0, which other machines reach, without --tls-cert, --tls-key and --callers"),
        "{said}"
    );
}

#[test]
fn a_name_is_resolved_and_an_address_in_use_is_told() {
    let scratch = Scratch::with_rules("in-use");
    let serving = Serving::with(&scratch, &["--listen", "localhost:0"]);
    let (code, _, said) = scratch.run(&["serve", "--rules", "rules", "--listen", &serving.address], "");
    let found = format!("error: --listen: found {}, where another process listens already, expected", serving.address);
    assert!(code == 2 && said.starts_with(&found) && said.lines().count() == 1, "{said}");
    let (code, _, said) = scratch.run(&["serve", "--rules", "rules", "--listen", "localhost"], "");
    assert!(code == 2 && said.contains("found no address (") && said.contains("127.0.0.1:8460"), "{said}");
}

#[test]
fn as_many_files_can_be_open_as_may_be() {
    let scratch = Scratch::with_rules("limit");
    let graylane = env!("CARGO_BIN_EXE_graylane");
    let script = "ulimit -Sn 100 && ulimit -Hn 200 && exec \"$0\" serve --rules rules --listen 127.0.0.1:0";
    let mut command = std::process::Command::new("sh");
    let serving = Serving::of(command.args(["-c", script, graylane]).current_dir(scratch.path("")));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serving.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().skip(3).collect::<Vec<_>>(), ["200", "200", "files"]);
    let (_, log) = serving.terminate();
    assert!(log.contains("at most 200 files can be open"), "{log}");
}

#[test]
fn callers_whom_nobody_could_recognise_are_refused() {
    let scratch = Scratch::with_rules("unrecognised");
    let head = "apiVersion: graylane.dev/v1\nkind: Callers\nspec:\n  callers:\n";
    scratch.write("callers.yaml", format!("{head}    - {{name: edge, role: fetcher, certificate: spiffe://a/edge}}\n"));
    let (code, _, said) = scratch.run(&["serve", "--rules", "rules", "--callers", "callers.yaml"], "");
    let found = "error: --callers: callers.yaml callers: found callers known by a certificate (edge) without --client-ca, expected";
    assert!(code == 2 && said.starts_with(found), "{said}");
}

#[test]
fn a_file_is_no_directory() {
    let scratch = Scratch::with_rules("file");
    let (code, _, said) = scratch.run(&["serve", "--rules", "rules/shop.yaml"], "");
    assert_eq!(said, "error: --rules: found rules/shop.yaml, which is a file, expected the directory that it is in\n");
    assert_eq!(code, 2);
}
