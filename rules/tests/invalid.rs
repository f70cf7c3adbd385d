//! Every invalid document of `testdata/` earns exactly the problems written beside it.
//!
//! `GRAYLANE_BLESS=1 cargo test -p graylane-rules --test invalid` writes what is found instead: to
//! be read, line by line, before it is committed.
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

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use graylane_rules::{AllowList, Format, Problem, Source, compile};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/invalid");

#[test]
fn every_problem_is_told_where_it_is() {
    let files: BTreeSet<PathBuf> = fs::read_dir(DIRECTORY).unwrap().map(|entry| entry.unwrap().path()).collect();
    let expectations = files.iter().filter(|path| path.extension().is_some_and(|end| end == "errors"));
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for expectation in expectations {
        let (documents, about) = documents_of(expectation);
        let found = problems_of(&documents, about);
        if std::env::var_os("GRAYLANE_BLESS").is_some() {
            fs::write(expectation, &found).unwrap();
        }
        let expected = fs::read_to_string(expectation).unwrap();
        if found != expected {
            wrong.push(format!("{}\n--- found\n{found}--- expected\n{expected}", expectation.display()));
        }
        used.insert(expectation.clone());
        used.extend(documents);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(files, used, "files that no expectation is about");
}

/// `NAME.errors` is about `NAME.yaml` or `NAME.json`; `NAME.lock.errors` about `NAME.lock.yaml`
/// together with `NAME.yaml`.
fn documents_of(expectation: &Path) -> (Vec<PathBuf>, usize) {
    let stem = expectation.with_extension("");
    let json = PathBuf::from(format!("{}.json", stem.display()));
    let document = if json.exists() { json } else { PathBuf::from(format!("{}.yaml", stem.display())) };
    match stem.extension() {
        Some(end) if end == "lock" => (vec![stem.with_extension("yaml"), document], 1),
        _ => (vec![document], 0),
    }
}

fn problems_of(documents: &[PathBuf], about: usize) -> String {
    let texts: Vec<Vec<u8>> = documents.iter().map(|path| fs::read(path).unwrap()).collect();
    let format =
        |path: &Path| if path.extension().is_some_and(|end| end == "json") { Format::Json } else { Format::Yaml };
    let sources: Vec<Source<'_>> =
        documents.iter().zip(&texts).map(|(path, text)| Source { format: format(path), text }).collect();
    // An allow-list is no document of a namespace.
    let listed = documents[about].file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with("allow-list"));
    let problems = match listed {
        true => AllowList::read(&sources[about]).expect_err("nothing is wrong"),
        false => compile(&sources).map_or_else(|problems| problems, |compiled| compiled.warnings),
    };
    assert!(!problems.is_empty(), "{documents:?} has nothing wrong");
    problems.iter().map(|problem| line(problem, about, &texts[about])).collect()
}

fn line(problem: &Problem, about: usize, text: &[u8]) -> String {
    assert_eq!(problem.source, about, "{problem}");
    let before = String::from_utf8_lossy(&text[..problem.span.start.min(text.len())]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let path = if problem.path.is_empty() { String::new() } else { format!(" {}", problem.path) };
    format!("{line}:{column} {}{path}: found {}, expected {}\n", problem.code, problem.found, problem.expected)
}
