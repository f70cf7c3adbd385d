//! `graylane allocate`, as a shell would run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::Scratch;

/// A rule set of three variants and these splits.
fn shop(splits: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {{name: shop}}
spec:
  identity: {{from: [{{header: x-user-id}}]}}
  variants: [stable, canary, canary-b]
  default: stable
  splits:
    {splits}
  rules: []
"
    )
}

fn thirds(weights: [u32; 3]) -> String {
    let [stable, canary, canary_b] = weights;
    shop(&format!("thirds: {{weights: {{stable: {stable}, canary: {canary}, canary-b: {canary_b}}}}}"))
}

fn read(scratch: &Scratch, file: &str) -> String {
    std::fs::read_to_string(scratch.path(file)).unwrap()
}

#[test]
fn a_lock_is_begun_moved_and_left_alone() {
    let scratch = Scratch::new("allocate");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    scratch.write("rules/shop.yaml", thirds([34, 33, 33]));
    let (code, stdout, stderr) = scratch.run(&["allocate", "rules"], "");
    assert_eq!((code, stdout.as_str()), (0, ""));
    assert!(stderr.starts_with("shop/thirds: remembered from now on, as it is without a lock; 3 ranges."), "{stderr}");
    assert!(stderr.ends_with("rules/shop.lock.yaml: written\n"), "{stderr}");
    let first = read(&scratch, "rules/shop.lock.yaml");
    let ranges =
        "    thirds:\n      ranges:\n        - {from: 0, variant: stable}\n        - {from: 34000, variant: canary}\n";
    assert!(first.contains(ranges), "{first}");

    scratch.write("rules/shop.yaml", thirds([10, 45, 45]));
    let (code, stdout, _) = scratch.run(&["check", "rules"], "");
    assert_eq!(code, 1);
    assert!(
        stdout.contains("lock-mismatch") && stdout.contains("`graylane allocate rules` moves them there"),
        "{stdout}"
    );
    let (code, stdout, stderr) = scratch.run(&["allocate", "--dry-run", "rules"], "");
    assert_eq!((code, read(&scratch, "rules/shop.lock.yaml")), (0, first.clone()));
    let told = "shop/thirds: 24000 slots of 100000 move, 24.000 % of the identities; 4 ranges\n  \
                stable to canary: 12000 slots, 12.000 %\n  stable to canary-b: 12000 slots, 12.000 %\n";
    assert_eq!(stderr, told);
    assert!(stdout.starts_with("# rules/shop.lock.yaml\n# Which slots"), "{stdout}");
    let (code, _, stderr) = scratch.run(&["allocate", "rules"], "");
    assert_eq!((code, stderr), (0, format!("{told}rules/shop.lock.yaml: written\n")));
    let second = read(&scratch, "rules/shop.lock.yaml");
    assert_eq!(format!("# rules/shop.lock.yaml\n{second}"), stdout);
    assert_eq!(scratch.run(&["check", "rules"], "").0, 0);

    let (code, _, stderr) = scratch.run(&["allocate", "rules"], "");
    let same = "shop/thirds: nobody moves; 4 ranges\nevery lock fits: nothing to write\n";
    assert_eq!((code, stderr.as_str()), (0, same));
    assert_eq!(read(&scratch, "rules/shop.lock.yaml"), second, "a second time changes nothing");

    // Back to the document and its lock of then: everybody is where they were.
    scratch.write("rules/shop.yaml", thirds([34, 33, 33]));
    scratch.write("rules/shop.lock.yaml", &first);
    assert_eq!(scratch.run(&["allocate", "rules"], "").2, same.replace("4 ranges", "3 ranges"));
    assert_eq!(read(&scratch, "rules/shop.lock.yaml"), first);
}

#[test]
fn a_lock_that_nobody_named_is_found_and_what_else_it_holds_is_kept() {
    let scratch = Scratch::new("allocate-beside");
    let two = |a: u32| format!("two: {{weights: {{stable: {a}, canary: {}}}}}", 100 - a);
    scratch.write("shop.yml", shop(&format!("{}\n    other: {{weights: {{stable: 1, canary: 1}}}}", two(50))));
    let (code, _, stderr) = scratch.run(&["allocate", "shop.yml"], "");
    assert_eq!(
        (code, stderr.as_str()),
        (0, "nothing to remember: no split of three or more variants; --all takes every split\n")
    );
    assert!(!scratch.path("shop.lock.yaml").exists());
    assert_eq!(scratch.run(&["allocate", "--all", "shop.yml"], "").0, 0);
    let all = read(&scratch, "shop.lock.yaml");
    assert!(all.contains("    two:\n") && all.contains("    other:\n"), "{all}");

    scratch.write("shop.yml", shop(&format!("{}\n    other: {{weights: {{stable: 1, canary: 1}}}}", two(20))));
    let (code, _, stderr) = scratch.run(&["allocate", "shop.yml"], "");
    assert_eq!(code, 0);
    assert!(stderr.contains("shop/two: 30000 slots of 100000 move"), "{stderr}");
    assert!(stderr.contains("shop/other: nobody moves"), "{stderr}");
    let moved = read(&scratch, "shop.lock.yaml");
    assert!(moved.contains("        - {from: 20000, variant: canary}\n"), "{moved}");

    // Nothing of it is odd but the lock.
    let sound = shop(&two(20)).replace("rules: []", "rules: [{id: r, split: two}]").replace(", canary-b]", "]");
    scratch.write("shop.yml", sound);
    let (_, stdout, _) = scratch.run(&["check", "shop.yml", "shop.lock.yaml"], "");
    assert!(stdout.contains("warning lock-unused"), "{stdout}");
    let (_, _, stderr) = scratch.run(&["allocate", "shop.yml"], "");
    assert!(stderr.contains("shop/other: forgotten, the rule set has no such split"), "{stderr}");
    assert_eq!(scratch.run(&["check", "shop.yml", "shop.lock.yaml"], "").1, "");
}

