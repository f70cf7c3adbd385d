//! Revisions over the API: made, refused, listed, and what they say of themselves.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

mod common;
#[path = "common/serving.rs"]
mod serving;
#[path = "common/shops.rs"]
mod shops;

use common::{Scratch, rule_set};
use serde_json::{Value, json};
use serving::Serving;
use shops::{documents, publish, shops};

/// A rule set `shop` whose split has these weights.
fn split(weights: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  identity: {{from: [{{header: \
         x-user-id}}]}}\n  variants: [a, b, c]\n  default: a\n  splits: {{s: {{weights: {{{weights}}}}}}}\n  rules: [{{id: all, \
         split: s}}]\n"
    )
}

#[test]
fn nothing_is_written_where_one_document_would_take_the_place_of_something_else() {
    let scratch = Scratch::new("into");
    let rules = Scratch::with_rules("into-rules");
    rules.write("rules/blog.yaml", rule_set("blog", "stable"));
    let store = format!("redb://{}", scratch.path("store.redb").display());
    let (code, _, said) = rules.run(&["publish", "rules", "-m", "first", "--store", &store], "");
    assert_eq!(code, 0, "{said}");
    std::fs::create_dir_all(scratch.path("into/shop.yaml")).unwrap();
    for force in [&[][..], &["--force"]] {
        let (code, _, said) = scratch.run(&[&["show", "--into", "into", "--store", &store], force].concat(), "");
        assert!(code == 2 && said.contains("into/shop.yaml: found no regular file"), "{code} {said}");
        assert!(!scratch.path("into/blog.yaml").exists(), "nothing is written");
    }
}

#[test]
fn a_revision_says_who_made_it_and_what_it_follows() {
    let scratch = Scratch::new("manifest");
    let serving = Serving::store(&scratch);
    let first = publish(&serving, &shops(&["one", "two"], "stable"), "the first");
    let second = publish(&serving, &shops(&["one", "two"], "canary"), "the second");
    assert_eq!((&first["outcome"], &second["follows"]), (&json!("made"), &first["revision"]));
    let listed = serving.json("~/revisions");
    let manifests = listed["revisions"].as_array().unwrap();
    let told: Vec<_> = manifests.iter().map(|manifest| manifest["reason"].as_str().unwrap()).collect();
    assert_eq!((told, &listed["head"]), (vec!["the second", "the first"], &second["revision"]));
    let head = serving.json("~/revisions/head");
    assert_eq!((&head["actor"], &head["source"]), (&json!("ann"), &json!("rules/")));
    assert_eq!(head["difference"]["ruleSets"][0]["name"], "one");
    assert_eq!(head["previous"]["revision"], first["revision"]);
    assert_eq!(manifests[1]["previous"], Value::Null);
    let texts = serving.json("~/revisions/1/documents");
    assert_eq!(texts["documents"][0]["text"], rule_set("one", "stable"));
    let unchanged = publish(&serving, &shops(&["one", "two"], "canary"), "again");
    assert_eq!((&unchanged["outcome"], &unchanged["revision"]), (&json!("unchanged"), &second["revision"]));
}

