//! Parsers are chosen by tags; what a tag stands for is data.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

use graylane_rules::{Compiled, Format, Parser, Problem, Registry, Source, Tagged, compile, compile_with};

/// A rule set with a list for `when`, which the next version has alone.
fn listed(tag: &str) -> String {
    rule_set(tag, "[{header: {name: x-env, exact: gray}}, {not: {cookie: {name: optout, present: true}}}]")
}

fn rule_set(tag: &str, when: &str) -> String {
    let tag = if tag.is_empty() { String::new() } else { format!("x-gray-tag: {tag}\n") };
    format!(
        "{tag}apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  variants: [stable, canary]\n  default: stable\n  \
         rules:\n    - id: qa\n      when: {when}\n      variant: canary\n"
    )
}

fn tags(spec: &str) -> String {
    format!("apiVersion: graylane.dev/v1\nkind: ParserTags\nmetadata: {{name: parsers}}\nspec: {spec}\n")
}

fn read(documents: &[&str]) -> Result<Compiled, Vec<Problem>> {
    let sources: Vec<_> = documents.iter().map(|text| Source { format: Format::Yaml, text: text.as_bytes() }).collect();
    compile(&sources)
}

/// The parser of the first document.
fn parser(compiled: &Compiled) -> &'static str {
    compiled.parsed[0].parser
}

#[test]
fn a_list_means_all_and_everything_else_is_as_in_the_first_version() {
    let when = "{all: [{header: {name: x-env, exact: gray}}, {not: {cookie: {name: optout, present: true}}}]}";
    let first = read(&[&rule_set("", when)]).unwrap();
    let next = read(&[&listed("v2alpha1-yaml")]).unwrap();
    assert_eq!((parser(&first), parser(&next)), ("v1-yaml", "v2alpha1-yaml"));
    assert_eq!(first.snapshot, next.snapshot);
    assert_eq!(read(&[&rule_set("v2alpha1-yaml", when)]).unwrap().snapshot, first.snapshot);
    let named = listed("v2alpha1-yaml").replace("graylane.dev/v1", "graylane.dev/v2alpha1");
    assert_eq!(read(&[&named]).unwrap().snapshot, first.snapshot);
    assert_eq!(read(&[&listed("")]).unwrap_err()[0].code, "wrong-type");
}

#[test]
fn tags_stand_for_what_a_document_says() {
    // As built.
    assert_eq!(parser(&read(&[&rule_set("stable", "{percent: 0.5}")]).unwrap()), "v1-yaml");
    assert_eq!(parser(&read(&[&listed("canary")]).unwrap()), "v2alpha1-yaml");
    assert!(read(&[&listed("stable")]).is_err());
    // Re-pointed, wherever the document stands.
    let next = tags("{tags: {stable: v2alpha1-yaml, next: v2alpha1-yaml}}");
    for documents in
        [[listed("stable"), next.clone()], [next.clone(), listed("stable")], [listed("next"), next.clone()]]
    {
        let compiled = read(&[&documents[0], &documents[1]]).unwrap();
        let parsed = compiled.parsed.iter().find(|parsed| parsed.kind == "RuleSet").unwrap();
        assert_eq!(parsed.parser, "v2alpha1-yaml");
        assert!(compiled.warnings.is_empty());
    }
    assert!(read(&[&listed("canary"), &tags("{tags: {canary: v1-yaml}}")]).is_err());
    // JSON stays JSON where nobody re-points it.
    let json = r#"{"x-gray-tag": "canary", "apiVersion": "graylane.dev/v2alpha1", "kind": "RuleSet", "metadata": {"name": "j"},
                   "spec": {"variants": ["a"], "default": "a", "rules": [{"id": "r", "when": [{"path": {"exact": "/"}}], "variant": "a"}]}}"#;
    let compiled = compile(&[Source { format: Format::Json, text: json.as_bytes() }]).unwrap();
    assert_eq!((parser(&compiled), compiled.parsed[0].tag.as_deref()), ("v2alpha1-json", Some("canary")));
}

