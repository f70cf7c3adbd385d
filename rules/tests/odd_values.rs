//! What docs/rules.md says of absent, empty, repeated and non-UTF-8 values is what is decided, cell by cell.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

#[path = "common/base64url.rs"]
mod base64url;
#[path = "odd_values/carried.rs"]
mod carried;

use std::collections::BTreeSet;

use carried::{Carried, carry};
use graylane_rules::{Format, Problem, Snapshot, Source, compile};

const PAGE: &str = include_str!("../../docs/rules.md");

/// The columns of both tables behind their first.
const COLUMNS: [&str; 4] = ["absent", "empty", "repeated", "not UTF-8"];

/// For what the first table asks by a name: a value that passes, one that does not, and one that would pass if bytes were
/// compared that are no UTF-8.
const VALUES: [(&str, [&[u8]; 3]); 15] = [
    ("present", [b"v1", b"v2", b"\xff"]),
    ("exact", [b"v1", b"v2", b"v1\xff"]),
    ("in", [b"v1", b"v2", b"v1\xff"]),
    ("prefix", [b"v1.0", b"v2", b"v1\xff"]),
    ("suffix", [b"a-v1", b"v2", b"\xffv1"]),
    ("contains", [b"a-v1-b", b"v2", b"\xffv1"]),
    ("regex", [b"v1", b"v2", b"v1\xff"]),
    ("range", [b"5", b"10", b"5\xff"]),
    ("semver", [b"1.2.3", b"2.0.0", b"1.2.3+\xff"]),
    ("cidr", [b"10.0.0.1", b"11.0.0.1", b"10.0.0.1\xff"]),
    ("source", [b"10.0.0.1:80", b"11.0.0.1:80", b"10.0.0.1\xff"]),
    ("labels", [b"v1", b"v2", b"v1\xff"]),
    ("percent", [b"alice", b"bob", b"\xff"]),
    ("audience", [b"alice", b"zoe", b"alice\xff"]),
    ("time", [b"now", b"now", b"now\xff"]),
];

#[test]
fn every_operator_and_every_match_has_a_row() {
    let rows: BTreeSet<_> = table(0).iter().chain(&table(1)).map(|row| name_of(&row[0])).collect();
    let asked = one_of("header: {name: x-it}", "no-operator").into_iter().chain(one_of("", "no-match"));
    // Those have no value of their own.
    let expected: BTreeSet<_> = asked.filter(|name| !["all", "any", "not"].contains(&name.as_str())).collect();
    assert_eq!(rows, expected);
}

#[test]
fn operators_do_with_odd_values_what_the_table_says() {
    let operators = one_of("header: {name: x-it}", "no-operator");
    for row in table(0) {
        let (asked, name) = (row[0].trim_matches('`'), name_of(&row[0]));
        let values = VALUES.iter().find(|(known, ..)| *known == name);
        let &(_, [right, wrong, damaged]) = values.unwrap_or_else(|| panic!("no values for the row {asked}"));
        let (kind, when) = match operators.contains(&name) {
            true => ("header", format!("header: {{name: x-it, {asked}}}")),
            false => (name.as_str(), asked.to_owned()),
        };
        let rules = Asked::of(&when);
        let found = |values: &[&[u8]]| carry(kind, values).map(|request| rules.holds(&request));
        // Of `exact: ""` that is the empty one.
        let right = [right, b""].into_iter().find(|value| found(&[value]) == Some(true));
        let right = right.unwrap_or_else(|| panic!("{asked} holds for no value"));
        let both = [found(&[right, wrong]), found(&[wrong, right])];
        assert_eq!(both[0], both[1], "{asked}: two values in either order");
        let found = [found(&[]), found(&[b""]), both[0], found(&[damaged])];
        let words = found.map(|found| found.map_or("—", |holds| if holds { "holds" } else { "does not hold" }));
        assert_eq!(row[1..], words, "{asked}: {COLUMNS:?}");
    }
}