#[test]
fn what_is_wrong_is_told_and_changes_nothing() {
    let scratch = Scratch::new("refused");
    let serving = Serving::store(&scratch);
    let empty = serving.send("~/rollback", &json!({"reason": "x"}));
    assert_eq!(empty.0, 422, "{empty:?}");
    let first = publish(&serving, &shops(&["one"], "stable"), "the first");
    let refused = |path: &str, body: Value| {
        let (status, problem) = serving.send(path, &body);
        (status, problem["detail"].as_str().unwrap().to_owned(), problem)
    };
    let broken = json!({"documents": documents(&shops(&["one"], "gone")), "reason": "x"});
    let (status, _, problem) = refused("~/revisions", broken);
    assert_eq!((status, &problem["problems"][0]["file"]), (422, &json!("one.yaml")));
    assert_eq!(problem["problems"][0]["line"], 7, "{problem:#}");
    for (path, body, status, said) in [
        ("~/revisions", json!({"documents": documents(&shops(&["one"], "canary"))}), 422, "reason: found none"),
        ("~/revisions", json!({"reason": "x"}), 422, "documents: found none"),
        ("~/revisions", json!({"reason": "x", "documants": []}), 400, "unknown field `documants`"),
        ("~/rollback", json!({"reason": "x", "to": "99"}), 404, "found no revision"),
        ("~/rollback", json!({"reason": "x", "to": "last"}), 422, "to: found \"last\", expected a revision"),
        ("~/off", json!({"reason": "x", "ruleSet": "onne"}), 422, "did you mean one?"),
        ("~/off", json!({"reason": "x", "to": "1"}), 422, "to: found it here"),
        (
            "~/revisions",
            json!({"reason": "x".repeat(5_000), "documents": documents(&shops(&["one"], "canary"))}),
            422,
            "reason: found 5000 bytes, expected at most 4096",
        ),
    ] {
        let (found, detail, _) = refused(path, body.clone());
        assert_eq!(found, status, "{body}: {detail}");
        assert!(detail.contains(said), "{body}: {detail}");
    }
    assert_eq!(serving.json("~/revisions/head")["revision"], first["revision"]);
    assert_eq!(serving.get("~/revisions/7.7").0, 404);
    assert_eq!(serving.get("/v1/namespaces/other/revisions").0, 404);
}

