//! The documents a command line names: where they may stand, what cannot be read, what they may set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::{Scratch, rule_set};
use serde_json::Value;

#[test]
fn what_cannot_be_read_is_exit_code_2() {
    let scratch = Scratch::with_documents("unreadable");
    std::fs::create_dir(scratch.path("none")).unwrap();
    scratch.write("notes.txt", "");
    for (path, said) in [
        ("gone.yaml", "gone.yaml unreadable: found no such file or directory, expected a file that can be read"),
        ("gone", "gone unreadable: found no such file or directory, expected a document, or a directory of them"),
        ("gone.txt", "gone.txt unreadable: found no such file or directory"),
        ("none", "none no-documents: found no document, expected at least one *.yaml"),
        ("notes.txt", "notes.txt unknown-format: found a name that tells no format, expected one that ends in .yaml"),
    ] {
        let (code, stdout, _) = scratch.run(&["check", path], "");
        assert!(code == 2 && stdout.starts_with(said), "{path}: {stdout}");
    }
    assert_eq!(scratch.run(&["check"], "").0, 2);
}

#[test]
fn what_cannot_be_read_hides_nothing() {
    let scratch = Scratch::with_documents("hides");
    let (code, stdout, stderr) = scratch.run(&["check", "--no-excerpt", "gone.yaml", "broken.yaml", "typo.json"], "");
    let starts: Vec<_> = stdout.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        starts,
        ["gone.yaml unreadable", "typo.json unreadable", "broken.yaml:7:12 unknown-variant spec.default"]
    );
    assert_eq!((code, stderr.as_str()), (2, "1 document, 2 unreadable: 3 errors, 0 warnings\n"));
    let (code, stdout, _) = scratch.run(&["check", "-o", "json", "gone.yaml", "broken.yaml"], "");
    let findings: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, findings[0]["code"].as_str(), findings[1]["line"].as_u64()), (2, Some("unreadable"), Some(7)));
    let (code, _, stderr) = scratch.run(&["decide", "gone.yaml", "broken.yaml"], "");
    assert!(code == 2 && stderr.contains("gone.yaml unreadable") && stderr.contains("broken.yaml:7:12"), "{stderr}");
}

#[test]
fn documents_stand_behind_f_or_alone() {
    let scratch = Scratch::with_documents("places");
    scratch.write("other.yaml", rule_set("other", "stable"));
    let compiled = |line: &str| {
        let words: Vec<_> = ["compile", "-o", "out"].into_iter().chain(line.split(' ')).collect();
        assert_eq!(scratch.run(&words, "").0, 0, "{line}");
        std::fs::read(scratch.path("out")).unwrap()
    };
    let both = compiled("shop.yaml other.yaml");
    for line in
        ["-f shop.yaml other.yaml", "-f shop.yaml -f other.yaml", "other.yaml -f shop.yaml", "-fshop.yaml other.yaml"]
    {
        assert_eq!(compiled(line), both, "{line}");
    }
    for command in ["check", "decide"] {
        for line in [&["shop.yaml"][..], &["-f", "shop.yaml"]] {
            assert_eq!(scratch.run(&[&[command], line].concat(), "").0, 0, "{command} {line:?}");
        }
    }
}