#[test]
fn what_runs_can_be_named_and_variants_renamed() {
    let scratch = Scratch::new("allocate-from");
    for directory in ["old", "new"] {
        std::fs::create_dir(scratch.path(directory)).unwrap();
    }
    scratch.write("old/shop.yaml", thirds([80, 10, 10]));
    scratch.write(
        "new/shop.json",
        r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
        "variants": ["stable", "canary", "blue"], "default": "stable",
        "splits": {"thirds": {"weights": {"stable": 70, "canary": 10, "blue": 20}}}}}"#,
    );
    let (code, _, stderr) = scratch.run(&["allocate", "--from", "old", "new"], "");
    assert_eq!(code, 0);
    assert!(stderr.starts_with("shop/thirds: 20000 slots of 100000 move"), "a rename is a removal: {stderr}");
    std::fs::remove_file(scratch.path("new/shop.lock.yaml")).unwrap();
    let rename = ["allocate", "--rename", "canary-b=blue", "--from=old", "new"];
    let (code, _, stderr) = scratch.run(&rename, "");
    assert_eq!(code, 0);
    assert!(stderr.starts_with("shop/thirds: 10000 slots of 100000 move, 10.000 % of the identities"), "{stderr}");
    assert!(stderr.contains("\n  stable to blue: 10000 slots, 10.000 %\n"), "{stderr}");
    // A lock in JSON stays one.
    std::fs::remove_file(scratch.path("new/shop.lock.yaml")).unwrap();
    let lock = r#"{"apiVersion": "graylane.dev/v1", "kind": "AllocationLock", "metadata": {"name": "shop"}, "spec": {"splits": {}}}"#;
    scratch.write("new/lock.json", lock);
    assert_eq!(scratch.run(&rename, "").0, 0);
    let lock = read(&scratch, "new/lock.json");
    assert!(lock.contains(r#"{"from": 80000, "variant": "canary"}"#) || lock.contains("\"blue\""), "{lock}");
    assert_eq!(scratch.run(&["check", "new"], "").0, 0);
}

#[test]
fn what_makes_no_sense_is_refused_and_writes_nothing() {
    let scratch = Scratch::new("allocate-refused");
    scratch.write("shop.yaml", thirds([1, 1, 1]));
    scratch.write("shop.lock.yaml", thirds([1, 1, 1]).replace("shop", "other"));
    scratch.write("cart.yaml", thirds([1, 1, 1]).replace("shop", "cart"));
    let lock = "apiVersion: graylane.dev/v1\nkind: AllocationLock\nmetadata: {name: x}\nspec: {splits: {}}\n";
    scratch.write("cart.lock.yaml", lock);
    scratch.write("broken.yaml", thirds([0, 0, 0]).replace("shop", "third"));
    for (line, code, said) in [
        ("shop.yaml", 1, "shop.lock.yaml: found a rule set, expected a lock"),
        ("cart.yaml", 1, "cart.lock.yaml: found something else, expected no such file, or the lock of rule set cart"),
        ("broken.yaml", 1, "broken.yaml:9:23 weight-sum-zero"),
        ("gone.yaml", 2, "gone.yaml unreadable"),
        ("--anew fifths cart.yaml", 2, "found --anew fifths, expected a split: one of cart/thirds"),
        ("--rename canary shop.yaml", 2, "expected OLD=NEW"),
        ("--rename canary=blue cart.yaml", 2, "found --rename canary=blue, expected a variant of the rule sets"),
        ("cart.yaml --from broken.yaml", 1, "broken.yaml:9:23 weight-sum-zero"),
    ] {
        let words: Vec<_> = ["allocate"].into_iter().chain(line.split(' ')).collect();
        let (found, _, stderr) = scratch.run(&words, "");
        assert!(found == code && stderr.contains(said), "{line}: {found}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 5);
}

#[test]
fn programs_are_told_in_json() {
    let scratch = Scratch::new("allocate-json");
    let three = |a: u32| shop(&format!("three: {{weights: {{stable: {a}, canary: 20, canary-b: {}}}}}", 80 - a));
    scratch.write("shop.yaml", three(50));
    let told = |arguments: &[&str]| -> serde_json::Value {
        let (code, stdout, stderr) = scratch.run(&[&["allocate", "-o", "json"][..], arguments].concat(), "");
        assert_eq!((code, stderr.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str(&stdout).unwrap()
    };
    let first = told(&["--dry-run", "shop.yaml"]);
    assert_eq!((&first[0]["file"], &first[0]["written"]), (&"shop.lock.yaml".into(), &false.into()), "{first:#}");
    assert!(!scratch.path("shop.lock.yaml").exists());
    assert_eq!(told(&["shop.yaml"])[0]["document"].as_str().unwrap(), read(&scratch, "shop.lock.yaml"));
    scratch.write("shop.yaml", three(40));
    let moved = told(&["shop.yaml"]);
    assert_eq!((&moved[0]["splits"][0]["slots"], &moved[0]["written"]), (&10_000.into(), &true.into()), "{moved:#}");
    assert_eq!(moved[0]["splits"][0]["transfers"][0]["from"], "stable");
    assert_eq!(told(&["shop.yaml"])[0]["file"], serde_json::Value::Null);
}