#[test]
fn who_was_not_first_is_told_who_was() {
    let scratch = Scratch::new("conflict");
    let serving = Serving::store(&scratch);
    let first = publish(&serving, &shops(&["one"], "stable"), "the first");
    publish(&serving, &shops(&["one"], "canary"), "meanwhile");
    let late =
        json!({"documents": documents(&shops(&["two"], "stable")), "reason": "late", "expect": first["revision"]});
    let (status, problem) = serving.send("~/revisions", &late);
    assert_eq!((status, &problem["head"]["actor"]), (409, &json!("ann")), "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().contains("which ann made at"), "{problem:#}");
    assert_eq!(problem["difference"]["ruleSets"][0]["fields"], json!(["default"]));
    let (code, _, said) = cli(&scratch, &serving, &["publish", "rules", "-m", "late", "--expect", "1"]);
    assert_eq!(code, 1);
    assert!(said.contains("which ann made at") && said.contains("rule set one: changed"), "{said}");
}

/// Runs a command about the served namespace; `rules` of the scratch directory has one rule set `shop`.
fn cli(scratch: &Scratch, serving: &Serving, arguments: &[&str]) -> (i32, String, String) {
    let _ = std::fs::create_dir(scratch.path("rules"));
    scratch.write("rules/shop.yaml", rule_set("shop", "stable"));
    scratch.run(&[arguments, &["--control", &format!("http://{}", serving.address)]].concat(), "")
}

#[test]
fn one_rule_set_is_published_and_rolled_back_by_itself() {
    let scratch = Scratch::new("one-of-many");
    let serving = Serving::store(&scratch);
    publish(&serving, &shops(&["one", "two"], "stable"), "the first");
    let only =
        json!({"documents": documents(&shops(&["one", "two"], "canary")), "ruleSet": "two", "reason": "two alone"});
    let (_, answer) = serving.send("~/revisions", &only);
    assert_eq!(answer["notes"], json!(["1 other documents are left out"]), "{answer:#}");
    let defaults = || -> Vec<String> {
        let texts = serving.json("~/revisions/head/documents");
        let texts = texts["documents"].as_array().unwrap();
        let of = |text: &Value| {
            text["text"].as_str().unwrap().lines().find(|line| line.contains("default:")).map(str::to_owned)
        };
        texts.iter().filter_map(of).map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(defaults(), ["default: stable", "default: canary"]);
    publish(&serving, &shops(&["one", "two"], "canary"), "both");
    let (status, answer) = serving.send("~/rollback", &json!({"ruleSet": "two", "to": "1", "reason": "two back"}));
    assert_eq!((status, &answer["outcome"]), (200, &json!("made")), "{answer:#}");
    assert_eq!(defaults(), ["default: canary", "default: stable"]);
}

#[test]
fn locks_are_made_here_and_a_rollback_restores_them_bit_for_bit() {
    let scratch = Scratch::new("locks");
    let serving = Serving::store(&scratch);
    let lock = |revision: &str| {
        let texts = serving.json(&format!("~/revisions/{revision}/documents"));
        let texts = texts["documents"].as_array().unwrap().clone();
        texts.into_iter().find(|text| text["file"] == "shop.lock.yaml").expect("a lock")["text"].clone()
    };
    let made = publish(&serving, &[("shop.yaml", split("a: 50, b: 30, c: 20"))], "three variants");
    assert_eq!(made["locks"], json!(["shop.lock.yaml"]), "{made:#}");
    let first = lock("head");
    let moved = publish(&serving, &[("shop.yaml", split("a: 20, b: 40, c: 40"))], "others");
    assert_eq!(moved["difference"]["ruleSets"][0]["splits"][0]["moves"]["slots"], 30_000, "{moved:#}");
    assert_ne!(lock("head"), first);
    publish(&serving, &[("shop.yaml", split("a: 10, b: 45, c: 45"))], "others still");
    let (_, back) = serving.send("~/rollback", &json!({"to": "1", "reason": "back"}));
    assert_eq!(back["outcome"], "made", "{back:#}");
    assert_eq!(lock("head"), first);
}

#[test]
fn two_documents_of_one_file_name_are_two() {
    let scratch = Scratch::new("one-name");
    let serving = Serving::store(&scratch);
    let twice = [("shop.yaml", rule_set("shop", "stable")), ("shop.yaml", rule_set("blog", "stable"))];
    let (status, problem) = serving.send("~/revisions", &json!({"documents": documents(&twice), "reason": "x"}));
    assert!(
        status == 422 && problem["detail"].as_str().unwrap().contains("the file \"shop.yaml\" twice"),
        "{problem:#}"
    );
    publish(&serving, &[("shop.yaml", rule_set("shop", "stable")), ("blog.yaml", rule_set("blog", "stable"))], "both");
    // The other's file.
    let one = |default: &str| {
        let documents = documents(&[("blog.yaml", rule_set("shop", default))]);
        serving.send("~/revisions", &json!({"documents": documents, "ruleSet": "shop", "reason": default})).1
    };
    assert_eq!(one("canary")["outcome"], "made");
    let texts = serving.json("~/revisions/head/documents");
    let files: Vec<_> = texts["documents"].as_array().unwrap().iter().map(|text| text["file"].clone()).collect();
    assert_eq!(files, ["blog.yaml", "blog-2.yaml"], "{texts:#}");
    assert_eq!(one("canary")["outcome"], "unchanged");
    let changed = one("stable");
    assert_eq!(changed["difference"]["ruleSets"].as_array().unwrap().len(), 1, "{changed:#}");
    assert_eq!(changed["difference"]["ruleSets"][0]["name"], "shop");
    // Files that were named otherwise then.
    publish(
        &serving,
        &[("shop.yaml", rule_set("blog", "stable")), ("blog.yaml", rule_set("shop", "canary"))],
        "turned",
    );
    let (status, back) = serving.send("~/rollback", &json!({"ruleSet": "shop", "to": "1", "reason": "back"}));
    assert_eq!((status, back["difference"]["ruleSets"].as_array().unwrap().len()), (200, 1), "{back:#}");
    for name in ["shop", "blog"] {
        assert_eq!(serving.send("~/off", &json!({"ruleSet": name, "reason": "harm"})).0, 200, "{name}");
    }
}

#[test]
fn a_dry_run_tells_who_would_move_and_writes_nothing() {
    let scratch = Scratch::new("dry-run");
    let serving = Serving::store(&scratch);
    publish(&serving, &[("shop.yaml", split("a: 50, b: 50"))], "the first");
    let body = json!({"documents": documents(&[("shop.yaml", split("a: 40, b: 60"))]), "reason": "x", "dryRun": true});
    let (_, planned) = serving.send("~/revisions", &body);
    let moves = &planned["difference"]["ruleSets"][0]["splits"][0]["moves"];
    assert_eq!((&planned["outcome"], &moves["slots"]), (&json!("planned"), &json!(10_000)), "{planned:#}");
    assert_eq!(moves["transfers"], json!([{"from": "a", "to": "b", "slots": 10_000}]));
    assert_eq!(serving.json("~/revisions")["revisions"].as_array().unwrap().len(), 1);
}

#[test]
fn the_command_line_works_with_a_control_plane_and_without() {
    let scratch = Scratch::new("plane");
    let serving = Serving::store(&scratch);
    let run = |arguments: &[&str]| cli(&scratch, &serving, arguments);
    let (code, said, _) = run(&["publish", "rules", "-m", "the first", "--actor", "ann"]);
    assert_eq!(code, 0);
    assert!(said.starts_with("revision ") && said.contains("rule set shop: added"), "{said}");
    let (code, said, _) = run(&["publish", "rules", "-m", "again"]);
    assert!(code == 0 && said.starts_with("nothing differs, revision "), "{said}");
    let (code, said, _) = run(&["publish", "rules", "-m", "again", "--switches", "gray.x=1"]);
    assert_eq!(code, 1, "{said}");
    let (code, said, _) = run(&["off", "--rule-set", "shop", "-m", "harm"]);
    assert!(code == 0 && said.contains("shop off: everybody has the default"), "{said}");
    let (_, said, _) = run(&["history"]);
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(said.contains("off of shop") && said.contains("ann"), "{said}");
    let (code, _, _) = run(&["show", "1", "--into", "before"]);
    assert_eq!(code, 0);
    let before = || std::fs::read_to_string(scratch.path("before/shop.yaml")).unwrap();
    assert_eq!(before(), rule_set("shop", "stable"));
    assert_eq!(run(&["show", "1", "--into", "before"]).0, 0, "what is the same already is no loss");
    scratch.write("before/shop.yaml", "my own");
    let (code, _, said) = run(&["show", "1", "--into", "before"]);
    let found = "before/shop.yaml: found a file that says something else, expected another directory, or --force";
    assert!(code == 2 && said.contains(found) && before() == "my own", "{code} {said}");
    assert_eq!(run(&["show", "1", "--into", "before", "--force"]).0, 0);
    assert_eq!(before(), rule_set("shop", "stable"));
    scratch.write("broken.yaml", rule_set("shop", "gone"));
    let (code, _, said) = run(&["publish", "./broken.yaml", "-m", "harm"]);
    let place = "\n./broken.yaml:7:12 unknown-variant spec.default: found ";
    assert!(code == 1 && said.contains(place) && said.contains("7 |   default: gone\n  |            ^^^^ "), "{said}");
    let (code, _, said) = run(&["diff", "head", "none"]);
    assert!(
        code == 2
            && said.contains(
                "  none unreadable: found no such file or directory, expected a document, or a directory of them; or a rev"
            ),
        "{said}"
    );
    // Who works on the file itself is told that somebody has it.
    let store = ["history", "--store", "redb://store.redb"];
    let (code, _, said) = scratch.run(&store, "");
    assert!(code == 2 && said.contains("another process has it open"), "{said}");
    drop(serving);
    let (code, said, _) = scratch.run(&store, "");
    assert!(code == 0 && said.lines().count() == 3, "{said}");
    let (code, said, _) = scratch.run(&["on", "--store", "redb://store.redb", "--actor", "bob"], "");
    assert!(code == 0 && said.contains("shop on again"), "{said}");
    // A freeze of a rule set does not end with that of all.
    let on = |command: &[&str]| scratch.run(&[command, &["--store", "redb://store.redb"]].concat(), "");
    assert_eq!(on(&["freeze", "--rule-set", "shop"]).0, 0);
    let (code, said, why) = on(&["unfreeze"]);
    assert!(code == 1 && said.starts_with("nothing differs, "), "{said}");
    let left = "error: found that all rule sets are not frozen, but rule set shop is frozen: `graylane unfreeze --rule-set shop`\n";
    assert_eq!(why, left);
    assert_eq!(on(&["unfreeze", "--rule-set", "shop"]).0, 0);
    assert_eq!(on(&["unfreeze"]).0, 0);
}

#[test]
fn a_backup_brings_everything_back_in_a_new_epoch() {
    let scratch = Scratch::new("backup");
    scratch.write("rules.yaml", rule_set("shop", "stable"));
    let run = |arguments: &[&str]| scratch.run(arguments, "");
    let on = |store: &str, arguments: &[&str]| {
        let (code, said, why) = run(&[arguments, &["--store", store]].concat());
        assert_eq!(code, 0, "{arguments:?}: {said}{why}");
        said
    };
    let (one, other) = ("redb://one.redb", "redb://other.redb");
    let (code, _, why) = run(&["backup", "none.graylane", "--store", one]);
    assert!(code == 2 && why.contains("redb://one.redb: found no such file"), "{why}");
    on(one, &["publish", "rules.yaml", "-m", "the first"]);
    scratch.write("rules.yaml", rule_set("shop", "canary"));
    on(one, &["publish", "rules.yaml", "-m", "the second"]);
    let said = on(one, &["backup", "nightly.graylane"]);
    assert!(said.contains("2 revisions") && said.contains("verified"), "{said}");
    let (code, said, _) = run(&["verify", "--file", "nightly.graylane"]);
    assert!(code == 0 && said.starts_with("backup nightly of default"), "{said}");
    on(other, &["restore", "nightly.graylane", "-m", "the disk was lost"]);
    let listed = on(other, &["history", "-o", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let of = |place: usize| listed["revisions"][place]["revision"].as_str().unwrap().split_once('.').unwrap();
    assert_eq!(listed["revisions"].as_array().unwrap().len(), 3, "{listed:#}");
    assert!(of(0).0.parse::<u64>().unwrap() > of(1).0.parse::<u64>().unwrap(), "a later epoch: {listed:#}");
    assert_eq!((of(0).1, &listed["revisions"][0]["action"]["label"]), ("1", &json!("nightly")));
    let said = on(other, &["verify"]);
    assert!(said.contains("3 revisions") && said.ends_with("as they were put there\n"), "{said}");
    on(other, &["rollback", "-m", "and back"]);
    assert!(on(other, &["show", "--into", "back"]).is_empty());
    assert_eq!(std::fs::read_to_string(scratch.path("back/rules.yaml")).unwrap(), rule_set("shop", "stable"));
    let said = on(other, &["compact", "--keep", "1"]);
    assert!(said.starts_with("3 revisions and "), "{said}");
    let (code, _, why) = run(&["show", "1", "--store", one]);
    assert_eq!(code, 0, "{why}");
    let mut damaged = std::fs::read(scratch.path("nightly.graylane")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    scratch.write("damaged.graylane", damaged);
    let (code, _, why) = run(&["restore", "damaged.graylane", "--store", "redb://third.redb"]);
    assert!(code == 1 && why.contains("damaged.graylane: the backup is damaged: byte "), "{why}");
    assert!(!scratch.path("third.redb").exists());
}
