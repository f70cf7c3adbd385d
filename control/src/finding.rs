//! A problem of a document, with the place a person looks for it: file, line and column.

use std::{borrow::Cow, fmt, ops::Range, path::Path};

use graylane_rules::{Problem, Severity};
use serde::{Deserialize, Serialize};

use crate::documents::Document;

/// One thing that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Finding {
    /// The file, as it was named on the command line or found in the directory.
    pub file: String,
    /// From 1; 0 where the finding is about the file itself and not about a place in it.
    pub line: usize,
    /// In characters, from 1; 0 as for `line`.
    pub column: usize,
    /// `error`, or `warning` for what is odd but harmless.
    pub severity: Cow<'static, str>,
    /// A stable name for the kind of problem, in kebab case.
    pub code: Cow<'static, str>,
    /// Where in the document: `spec.rules[2].when`. Empty for the document itself.
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
    /// The bytes of the file it is about.
    pub span: Span,
    /// The gate that it is about, where an allow-list was asked about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

/// A gate, and what an allow-list says of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// The rule set that has the switch.
    pub rule_set: String,
    /// The name of the switch.
    pub name: String,
    /// `allow`, `audit` or `deny`; where it is not listed, the list's default.
    pub mode: Cow<'static, str>,
    /// `low`, `medium`, `high` or `critical`; null where it is not listed.
    pub risk: Option<Cow<'static, str>>,
}

/// Bytes of a file: `start` included, `end` not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Span {
    /// The first byte, from 0.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Finding {
    /// Places a problem that `rules` reported about `text`, which stands in `file`.
    pub fn of(problem: Problem, file: &str, text: &Lines<'_>) -> Self {
        let Range { start, end } = problem.span;
        let (line, column) = text.place(start);
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Self {
            file: file.to_owned(),
            line,
            column,
            severity: severity.into(),
            code: problem.code.into(),
            path: problem.path,
            found: problem.found,
            expected: problem.expected,
            span: Span { start, end },
            gate: None,
        }
    }

    /// An error about a whole file or directory.
    pub fn about(file: &str, code: &'static str, found: impl Into<String>, expected: &str) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            severity: "error".into(),
            code: code.into(),
            path: String::new(),
            found: found.into(),
            expected: expected.to_owned(),
            span: Span::default(),
            gate: None,
        }
    }

    /// A warning about a whole file, directory or option.
    pub fn odd(file: &str, code: &'static str, found: impl Into<String>, better: &str) -> Self {
        Self { severity: "warning".into(), ..Self::about(file, code, found, better) }
    }

    /// An error of a `problem` in the words `FILE: found …, expected …`; of `option` where it is in others.
    pub fn of_file(problem: &str, code: &'static str, option: &str) -> Self {
        let parts =
            problem.split_once(": found ").and_then(|(file, rest)| Some((file, rest.split_once(", expected ")?)));
        match parts {
            Some((file, (found, expected))) => Self::about(file, code, found, expected),
            None => Self::about(option, code, problem, "a file that can be used"),
        }
    }

    /// An error about `place` because of `why`, which may say `WHERE: found …, expected …` itself: one sentence of both. Where it does
    /// not say what would be right, that is `expected`; `rest` is what to know besides.
    pub fn because(place: &str, code: &'static str, why: &str, expected: &str, rest: &str) -> Self {
        let why = why.strip_prefix(place).and_then(|why| why.strip_prefix(": ")).unwrap_or(why);
        let (found, better) = parts(why);
        Self::about(place, code, found, &format!("{}; {rest}", better.unwrap_or(expected)))
    }

    /// The document that it is about, where whoever found it knew only the names of files without their directories.
    pub fn document_of<'d>(&self, documents: &'d [Document]) -> Option<&'d Document> {
        documents.iter().find(|document| Path::new(&document.file).file_name() == Some(self.file.as_ref()))
    }

    /// Whether the documents cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// What introduces the words of `expected`: an error's are a demand, a warning's advice.
    pub fn introduction(&self) -> &'static str {
        if self.is_error() { "expected" } else { "better" }
    }
}