#[test]
fn headers_that_the_filter_does_not_own_are_told() {
    let scratch = Scratch::with_documents("owned");
    let (code, _, stderr) = scratch.run(&["check", "shop.yaml"], "");
    let said = "1 document: 0 errors, 0 warnings; sets x-feature-flags, x-gray-variant: each must be in the filter's \
                ownedHeaders\n";
    assert_eq!((code, stderr.as_str()), (0, said));
    let (code, stdout, _) = scratch.run(&["check", "--owned", "x-gray-variant", "shop.yaml", "broken.yaml"], "");
    assert!(code == 1 && stdout.contains("broken.yaml:7:12 unknown-variant"), "{stdout}");
    let line = "shop.yaml:12:13 not-owned: found the header x-feature-flags, which the rules set, expected one of x-gray-variant";
    assert!(stdout.contains(line), "{stdout}");
    for owned in
        [&["--owned", "x-gray-variant,x-feature-flags"][..], &["--owned=x-gray-variant", "--owned=x-feature-flags"]]
    {
        let (code, _, stderr) = scratch.run(&[&["check", "shop.yaml"], owned].concat(), "");
        assert_eq!((code, stderr.as_str()), (0, "1 document: 0 errors, 0 warnings\n"));
    }
    assert_eq!(scratch.run(&["check", "--owned", "X-A", "shop.yaml"], "").0, 2);
}

#[test]
fn a_warning_says_that_it_is_one() {
    let scratch = Scratch::with_documents("warnings");
    let nobody = rule_set("shop", "stable").replace("{header: {name: x-env, exact: gray}}", "{percent: 0}");
    scratch.write("shop.yaml", format!("{nobody}  identity: {{from: [{{cookie: uid}}]}}\n"));
    let line =
        "shop.yaml:10:23 warning empty-range spec.rules[0].when.percent: found 0 percent, better more, or no such rule";
    let (code, stdout, stderr) = scratch.run(&["check", "shop.yaml"], "");
    assert!(code == 0 && stdout.starts_with(line) && stdout.contains("^ better more, or no such rule"), "{stdout}");
    assert!(stderr.starts_with("1 document: 0 errors, 1 warning; sets"), "{stderr}");
    assert_eq!(scratch.run(&["decide", "shop.yaml"], "").2.trim_end(), line);
}

#[test]
fn the_lock_beside_a_file_belongs_to_it() {
    let scratch = Scratch::new("documents-lock");
    let splits = "  splits:\n    two: {weights: {stable: 50, canary: 50}}\n  rules:\n    - {id: two, split: two}\n";
    let rules = rule_set("shop", "stable");
    let head = rules.split("  rules:\n").next().unwrap();
    scratch.write("shop.yaml", format!("{head}  identity: {{from: [{{header: x-user-id}}]}}\n{splits}"));
    assert_eq!(scratch.run(&["allocate", "--all", "shop.yaml"], "").0, 0);
    let lock = std::fs::read_to_string(scratch.path("shop.lock.yaml")).unwrap();
    for (range, code) in [("from: 50000", 0), ("from: 40000", 1)] {
        scratch.write("shop.lock.yaml", lock.replace("from: 50000", range));
        for command in [&["check", "shop.yaml"][..], &["check", "."], &["compile", "shop.yaml", "-o", "snapshot"]] {
            let (found, stdout, stderr) = scratch.run(command, "");
            assert_eq!(found, code, "{range}: {command:?}: {stdout}{stderr}");
            assert_eq!((stdout + &stderr).contains("shop.lock.yaml:"), code == 1, "{command:?}");
        }
    }
}

#[test]
fn namesakes_are_named_by_their_files() {
    let scratch = Scratch::with_documents("namesakes");
    scratch.write("again.yaml", rule_set("shop", "stable"));
    let (_, stdout, _) = scratch.run(&["check", "--no-excerpt", "shop.yaml", "again.yaml"], "");
    assert!(
        stdout.contains("duplicate-name metadata.name: found the name \"shop\", which shop.yaml has, "),
        "{stdout}"
    );
    let (_, _, stderr) = scratch.run(&["allocate", "shop.yaml", "again.yaml"], "");
    assert!(stderr.contains("found the name \"shop\", which shop.yaml has, "), "{stderr}");
}

#[test]
fn blanks_around_owned_names_do_not_count() {
    let scratch = Scratch::with_documents("owned-blanks");
    let line = ["check", "--owned", "x-gray-variant, x-feature-flags ", "shop.yaml"];
    assert_eq!(scratch.run(&line, "").0, 0);
}