#[test]
fn attributes_have_the_values_that_the_table_says() {
    const QUESTIONS: [&str; 4] = ["present: true", r#"exact: """#, "prefix: v1", "prefix: v2"];
    for row in table(1) {
        let kind = name_of(&row[0]);
        let name = match kind.as_str() {
            "header" | "cookie" | "query" => "name: x-it, ",
            "jwtClaim" => "claim: it, ",
            _ => "",
        };
        let asked = QUESTIONS.map(|question| Asked::of(&format!("{kind}: {{{name}{question}}}")));
        let values: [&[&[u8]]; 4] = [&[], &[b""], &[b"v1", b"v2"], &[b"v1\xff"]];
        let words = values.map(|values| match carry(&kind, values) {
            None => "—",
            Some(request) => match asked.each_ref().map(|asked| asked.holds(&request)) {
                [false, false, false, false] => "absent",
                [true, true, false, false] => "empty",
                [true, false, true, true] => "any",
                [true, false, true, false] => "first",
                [true, false, false, false] => "present only",
                other => panic!("{kind} {values:?}: {QUESTIONS:?} are {other:?}"),
            },
        });
        assert_eq!(row[1..], words, "{kind}: {COLUMNS:?}");
    }
}

/// The cells of a table below the heading, from 0, a row at a time.
fn table(number: usize) -> Vec<Vec<String>> {
    let section = PAGE.split("\n### Odd values\n").nth(1).unwrap().split("\n#").next().unwrap();
    let lines: Vec<_> = section.lines().collect();
    let tables = lines.split(|line| !line.starts_with('|')).filter(|lines| !lines.is_empty());
    let rows: Vec<Vec<String>> = tables.clone().nth(number).unwrap().iter().map(|line| cells(line)).collect();
    assert_eq!((tables.count(), &rows[0][1..]), (2, &COLUMNS.map(str::to_owned)[..]));
    rows[2..].to_vec()
}

fn cells(line: &str) -> Vec<String> {
    let inside = line.strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inside.unwrap_or_else(|| panic!("no row: {line}")).split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// What a row is about: `exact` of `` `exact: v1` ``.
fn name_of(cell: &str) -> String {
    cell.trim_matches('`').split(':').next().unwrap().to_owned()
}

/// The names that the language has, as it lists them to whoever gives none: `a, b or c`.
fn one_of(when: &str, code: &str) -> BTreeSet<String> {
    let problems = compiled(when).unwrap_err();
    let problem = problems.iter().find(|problem| problem.code == code).unwrap();
    let names = problem.expected.trim_start_matches("exactly one of ");
    names.split(", ").flat_map(|names| names.split(" or ")).map(str::to_owned).collect()
}

/// A match, and where it may be the same under `not`.
struct Asked {
    plain: Snapshot,
    negated: Option<Snapshot>,
}

impl Asked {
    fn of(when: &str) -> Self {
        let load = |snapshot| Snapshot::load(snapshot).unwrap();
        let negated = match compiled(&format!("not: {{{when}}}")) {
            Ok(snapshot) => Some(load(snapshot)),
            Err(problems) if problems[0].code == "negated-identity" => None,
            Err(problems) => panic!("{when}: {problems:#?}"),
        };
        Self { plain: load(compiled(when).unwrap()), negated }
    }

    fn holds(&self, request: &Carried) -> bool {
        let matched = |snapshot: &Snapshot| snapshot.decide(request).next().unwrap().variant() == b"canary";
        let holds = matched(&self.plain);
        assert!(self.negated.as_ref().is_none_or(|negated| matched(negated) != holds));
        holds
    }
}

fn compiled(when: &str) -> Result<Vec<u8>, Vec<Problem>> {
    let rules = format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: odd}}\nspec:\n  identity: {{from: [{{header: x-it}}]}}\n  \
         variants: [stable, canary]\n  default: stable\n  rules: [{{id: r, when: {{{when}}}, variant: canary}}]\n"
    );
    let audience =
        "apiVersion: graylane.dev/v1\nkind: Audience\nmetadata: {name: beta-users}\nspec: {identities: [alice]}\n";
    let sources = [rules.as_str(), audience].map(|text| Source { format: Format::Yaml, text: text.as_bytes() });
    compile(&sources).map(|compiled| compiled.snapshot)
}
