//! The links between the documents: each leads to a file that is there, and to a heading of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use graylane_integration::root;

/// Every Markdown file of the repository that people read.
fn documents() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut directories = ["", "docs", "envoy", "testdata"].map(|name| root().join(name)).to_vec();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && directory != root() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("a document");
                found.insert(path.canonicalize().expect("a path"), text);
            }
        }
    }
    found
}

/// `text` without what is quoted: blocks of code, and code within a line.
fn prose(text: &str) -> String {
    let outside: String = text.split("```").step_by(2).collect();
    outside.split('`').step_by(2).collect()
}

/// What the links of `text` lead to.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let rests = prose.split("](").skip(1);
    rests.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The names under which the headings of `text` are linked to.
fn anchors(text: &str) -> Vec<String> {
    let outside: String = text.split("```").step_by(2).collect();
    let headings = outside.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    headings.map(slug).collect()
}

/// What is wrong with a link in `place` to `target`.
fn broken(documents: &BTreeMap<PathBuf, String>, place: &Path, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { place.to_owned() } else { place.parent().expect("a directory").join(file) };
    let said = || format!("{}: found a link to {target}", place.display());
    let Ok(path) = path.canonicalize() else { return Some(format!("{}, expected that file to be there", said())) };
    if anchor.is_empty() {
        return None;
    }
    let Some(text) = documents.get(&path) else { return Some(format!("{}, expected a document", said())) };
    let there = anchors(text);
    let found = there.iter().any(|known| known == anchor);
    (!found).then(|| format!("{}, expected one of {there:?}", said()))
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let links = documents.iter().flat_map(|(place, text)| targets(text).into_iter().map(move |target| (place, target)));
    let links: Vec<_> = links.collect();
    assert!(links.len() > 60, "found {} links: are they still written so?", links.len());
    let broken: Vec<_> = links.iter().filter_map(|(place, target)| broken(&documents, place, target)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_guide_is_in_the_index() {
    let index = root().join("docs/README.md");
    let listed = targets(&fs::read_to_string(&index).expect("the index"));
    for entry in fs::read_dir(root().join("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name().into_string().expect("a name");
        let is_guide = name.ends_with(".md") && name != "README.md";
        assert!(!is_guide || listed.contains(&name), "{name} is not in docs/README.md");
    }
}

#[test]
fn a_wrong_link_is_noticed() {
    let documents = documents();
    let place = root().join("README.md");
    for wrong in ["docs/none.md", "docs/rules.md#no-such-heading", "#no-such-heading"] {
        assert!(broken(&documents, &place, wrong).is_some(), "{wrong}");
    }
    assert_eq!(targets("a [b](c.md#d) and `[e](f)` and\n```\n[g](h)\n```\n[i](j)"), ["c.md#d", "j"]);
    assert_eq!(anchors("# Why, and `how`?\n```\n# no\n```\n## 2 of them"), ["why-and-how", "2-of-them"]);
}