#[test]
fn an_unknown_tag_gets_the_default_and_a_warning() {
    let compiled = read(&[&rule_set("canarry", "{path: {exact: /}}")]).unwrap();
    let [warning] = compiled.warnings.as_slice() else { panic!("{:?}", compiled.warnings) };
    assert_eq!((warning.code, warning.path.as_str(), parser(&compiled)), ("unknown-tag", "x-gray-tag", "v1-yaml"));
    assert!(warning.expected.ends_with("did you mean canary?"), "{warning}");
    let compiled = read(&[&listed("mine"), &tags("{default: v2alpha1-yaml}")]).unwrap();
    assert_eq!((parser(&compiled), compiled.warnings.len()), ("v2alpha1-yaml", 1));
}

#[test]
fn what_is_wrong_with_the_tags_is_told_and_there_is_one_document_of_them() {
    let codes = |documents: &[&str]| {
        let problems = read(documents).unwrap_err();
        problems.iter().map(|problem| (problem.source, problem.code)).collect::<Vec<_>>()
    };
    assert_eq!(codes(&[&tags("{tags: {canary: v9}}")]), [(0, "unknown-parser")]);
    let other = tags("{}").replace("parsers", "others");
    assert_eq!(codes(&[&tags("{}"), &other]), [(1, "duplicate-kind")]);
    // A tag that was found is the one that is read, or it is refused.
    for hidden in ["? x-gray-tag\n: canary\n", "\"x\\u002dgray-tag\": canary\n", "x-gray-tag:\n  canary\n"] {
        assert_eq!(
            codes(&[&format!("{hidden}{}", rule_set("", "{path: {exact: /}}"))]),
            [(0, "hidden-tag")],
            "{hidden}"
        );
    }
}

#[test]
fn a_parser_can_be_registered_and_a_tag_can_come_from_outside() {
    /// JSON with comments to the end of the line.
    fn without_comments(text: &[u8]) -> Result<Vec<u8>, String> {
        let text = std::str::from_utf8(text).map_err(|why| why.to_string())?;
        let blank = |line: &str| match line.find("//") {
            Some(at) => format!("{}{}", &line[..at], " ".repeat(line.len() - at)),
            None => line.to_owned(),
        };
        Ok(text.split('\n').map(blank).collect::<Vec<_>>().join("\n").into_bytes())
    }
    let registry = Registry::default().with(Parser::translating("v1-jsonc", Format::Json, without_comments));
    let document = "{ // so\n\"apiVersion\": \"graylane.dev/v1\", \"kind\": \"RuleSet\", \"metadata\": {\"name\": \"c\"},\n\
                    \"spec\": {\"variants\": [\"a\"], // one\n\"default\": \"b\"}}";
    let source = Source { format: Format::Json, text: document.as_bytes() };
    assert!(compile(&[source]).is_err());
    let tagged = Tagged { source, tag: Some("v1-jsonc") };
    let problems = compile_with(&[tagged], &registry).unwrap_err();
    assert_eq!((problems[0].code, &document[problems[0].span.clone()]), ("unknown-variant", "\"b\""));
    let sound = document.replace("\"b\"", "\"a\"");
    let source = Source { format: Format::Json, text: sound.as_bytes() };
    let compiled = compile_with(&[Tagged { source, tag: Some("v1-jsonc") }], &registry).unwrap();
    assert_eq!((parser(&compiled), compiled.parsed[0].name.as_str()), ("v1-jsonc", "c"));
    // The document's own tag comes first, and aliases may stand for what was registered.
    let own = sound.replacen('{', "{\"x-gray-tag\": \"mine\",", 1);
    let aliases = tags("{tags: {mine: v1-jsonc}}");
    let sources = [
        Tagged { source: Source { format: Format::Json, text: own.as_bytes() }, tag: Some("v1-yaml") },
        Source { format: Format::Yaml, text: aliases.as_bytes() }.into(),
    ];
    assert_eq!(parser(&compile_with(&sources, &registry).unwrap()), "v1-jsonc");
    let refused = compile(&[sources[0].source, sources[1].source]).unwrap_err();
    assert!(refused.iter().any(|problem| problem.code == "unknown-parser"), "{refused:?}");
}
