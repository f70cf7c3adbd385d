//! Headers that documents set although the filters do not own them: every Envoy would refuse the whole revision.

use std::ops::Range;

use graylane_rules::{Outline, Problem, Severity, nearest};

use super::Document;
use crate::finding::{Finding, Lines};

/// An error for each header that a document sets and `owned` does not name; none if `owned` is empty.
pub fn headers(documents: &[Document], owned: &[String]) -> Vec<Finding> {
    if owned.is_empty() {
        return Vec::new();
    }
    // What a document means by itself depends on what its tag stands for.
    let tags: Vec<&Document> = documents.iter().filter(|document| says(&document.text, b"ParserTags")).collect();
    documents.iter().flat_map(|document| of(document, &tags, owned)).collect()
}

fn says(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|found| found == word)
}

fn of(document: &Document, tags: &[&Document], owned: &[String]) -> Vec<Finding> {
    // What cannot be read by itself has errors, which are told.
    let tags = tags.iter().filter(|tags| tags.file != document.file).map(|tags| tags.source());
    let sources: Vec<_> = std::iter::once(document.source()).chain(tags).collect();
    let Ok(outline) = Outline::read(&sources) else { return Vec::new() };
    let names = outline.rule_sets.into_iter().flat_map(|rule_set| rule_set.headers);
    let foreign = names.filter(|name| !owned.contains(name));
    foreign.map(|name| finding(document, &name, owned)).collect()
}

fn finding(document: &Document, name: &str, owned: &[String]) -> Finding {
    let meant = nearest(name, owned.iter().map(String::as_str));
    let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    let owned = owned.join(", ");
    let expected = format!(
        "one of {owned}, or {name} added to the ownedHeaders of every Envoy's filter, and then to --owned{meant}"
    );
    let found = format!("the header {name}, which the rules set");
    match place(&document.text, name) {
        Some(span) => {
            let (severity, code, path) = (Severity::Error, "not-owned", String::new());
            let problem = Problem { source: 0, severity, code, path, span, found, expected };
            Finding::of(problem, &document.file, &Lines::of(&document.text))
        }
        // The default variant header is set without being named.
        None => Finding::about(&document.file, "not-owned", found, &expected),
    }
}

/// Where a document first names the header, in any case.
fn place(text: &[u8], name: &str) -> Option<Range<usize>> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let mut windows = text.windows(name.len().max(1)).enumerate();
    let whole = |start: usize| {
        let before = start.checked_sub(1).and_then(|at| text.get(at));
        !before.is_some_and(part) && !text.get(start.saturating_add(name.len())).is_some_and(part)
    };
    let (start, _) = windows.find(|(start, found)| found.eq_ignore_ascii_case(name.as_bytes()) && whole(*start))?;
    Some(start..start.saturating_add(name.len()))
}

#[cfg(test)]
mod tests {
    use graylane_rules::Format;

    use super::*;

    fn document(file: &str, text: &str) -> Document {
        Document { file: file.to_owned(), format: Format::Yaml, text: text.as_bytes().to_vec() }
    }

    #[test]
    fn every_document_is_looked_at_and_broken_ones_and_locks_are_passed_over() {
        let rules = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: shop}\nspec:\n  variants: [a]\n  \
                     default: a\n  rules: [{id: r, variant: a, set: {x-flags: b}, when: {audience: beta}}]\n";
        let documents = [
            document("a.yaml", rules),
            document("b.yaml", &rules.replace("variants", "variant")),
            document("c.yaml", "apiVersion: graylane.dev/v1\nkind: AllocationLock\n"),
            document("d.yaml", &rules.replace("spec:", "spec:\n  output: {variantHeader: x-d}")),
        ];
        let found = |owned: &[&str]| {
            let findings = headers(&documents, &owned.iter().map(ToString::to_string).collect::<Vec<_>>());
            findings.iter().map(|finding| format!("{}: {}", finding.file, finding.found)).collect::<Vec<_>>()
        };
        assert_eq!(
            found(&["x-gray-variant", "x-d"]),
            ["a.yaml: the header x-flags, which the rules set", "d.yaml: the header x-flags, which the rules set"]
        );
        assert_eq!(
            found(&["x-flags"]),
            ["a.yaml: the header x-gray-variant, which the rules set", "d.yaml: the header x-d, which the rules set"]
        );
        assert!(found(&["x-flags", "x-d", "x-gray-variant"]).is_empty() && found(&[]).is_empty());
    }

    #[test]
    fn the_place_and_the_near_name_are_told() {
        let rules = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: shop}\nspec:\n  variants: [a]\n  \
                     default: a\n  rules: [{id: r, variant: a, set: {my-x-flag: b, X-Flag: b}}]\n";
        let findings = headers(&[document("a.yaml", rules)], &["x-flags".to_owned(), "my-x-flag".to_owned()]);
        let told: Vec<_> = findings.iter().map(|finding| (finding.line, finding.column)).collect();
        assert_eq!(told, [(7, 51), (0, 0)], "{findings:?}");
        assert!(findings[0].expected.ends_with("; did you mean x-flags?"), "{}", findings[0].expected);
    }
}
