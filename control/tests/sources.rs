//! What is published is checked, explained and compared as its files would be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;
#[path = "common/serving.rs"]
mod serving;

use common::{Scratch, rule_set};
use serde_json::Value;
use serving::Serving;

const STORE: &str = "redb://graylane.redb";
const REQUEST: [&str; 4] = ["--", "-H", "x-env: gray", "http://shop.example.com/"];

/// Rules in a directory and, as its first revision, in a store.
fn published(name: &str) -> Scratch {
    let scratch = Scratch::with_rules(name);
    sound(&scratch, &["publish", "rules/", "-m", "the first", "--store", STORE]);
    scratch
}

/// What a command says that ends well: stdout, stderr.
fn sound(scratch: &Scratch, arguments: &[&str]) -> (String, String) {
    let (code, stdout, stderr) = scratch.run(arguments, "");
    assert_eq!(code, 0, "{arguments:?}: {stderr}");
    (stdout, stderr)
}

fn explained(scratch: &Scratch, place: &str) -> String {
    sound(scratch, &[&["explain", "--time", "2026-01-01T00:00:00Z", "-f", place][..], &REQUEST].concat()).0
}

#[test]
fn a_store_decides_as_its_directory_does() {
    let scratch = published("sources-store");
    assert_eq!(explained(&scratch, STORE), explained(&scratch, "rules"));
    let (_, stderr) = sound(&scratch, &["check", STORE]);
    let revision = stderr.lines().next().unwrap().strip_prefix("reading revision ").unwrap();
    let revision = revision.strip_suffix(" of redb://graylane.redb").unwrap();
    assert!(stderr.contains(&format!("1 document of revision {revision}: 0 errors, 0 warnings")), "{stderr}");
    let compiled = |place: &str| {
        sound(&scratch, &["compile", place, "-o", "out"]);
        std::fs::read(scratch.path("out")).unwrap()
    };
    assert_eq!(compiled(STORE), compiled("rules"));
    for number in ["head", "1", revision] {
        assert_eq!(compiled(&format!("{STORE}#{number}")), compiled("rules"), "{number}");
    }
    let decided = |place: &str| scratch.run(&["decide", place], "{\"path\":\"/\",\"host\":\"shop.example.com\"}").1;
    assert_eq!(decided(STORE), decided("rules"));
    let (stdout, _) = sound(&scratch, &["embed", STORE]);
    assert_eq!(stdout, sound(&scratch, &["embed", "rules"]).0);
}

#[test]
fn what_is_off_in_a_store_is_off_and_findings_name_the_revision() {
    let scratch = published("sources-off");
    sound(&scratch, &["off", "--rule-set", "shop", "-m", "it fails", "--store", STORE]);
    let off = explained(&scratch, STORE);
    assert!(off.contains("DISABLED") && off.contains("stable"), "{off}");
    assert_eq!(explained(&scratch, &format!("{STORE}#1")), explained(&scratch, "rules"));
    let (code, stdout, _) = scratch.run(&["check", "--no-excerpt", "--owned", "x-gray-variant", STORE], "");
    assert!(code == 1 && stdout.starts_with("shop.yaml#") && stdout.contains(".2:12:13 not-owned"), "{code} {stdout}");
    let (code, _, stderr) = scratch.run(&["embed", STORE], "");
    assert!(code == 1 && stderr.contains("found that shop is off, expected it on"), "{stderr}");
}

#[test]
fn published_overrides_of_switches_count_where_none_are_given() {
    let scratch = Scratch::new("sources-switches");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    let switches = "spec:\n  switches:\n    limit: {type: int, default: 1}\n";
    scratch.write("rules/shop.yaml", rule_set("shop", "stable").replace("spec:\n", switches));
    sound(&scratch, &["publish", "rules/", "-m", "x", "--store", STORE, "--switches", "gray.limit=7"]);
    let decided = |more: &[&str]| {
        let request = "{\"path\":\"/\",\"host\":\"shop.example.com\"}";
        scratch.run(&[&["decide", STORE][..], more].concat(), request).1
    };
    assert!(decided(&[]).contains("limit=7"), "{}", decided(&[]));
    assert!(decided(&["--switches", "gray.limit=8"]).contains("limit=8"));
}

