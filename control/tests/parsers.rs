//! Which parser reads a document is data: re-pointing a tag is an ordinary change of what is served.
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

use common::Scratch;
use serde_json::{Value, json};
use serving::Serving;

/// A rule set that both versions of the language understand, or with a list for `when` the next one alone.
fn tagged(tag: &str, when: &str) -> String {
    format!(
        "x-gray-tag: {tag}\napiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  variants: [stable, canary]\n  \
         default: stable\n  rules:\n    - id: qa\n      when: {when}\n      variant: canary\n      set: {{x-flags: a}}\n"
    )
}

const LIST: &str = "[{header: {name: x-env, exact: gray}}, {path: {prefix: /cart}}]";
const ONE: &str = "{header: {name: x-env, exact: gray}}";

fn tags(spec: &str) -> String {
    format!("apiVersion: graylane.dev/v1\nkind: ParserTags\nmetadata: {{name: parsers}}\nspec: {spec}\n")
}

fn parser_of<'s>(status: &'s Value, name: &str) -> &'s str {
    let documents = status["documents"].as_array().unwrap();
    documents.iter().find(|document| document["name"] == name).unwrap()["parser"].as_str().unwrap()
}

#[test]
fn a_tag_is_re_pointed_while_serving() {
    let scratch = Scratch::new("parsers-serve");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    scratch.write("rules/shop.yaml", tagged("edge", ONE));
    scratch.write("rules/tags.yaml", tags("{tags: {edge: v1-yaml}}"));
    let serving = Serving::start(&scratch);
    let first = serving.published(1);
    let before = serving.status();
    assert_eq!((parser_of(&before, "shop"), &before["problems"]), ("v1-yaml", &json!([])));
    // The same content by another parser is a revision of its own.
    let poll = serving.long_poll(&first);
    scratch.rename_into_place("rules/tags.yaml", tags("{tags: {edge: v2alpha1-yaml}}"));
    assert_eq!(poll.join().unwrap().0, 200);
    serving.published(2);
    let after = serving.status();
    assert_eq!((parser_of(&after, "shop"), &after["sha256"]), ("v2alpha1-yaml", &before["sha256"]));
    let shop = after["documents"].as_array().unwrap().iter().find(|document| document["name"] == "shop").unwrap();
    let expected =
        json!({"file": "rules/shop.yaml", "kind": "RuleSet", "name": "shop", "tag": "edge", "parser": "v2alpha1-yaml"});
    assert_eq!(shop, &expected);
    // What the next version has alone is served while the tag stands for it, and no longer.
    scratch.rename_into_place("rules/shop.yaml", tagged("edge", LIST));
    serving.published(3);
    scratch.rename_into_place("rules/tags.yaml", tags("{tags: {edge: v1-yaml}}"));
    let broken = serving.eventually("a problem", |status| status["problems"] != json!([]));
    assert_eq!(
        (&broken["problems"][0]["path"], &broken["problems"][0]["file"]),
        (&json!("spec.rules[0].when"), &json!("rules/shop.yaml"))
    );
    assert!(broken["revision"].as_str().unwrap().ends_with(".3"), "{broken}");
    // A tag that nobody knows is the default's, with a warning.
    scratch.rename_into_place("rules/tags.yaml", tags("{default: v2alpha1-yaml}"));
    let warned = serving.eventually("a warning", |status| status["problems"][0]["code"] == "unknown-tag");
    assert_eq!(
        (warned["problems"][0]["severity"].as_str(), parser_of(&warned, "shop")),
        (Some("warning"), "v2alpha1-yaml")
    );
    let (_, log) = serving.terminate();
    assert!(log.contains(": RuleSet shop read by v2alpha1-yaml, for its tag edge"), "{log}");
}

#[test]
fn check_and_explain_say_which_parser_read_what() {
    let scratch = Scratch::new("parsers-check");
    std::fs::create_dir(scratch.path("rules")).unwrap();
    scratch.write("rules/shop.yaml", tagged("edge", LIST));
    scratch.write("rules/tags.yaml", tags("{tags: {edge: v2alpha1-yaml}}"));
    let (code, stdout, _) = scratch.run(&["check", "-o", "documents", "rules"], "");
    let documents: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (code, documents[0]["parser"].as_str(), documents[1]["kind"].as_str()),
        (0, Some("v2alpha1-yaml"), Some("ParserTags"))
    );
    let (code, stdout, _) = scratch.run(&["explain", "-f", "rules", "--", "-H", "x-env: gray", "http://shop/cart"], "");
    assert!(
        code == 0 && stdout.contains("  document: RuleSet shop read by v2alpha1-yaml, for its tag edge\n"),
        "{stdout}"
    );
    assert!(stdout.contains("decision    canary"), "{stdout}");
    // What a document sets is known by the parser that its tag stands for.
    let (code, stdout, _) = scratch.run(&["check", "--no-excerpt", "--owned", "x-gray-variant", "rules"], "");
    assert!(code == 1 && stdout.contains("not-owned") && stdout.contains("x-flags"), "{stdout}");
    let (code, stdout, stderr) = scratch.run(&["check", "-o", "documents", "rules/shop.yaml"], "");
    assert!(
        code == 1
            && stdout == "[]\n"
            && stderr.contains("warning unknown-tag")
            && stderr.contains("wrong-type spec.rules[0].when"),
        "{stdout}{stderr}"
    );
}
