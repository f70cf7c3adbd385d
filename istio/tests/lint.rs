//! Each case of `testdata/istio` says behind `<-` which findings its lines earn; there are no others.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use graylane_istio::lint::{Mesh, lint};

fn mesh() -> Mesh {
    Mesh { version: "1.31.0".to_owned(), root_namespace: "istio-system".to_owned() }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The cases, each with its name.
fn cases() -> Vec<(PathBuf, String)> {
    let files = std::fs::read_dir(root().join("testdata/istio")).unwrap();
    let cases: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    cases.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The codes of each line, from 1, that its mark asks for.
fn wanted(text: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let marked = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, line.split_once("# <- ")?.1)));
    let codes = |codes: &str| codes.split(", ").map(str::to_owned).collect();
    marked.map(|(line, marks)| (line, codes(marks))).collect()
}

fn found(text: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let mut found: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for problem in lint(&[text], &mesh()).problems {
        let line = text[..problem.span.start].matches('\n').count() + 1;
        found.entry(line).or_default().insert(problem.code.to_owned());
    }
    found
}

#[test]
fn every_line_earns_what_it_says_and_nothing_else() {
    let cases = cases();
    assert!(cases.len() >= 4, "found {} files", cases.len());
    for (path, text) in cases {
        assert_eq!(found(&text), wanted(&text), "{}", path.display());
    }
}

#[test]
fn the_guide_has_a_line_for_every_finding() {
    let guide = std::fs::read_to_string(root().join("docs/istio-lint.md")).unwrap();
    let told: BTreeSet<String> =
        guide.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned())).collect();
    let earned: BTreeSet<String> =
        cases().iter().flat_map(|(_, text)| wanted(text).into_values().flatten().collect::<Vec<_>>()).collect();
    assert_eq!(told, earned, "the table of docs/istio-lint.md, and the findings that a case shows");
}

#[test]
fn what_is_shipped_earns_nothing() {
    for files in [
        &["sidecar.yaml", "inbound.yaml", "bootstrap.yaml", "routes.yaml", "cookies.yaml"][..],
        &["gateway.yaml", "owned-headers.yaml", "bootstrap.yaml", "routes.yaml", "httproute.yaml"],
        &["wasmplugin.yaml", "routes.yaml"],
        &["trafficextension.yaml", "routes.yaml"],
    ] {
        let read = |file| std::fs::read_to_string(root().join("envoy/istio").join(file)).unwrap();
        let texts: Vec<String> = files.iter().map(read).collect();
        let outcome = lint(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &mesh());
        // Whoever copies a plugin's file puts the digest of an image there.
        let codes: Vec<_> =
            outcome.problems.iter().map(|one| one.code).filter(|code| *code != "digest-missing").collect();
        assert!(codes.is_empty(), "{files:?}: {:?}", outcome.problems);
        assert!(!outcome.effects.is_empty(), "{files:?} have no effect");
    }
}

#[test]
fn nothing_that_is_written_makes_it_panic() {
    let texts = [
        "",
        "---\n---",
        "- 1",
        "kind: EnvoyFilter",
        "{apiVersion: networking.istio.io/v1, kind: EnvoyFilter, spec: 1}",
    ];
    for text in texts {
        lint(&[text], &mesh());
    }
    // Each file cut at every line, and with every line left out.
    for (_, text) in cases() {
        let lines: Vec<_> = text.lines().collect();
        for at in 0..lines.len() {
            lint(&[&lines[..at].join("\n")], &mesh());
            lint(&[&[&lines[..at], &lines[at + 1..]].concat().join("\n")], &mesh());
        }
    }
}