#[test]
fn the_environment_says_where_documents_are_where_nothing_else_does() {
    let scratch = published("sources-environment");
    let run = |place: Option<&str>, arguments: &[&str]| {
        let mut command = scratch.graylane(arguments);
        match place {
            Some(place) => command.env("GRAYLANE_STORE", place),
            None => command.env_remove("GRAYLANE_STORE"),
        };
        command.env_remove("GRAYLANE_CONTROL");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let request = [&["explain", "--time", "2026-01-01T00:00:00Z"][..], &REQUEST].concat();
    for place in [STORE, "rules", "file://rules"] {
        assert_eq!(run(Some(place), &request).1, explained(&scratch, "rules"), "{place}");
    }
    let (code, _, stderr) = run(None, &["check"]);
    assert!(code == 2 && stderr.contains("found no documents, expected FILE, DIR, redb://PATH"), "{stderr}");
    let (code, _, stderr) = run(Some("redb://other.redb"), &["check"]);
    assert!(code == 2 && stderr.contains("redb://other.redb: found no such file, expected a store"), "{stderr}");
    assert!(!scratch.path("other.redb").exists(), "whoever reads makes no store");
    assert_eq!(run(Some("redb://other.redb"), &["check", "rules"]).0, 0);
}

#[test]
fn a_control_plane_explains_what_it_serves() {
    let scratch = Scratch::with_rules("sources-control");
    let serving = Serving::store(&scratch);
    let control = format!("http://{}", serving.address);
    sound(&scratch, &["publish", "rules/", "-m", "the first", "--control", &control]);
    assert_eq!(explained(&scratch, &control), explained(&scratch, "rules"));
    sound(&scratch, &["off", "-m", "all of it", "--control", &control]);
    assert!(explained(&scratch, &control).contains("DISABLED"));
    assert_eq!(explained(&scratch, &format!("{control}#1")), explained(&scratch, "rules"));
    let named = scratch.graylane(&["check"]).env_remove("GRAYLANE_STORE").env("GRAYLANE_CONTROL", &control).output();
    assert!(String::from_utf8(named.unwrap().stderr).unwrap().contains("1 document of revision "));
    let (code, _, stderr) = scratch.run(&["check", &format!("{control}#9")], "");
    assert!(code == 1 && stderr.contains("found no revision"), "{code} {stderr}");
    let (code, _, stderr) = scratch.run(&["check", "redb://store.redb"], "");
    assert!(code == 2 && stderr.contains("another process has it open"), "{stderr}");
    let (code, _, stderr) = scratch.run(&["check", "rules", &control], "");
    assert!(code == 2 && stderr.contains("beside other documents, expected it alone"), "{stderr}");
}

#[test]
fn a_control_plane_over_a_directory_explains_what_it_serves() {
    let scratch = Scratch::new("sources-directory");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    let switches = "spec:\n  switches:\n    limit: {type: int, default: 1}\n";
    scratch.write("rules/shop.yaml", rule_set("shop", "stable").replace("spec:\n", switches));
    let overriding = ["--switches", "gray.limit=7"];
    let serving = Serving::with(&scratch, &[&["--listen", "127.0.0.1:0"][..], &overriding].concat());
    let place = format!("http://{}", serving.address);
    let revision = serving.published(1);
    let request = "{\"path\":\"/\",\"host\":\"shop.example.com\"}";
    let decided = |arguments: &[&str]| scratch.run(&[&["decide"][..], arguments].concat(), request).1;
    let from_files = decided(&["rules", overriding[0], overriding[1]]);
    assert!(from_files.contains("limit=7"), "{from_files}");
    for name in ["", "#head", "#1", &format!("#{revision}")] {
        assert_eq!(decided(&[&format!("{place}{name}")]), from_files, "{name}");
    }
    assert_eq!(sound(&scratch, &["diff", &place, "rules"]).0, sound(&scratch, &["diff", "rules", "rules"]).0);
    let (code, _, why) = scratch.run(&["explain", "-f", &format!("{place}#7"), "--", "http://shop.example.com/"], "");
    assert!(code == 1 && why.contains(".7: a directory is served, which keeps none; expected head"), "{code} {why}");
}

fn shop(weights: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  identity: {{from: [{{header: \
         x-user-id}}]}}\n  variants: [a, b, c]\n  default: a\n  splits: {{s: {{weights: {{{weights}}}}}}}\n  rules: [{{id: all, \
         split: s}}]\n"
    )
}

