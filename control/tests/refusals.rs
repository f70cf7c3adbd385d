//! Rules that Envoys refuse: whoever serves them is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;
#[path = "common/serving.rs"]
mod serving;

use common::{Scratch, rule_set};
use serde_json::json;
use serving::Serving;

#[test]
fn a_refusal_is_told_once_and_so_is_its_end() {
    let scratch = Scratch::with_rules("refusal");
    let serving = Serving::start(&scratch);
    let acks = |workers: serde_json::Value| {
        let body = json!({"node": {"id": "envoy\u{1b}-1", "cluster": ""}, "workers": workers}).to_string();
        assert_eq!(serving.post("~/acks", &body), 204);
    };
    let refusing = |id: &str| json!({"id": id, "error": "found a\nheader, expected none", "refused": "1.2"});
    acks(json!([refusing("0a")]));
    acks(json!([refusing("0a"), refusing("0b")]));
    serving.published(1);
    let problems = serving.status()["problems"].take();
    assert_eq!(problems.as_array().map(Vec::len), Some(1), "{problems}");
    assert_eq!((&problems[0]["code"], &problems[0]["severity"]), (&json!("refused"), &json!("error")));
    assert_eq!(problems[0]["found"], "a\nheader (revision 1.2 refused by 2 of 2 workers)");
    assert_eq!((&problems[0]["file"], &problems[0]["expected"]), (&json!("envoy\u{1b}-1"), &json!("none")));
    acks(json!([{"id": "0a"}, {"id": "0b"}]));
    assert_eq!(serving.status()["problems"], json!([]));
    let (_, log) = serving.terminate();
    let about: Vec<_> = log.lines().filter(|line| line.contains("node ")).collect();
    assert_eq!(about.len(), 2, "{log}");
    let warning = r#" WARN node "envoy\u{1b}-1": worker 0a refused revision 1.2: found a\nheader, expected none"#;
    assert!(about[0].ends_with(warning), "{log}");
    assert!(about[1].ends_with(r#" INFO node "envoy\u{1b}-1": no worker refuses anything any more"#), "{log}");
}

#[test]
fn trouble_is_told_once_and_so_is_its_end() {
    let scratch = Scratch::with_rules("trouble");
    let serving = Serving::start(&scratch);
    let long = "é".repeat(2_000);
    for trouble in [None, Some("no\n\u{1b}[2J key"), Some("no\n\u{1b}[2J key"), None, None, Some(&*long), None] {
        let body = json!({"node": {"id": "envoy\u{1b}-1"}, "trouble": trouble, "workers": []}).to_string();
        assert_eq!(serving.post("~/acks", &body), 204);
    }
    let (_, log) = serving.terminate();
    let about: Vec<_> = log.lines().filter(|line| line.contains("node ")).collect();
    assert_eq!(about.len(), 4, "{log}");
    assert!(about[0].ends_with(r#" WARN node "envoy\u{1b}-1": trouble: no\n\u{1b}[2J key"#), "{log}");
    assert!(about[1].ends_with(r#" INFO node "envoy\u{1b}-1": the trouble is over"#), "{log}");
    assert!(about[2].ends_with(&format!(": trouble: {}…", "é".repeat(400))), "{log}");
    assert!(about[3].ends_with("the trouble is over"), "{log}");
}

#[test]
fn rules_that_set_what_is_not_owned_are_broken() {
    let scratch = Scratch::with_rules("not-owned");
    let serving = Serving::with(&scratch, &["--listen", "127.0.0.1:0", "--owned", "x-gray-variant"]);
    let status = serving.eventually("a problem", |status| status["problems"] != json!([]));
    assert_eq!((&status["problems"][0]["code"], &status["revision"]), (&json!("not-owned"), &json!(null)));
    let owned = rule_set("shop", "stable").replace("set: {x-feature-flags: new-cart=on}", "set: {}");
    scratch.rename_into_place("rules/shop.yaml", owned);
    serving.published(1);
}

/// A finding about what is published is not shown as one about a file of the same name.
#[test]
fn what_is_found_in_a_published_document_is_not_shown_in_the_file_that_was_typed() {
    let scratch = Scratch::new("typed");
    scratch.write("blog.yaml", rule_set("blog", "stable"));
    let (code, _, said) = scratch.run(&["publish", "blog.yaml", "-m", "first", "--store", "redb://store.redb"], "");
    assert_eq!(code, 0, "{said}");
    let options = ["serve", "--store", "redb://store.redb", "--listen", "127.0.0.1:0", "--owned", "x-gray-variant"];
    let serving = Serving::of(&mut scratch.graylane(&options));
    let control = format!("http://{}", serving.address);
    std::fs::create_dir(scratch.path("own")).unwrap();
    let publish = |default: &str| {
        let own = rule_set("zeta", default).replace("set: {x-feature-flags: new-cart=on}", "set: {}");
        scratch.write("own/blog.yaml", own);
        let arguments = ["publish", "own/blog.yaml", "--rule-set", "zeta", "-m", "x", "--control", &control];
        let (code, _, said) = scratch.run(&arguments, "");
        assert_eq!(code, 1, "{said}");
        said
    };
    let said = publish("stable");
    assert!(said.contains("\n  blog.yaml:12:") && said.contains(" not-owned: ") && !said.contains("own/"), "{said}");
    let said = publish("gone");
    assert!(said.contains("\nown/blog.yaml:7:12 unknown-variant ") && said.contains("7 |   default: gone"), "{said}");
}