/// `FILE:LINE:COL CODE PATH: found …, expected …` or `FILE:LINE:COL warning CODE PATH: found …, better …`, always one
/// line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.line == 0 { String::new() } else { format!(":{}:{}", self.line, self.column) };
        let space = if self.path.is_empty() { "" } else { " " };
        let severity = if self.is_error() { "" } else { "warning " };
        let Self { file, code, path, found, expected, .. } = self;
        let introduction = self.introduction();
        let line = format!("{file}{place} {severity}{code}{space}{path}: found {found}, {introduction} {expected}");
        f.write_str(&one_line(&line))
    }
}

/// What `WHERE: found …, expected …` found, with where that is, and what would be right, where it says so.
pub fn parts(why: &str) -> (String, Option<&str>) {
    let is_place = |before: &str| before.is_empty() || before.ends_with(": ");
    let Some((place, found)) = why.split_once("found ").filter(|(before, _)| is_place(before)) else {
        return (why.to_owned(), None);
    };
    let (found, expected) = match found.rsplit_once(", expected ") {
        Some((found, expected)) => (found, Some(expected)),
        None => (found, None),
    };
    match place.trim_end_matches(": ") {
        "" => (found.to_owned(), expected),
        place => (format!("{found} at {}", place.replace(": ", ", ")), expected),
    }
}

/// `text` with every character escaped that a terminal acts on or that hides or reorders others: what a document or a
/// request says must not be able to drive the terminal it is shown on.
pub fn one_line(text: &str) -> String {
    let escape =
        |letter: char| if is_active(letter) { letter.escape_default().collect() } else { String::from(letter) };
    text.chars().map(escape).collect()
}

/// Control characters, and those of formatting: zero width, line and paragraph separators, directions, the byte order mark.
pub fn is_active(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Where the lines of a text begin, to find many places in it.
pub struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Those of `text`.
    pub fn of(text: &'t [u8]) -> Self {
        let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(newlines.map(|(at, _)| at.saturating_add(1))).collect();
        Self { text, starts }
    }

    /// Line and column, from 1, of the byte at `offset`; columns count characters.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        // Bytes 10xxxxxx continue a character; this counts well in text that is not UTF-8, too.
        let before = self.text.get(start..offset).unwrap_or_default();
        let characters = before.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        (line, characters.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let place = |text, offset| Lines::of(text).place(offset);
        let text = "a: é\nbé: x\n".as_bytes();
        assert_eq!(place(text, 0), (1, 1));
        assert_eq!(place(text, 6), (2, 1));
        assert_eq!(place(text, 11), (2, 5));
        assert_eq!(place(text, 99), (3, 1));
        for offset in 0..=text.len() {
            // What the index finds, counted from the beginning.
            let before = std::str::from_utf8(&text[..offset]).ok();
            let Some(before) = before else { continue };
            let last = before.rsplit('\n').next().unwrap_or_default();
            assert_eq!(place(text, offset), (before.matches('\n').count() + 1, last.chars().count() + 1), "{offset}");
        }
    }

    #[test]
    fn what_says_itself_what_was_found_is_said_once() {
        let said =
            |why: &str| Finding::because("etcd://a:1", "store", why, "a store that answers", "we wait").to_string();
        let silent = "etcd://a:1: a:1: found no connection (refused), expected a member that listens there";
        let told = "found no connection (refused) at a:1, expected a member that listens there; we wait";
        assert_eq!(said(silent), format!("etcd://a:1 store: {told}"));
        let told = "etcd://a:1 store: found an answer that broke off, expected a store that answers; we wait";
        assert_eq!(said("found an answer that broke off"), told);
        assert_eq!(said("it is gone"), "etcd://a:1 store: found it is gone, expected a store that answers; we wait");
    }

    #[test]
    fn a_finding_is_one_line_whatever_was_found() {
        let mut finding = Finding::about("a.yaml", "unknown-field", "\"x\ny\u{1b}[2J\"", "a name");
        assert_eq!(finding.to_string(), r#"a.yaml unknown-field: found "x\ny\u{1b}[2J", expected a name"#);
        (finding.line, finding.column, finding.path) = (3, 7, "spec".to_owned());
        assert!(finding.to_string().starts_with("a.yaml:3:7 unknown-field spec: found "));
        finding.severity = "warning".into();
        let line = finding.to_string();
        assert!(line.starts_with("a.yaml:3:7 warning unknown-field spec: found ") && line.ends_with(", better a name"));
    }
}
