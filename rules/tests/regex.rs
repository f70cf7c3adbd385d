//! `regex` answers as the regex crate does for whole values, and what cannot be compiled within bounds is refused.
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

#[path = "common/sent.rs"]
mod sent;

use graylane_rules::{Automaton, Compiled, Format, Problem, Snapshot, Source, compile, compile_with_automata};
use proptest::prelude::*;
use sent::Sent;

fn document(patterns: &[&str], ignore_case: bool) -> String {
    let rules = patterns.iter().enumerate().map(|(number, pattern)| {
        serde_json::json!({"id": format!("r{number}"), "variant": "yes",
            "when": {"header": {"name": "x-a", "regex": pattern, "ignoreCase": ignore_case}}})
    });
    let rules: Vec<_> = rules.collect();
    serde_json::json!({"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "r"},
        "spec": {"variants": ["no", "yes"], "default": "no", "rules": rules}})
    .to_string()
}

fn compiled(text: &str, automata: &[Automaton]) -> Result<Compiled, Vec<Problem>> {
    compile_with_automata(&[Source { format: Format::Json, text: text.as_bytes() }], automata)
}

fn answer(snapshot: &Snapshot, value: &[u8]) -> bool {
    snapshot.decide(&Sent(value)).next().unwrap().variant() == b"yes"
}

/// Expressions of few letters, so that values often match.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => "[abAé]",
        1 => Just("".to_owned()),
        1 => prop::sample::select(vec![".", r"\w", r"\d", "[ab]", "[^a]", r"\b", r"\B", "^", "$", "(?i:a)", r"\x41", "(?u:é)", r"\s"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => (inner.clone(), prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "*?"]))
                .prop_map(|(inner, times)| format!("(?:{inner}){times}")),
            1 => inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => "[abAé1 ]{0,6}".prop_map(String::into_bytes),
        1 => "[ab\n]{0,4}".prop_map(String::into_bytes),
        1 => prop::collection::vec(prop::sample::select(vec![b'a', b'b', 0xc3, 0xa9, 0xff]), 0..5),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn whole_values_match_as_in_the_regex_crate(
        pattern in expression(),
        ignore_case in any::<bool>(),
        values in prop::collection::vec(value(), 1..12),
    ) {
        let whole = format!(r"\A(?:{pattern})\z");
        let mut reference = regex::bytes::RegexBuilder::new(&whole);
        let reference = reference.unicode(false).case_insensitive(ignore_case).build().unwrap();
        let snapshot = compiled(&document(&[&pattern], ignore_case), &[]).unwrap().snapshot;
        let snapshot = Snapshot::load(snapshot).unwrap();
        for value in values {
            let expected = std::str::from_utf8(&value).is_ok() && reference.is_match(&value);
            prop_assert_eq!(answer(&snapshot, &value), expected, "{:?} {:?}", pattern, value);
        }
    }

    #[test]
    fn damaged_automata_are_refused_or_harmless(at in any::<prop::sample::Index>(), byte in any::<u8>(), value in value()) {
        let text = document(&["(a|b)*a(a|b){3}"], false);
        let mut automata = compile(&[Source { format: Format::Json, text: text.as_bytes() }]).unwrap().automata;
        let bytes = &mut automata[0].bytes;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        match compiled(&text, &automata) {
            Ok(compiled) => drop(answer(&Snapshot::load(compiled.snapshot).unwrap(), &value)),
            Err(problems) => prop_assert!(problems.iter().all(|problem| problem.code == "bad-automaton")),
        }
    }
}

#[test]
fn automata_that_were_brought_along_give_the_same_snapshot() {
    let text = document(&["ios.*|android", "v[0-9]+", "ios.*|android"], true);
    let own = compiled(&text, &[]).unwrap();
    let patterns: Vec<_> = own.automata.iter().map(|one| (one.pattern.as_str(), one.ignore_case)).collect();
    assert_eq!(patterns, [("ios.*|android", true), ("v[0-9]+", true)]);
    assert_eq!(compiled(&text, &own.automata).unwrap().snapshot, own.snapshot);
    for length in 0..own.automata[0].bytes.len() {
        let mut cut = own.automata.clone();
        cut[0].bytes.truncate(length);
        assert_eq!(compiled(&text, &cut).unwrap_err()[0].code, "bad-automaton");
    }
}

#[test]
fn equal_expressions_of_a_rule_set_stand_once() {
    let once = compiled(&document(&["[a-f]{1,40}"], false), &[]).unwrap().snapshot.len();
    let ten = compiled(&document(&["[a-f]{1,40}"; 10], false), &[]).unwrap().snapshot.len();
    assert!(ten - once < 9 * 150, "{once} and {ten} bytes");
}

#[test]
fn all_automata_of_a_namespace_have_a_limit() {
    // About 80 KB each.
    let patterns: Vec<_> = (0..12).map(|number| format!("x{number}(a|b)*a(a|b){{12}}")).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let problems = compiled(&document(&patterns, false), &[]).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:#?}") };
    assert_eq!((problem.code, problem.path.as_str()), ("too-large", "spec.rules[6].when.header.regex"));
    assert!(compiled(&document(&patterns[..6], false), &[]).is_ok());
}

#[test]
fn a_rule_set_has_a_limit_of_what_a_long_value_is_walked_for() {
    let patterns: Vec<_> = (0..257).map(|number| format!("a{number}")).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    assert_eq!(compiled(&document(&patterns, false), &[]).unwrap_err()[0].code, "too-many");
    assert!(compiled(&document(&patterns[..256], false), &[]).is_ok());
}

#[test]
fn what_is_about_unicode_takes_long_to_read_and_has_a_limit() {
    let fast = "a?u".repeat(1_350);
    let problems = compiled(&document(&[&fast, &fast, "(?-u:b)", "c?u"], false), &[]).map(drop);
    assert_eq!(problems, Ok(()));
    let problems = compiled(&document(&[&fast, &fast, "(?iu:b)", &"c?u".repeat(40)], false), &[]).unwrap_err();
    let told: Vec<_> =
        problems.iter().map(|problem| (problem.path.as_str(), problem.code, problem.found.as_str())).collect();
    let found = "regular expressions about Unicode of 8227 bytes up to here";
    assert_eq!(told, [("spec.rules[3].when.header.regex", "bad-regex", found)]);
}

#[test]
fn names_of_query_parameters_have_a_limit() {
    let of = |length: usize| {
        let rule = serde_json::json!({"id": "r", "variant": "yes",
            "when": {"query": {"name": "q".repeat(length), "present": true}}});
        serde_json::json!({"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "r"},
            "spec": {"variants": ["no", "yes"], "default": "no", "rules": [rule]}})
        .to_string()
    };
    assert!(compiled(&of(256), &[]).is_ok());
    let problems = compiled(&of(257), &[]).unwrap_err();
    assert_eq!(problems[0].code, "bad-query-name");
}
