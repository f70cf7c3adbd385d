//! Every code of a problem has a case, and those that no single document earns are earned here or where it is said.
#![cfg(not(target_family = "wasm"))]
#![allow(missing_docs, clippy::unwrap_used, reason = "a test stops loudly")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use graylane_rules::{Format, Source, compile};

/// What stands in front of a code in the sources, but for blanks.
const OPENERS: [&str; 9] =
    ["error(", "warning(", "wrong(", "coded(", "error_at(", "refuse(", "refusal(entry,", "code:", "=> ("];

/// Codes that no document alone earns.
const ELSEWHERE: [&str; 12] = [
    // Below.
    "duplicate-name",
    "rule-set-shadowed",
    "too-many-ranges",
    // tests/parsers.rs, tests/regex.rs, tests/robustness.rs
    "duplicate-kind",
    "bad-automaton",
    "more",
    // The tests of compile/switches.rs
    "bad-override",
    "duplicate-switch",
    "switch-type",
    "unknown-switch",
    // Builds that leave a feature out, as the filter does.
    "no-automaton",
    "no-yaml",
];

#[test]
fn every_code_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut codes = BTreeSet::new();
    for file in files(&root.join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let sources = text.split("#[cfg(test)]\nmod ").next().unwrap();
        codes.extend(OPENERS.iter().flat_map(|opener| sources.split(opener).skip(1)).filter_map(code));
    }
    assert!(codes.len() > 70, "found few codes: {codes:#?}");
    let told = files(&root.join("../testdata/invalid"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "errors"));
    let told: Vec<_> = told.map(|file| fs::read_to_string(file).unwrap()).collect();
    let told = told.iter().flat_map(|text| text.lines()).filter_map(|line| line.split([' ', ':']).nth(2));
    let told: BTreeSet<_> = told.chain(ELSEWHERE).map(str::to_owned).collect();
    let (untold, unknown): (Vec<_>, Vec<_>) = (codes.difference(&told).collect(), told.difference(&codes).collect());
    assert!(
        untold.is_empty() && unknown.is_empty(),
        "codes without a case: {untold:?}; not among the sources: {unknown:?}"
    );
}

/// The code that begins here, in quotes.
fn code(text: &str) -> Option<String> {
    let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let kebab = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
    (!code.is_empty() && code.bytes().all(kebab)).then(|| code.to_owned())
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_name_belongs_to_one_document_of_its_kind() {
    let text = r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"},
        "spec": {"variants": ["a"], "default": "a"}}"#;
    assert_eq!(first_problem(&[text, text]), (1, "duplicate-name", "metadata.name".to_owned()));
}

#[test]
fn a_rule_set_whose_scope_others_have_is_told() {
    let of = |name: &str, scope: &str, output: &str| {
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}},
            "spec": {{"scope": {scope}, "output": {output}, "variants": ["a"], "default": "a"}}}}"#
        )
    };
    let warned = |rule_sets: &[(&str, &str, &str)]| {
        let texts: Vec<_> = rule_sets.iter().map(|(name, scope, output)| of(name, scope, output)).collect();
        let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
        compile(&sources).unwrap().warnings.iter().map(|warning| (warning.source, warning.code)).collect::<Vec<_>>()
    };
    let (one, two, both) = (r#"{"hosts": ["a"]}"#, r#"{"hosts": ["b"]}"#, r#"{"hosts": ["b", "A"]}"#);
    assert_eq!(warned(&[("z", one, "{}"), ("y", one, "{}")]), [(0, "rule-set-shadowed")]);
    assert_eq!(warned(&[("x", one, "{}"), ("y", two, "{}"), ("z", both, "{}")]), [(2, "rule-set-shadowed")]);
    assert_eq!(warned(&[("x", both, "{}"), ("y", "{}", "{}"), ("z", r#"{"pathPrefixes": ["/"]}"#, "{}")]), []);
    assert_eq!(warned(&[("x", one, "{}"), ("y", one, r#"{"variantHeader": "x-other"}"#)]), []);
}

#[test]
fn a_lock_has_a_limit_of_ranges() {
    let ranges = |count: u32| {
        let ranges: Vec<_> = (0..count)
            .map(|from| format!(r#"{{"from": {from}, "variant": "{}"}}"#, if from % 2 == 0 { "a" } else { "b" }))
            .collect();
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "AllocationLock", "metadata": {{"name": "shop"}},
            "spec": {{"splits": {{"s": {{"ranges": [{}]}}}}}}}}"#,
            ranges.join(", ")
        )
    };
    let path = "spec.splits.s.ranges".to_owned();
    assert_eq!(first_problem(&[&ranges(1_025)]), (0, "too-many-ranges", path));
    let sound = ranges(1_024);
    assert!(compile(&[Source { format: Format::Json, text: sound.as_bytes() }]).is_ok());
}

fn first_problem(texts: &[&str]) -> (usize, &'static str, String) {
    let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
    let problem = compile(&sources).unwrap_err().swap_remove(0);
    (problem.source, problem.code, problem.path)
}