#[test]
fn revisions_are_compared_by_their_numbers() {
    let scratch = Scratch::new("sources-diff");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    for (reason, weights) in [("one", "a: 50, b: 30, c: 20"), ("two", "a: 40, b: 40, c: 20")] {
        scratch.write("rules/shop.yaml", shop(weights));
        sound(&scratch, &["publish", "rules/", "-m", reason, "--store", STORE]);
    }
    sound(&scratch, &["off", "-m", "enough", "--store", STORE]);
    let diff = |sides: &[&str]| sound(&scratch, &[&["diff"][..], sides, &["--store", STORE]].concat()).0;
    let moved = "split s: changed; 10000 slots of 100000 move";
    assert!(diff(&["1", "2"]).contains(moved), "{}", diff(&["1", "2"]));
    let head = diff(&["1"]);
    assert!(head.contains(moved) && head.ends_with("all rule sets off: everybody has the default\n"), "{head}");
    assert_eq!(diff(&["2", "head"]), "all rule sets off: everybody has the default\n");
    let shown = sound(&scratch, &["show", "--store", STORE]).0;
    assert!(
        shown.contains("\nall rule sets off: everybody has the default\n") && !shown.contains("nobody moves"),
        "{shown}"
    );
    // What a publication would change: with the lock that it would make, and nothing comes on by it.
    scratch.write("rules/shop.yaml", shop("a: 30, b: 40, c: 30"));
    let (text, said) = sound(&scratch, &["diff", "head", "rules/", "--store", STORE]);
    assert!(text.contains(moved) && !text.contains("on again"), "{text}");
    assert!(said.ends_with("shop.lock.yaml: a lock as publishing would make it\n"), "{said}");
    let planned = sound(&scratch, &["publish", "rules/", "-m", "x", "--dry-run", "--store", STORE]).0;
    assert!(planned.contains(&text), "{planned}\n{text}");
    let (json, said) = sound(&scratch, &["diff", "redb://graylane.redb#1", "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["splits"][0]["moves"]["slots"], 10_000);
    assert!(said.ends_with("all rule sets off: everybody has the default\n"), "{said}");
    // A file of such a name wins, but not over `#`.
    std::fs::rename(scratch.path("rules"), scratch.path("1")).unwrap();
    assert!(diff(&["#1", "1"]).contains("20000 slots of 100000 move"), "{}", diff(&["#1", "1"]));
    let (code, _, said) = scratch.run(&["diff", "1", "--store", STORE], "");
    assert!(code == 2 && said.contains("graylane diff head 1"), "{said}");
    let (code, _, said) = scratch.run(&["diff", "#1", "#7", "--store", STORE], "");
    assert!(code == 1 && said.contains("found no revision"), "{code} {said}");
}

#[test]
fn locks_are_made_from_what_is_published() {
    let scratch = Scratch::new("sources-allocate");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    scratch.write("rules/shop.yaml", shop("a: 50, b: 30, c: 20"));
    sound(&scratch, &["publish", "rules/", "-m", "x", "--store", STORE]);
    scratch.write("rules/shop.yaml", shop("a: 20, b: 40, c: 40"));
    let (_, said) = sound(&scratch, &["allocate", "--from", STORE, "rules/"]);
    assert!(said.contains("shop/s: 30000 slots of 100000 move"), "{said}");
    let (_, said) = sound(&scratch, &["allocate", "--dry-run", STORE]);
    assert!(said.ends_with("every lock fits: nothing to write\n"), "{said}");
    let (code, _, said) = scratch.run(&["allocate", STORE], "");
    assert!(code == 2 && said.contains("expected files, or --dry-run"), "{said}");
    let (stdout, _) = sound(&scratch, &["simulate", "-f", STORE, "--identities", "1000"]);
    assert!(stdout.contains('b'), "{stdout}");
}
