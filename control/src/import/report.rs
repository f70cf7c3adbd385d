//! What an import says: what was lost, what now means something else, what to know.

use std::fmt;

use serde::Serialize;

use super::source::Place;
use crate::finding::one_line;

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It stands in the source and not in what was written.
    Lost,
    /// It was carried over, and decides differently in the cases that are named.
    Changed,
    /// Nothing differs; it is to be known.
    Note,
}

/// One thing that is said about a place of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remark {
    /// How much it matters.
    pub kind: Kind,
    /// The file, as it was named.
    pub file: String,
    /// From 1; 0 where it is about no place in particular.
    pub line: usize,
    /// In characters, from 1; 0 as for `line`.
    pub column: usize,
    /// A stable name for what is said, in kebab case.
    pub code: &'static str,
    /// What of the source it is about: `Ingress shop-canary, canary-weight`.
    pub about: String,
    /// What becomes of it, and why.
    pub says: String,
}

/// All remarks of an import, in the order of the sources.
#[derive(Debug, Default)]
pub struct Report {
    /// The remarks.
    pub remarks: Vec<Remark>,
}

impl Report {
    /// Whether anything of the source was not carried over.
    pub fn has_losses(&self) -> bool {
        self.remarks.iter().any(|remark| remark.kind == Kind::Lost)
    }

    /// `3 lost, 2 changed, 4 notes`.
    pub fn summary(&self) -> String {
        let count = |kind| self.remarks.iter().filter(|remark| remark.kind == kind).count();
        let notes = count(Kind::Note);
        let plural = if notes == 1 { "" } else { "s" };
        format!("{} lost, {} changed, {notes} note{plural}", count(Kind::Lost), count(Kind::Changed))
    }
}

/// Where remarks about one file go.
pub struct About<'a> {
    /// The file.
    pub file: &'a str,
    /// The remarks.
    pub report: &'a mut Report,
}

impl About<'_> {
    /// Says that something was not carried over.
    pub fn lost(&mut self, place: Place, code: &'static str, about: impl Into<String>, says: impl Into<String>) {
        self.say(Kind::Lost, place, code, about.into(), says.into());
    }

    /// Says that something decides differently now.
    pub fn changed(&mut self, place: Place, code: &'static str, about: impl Into<String>, says: impl Into<String>) {
        self.say(Kind::Changed, place, code, about.into(), says.into());
    }

    /// Says what is to be known.
    pub fn note(&mut self, place: Place, code: &'static str, about: impl Into<String>, says: impl Into<String>) {
        self.say(Kind::Note, place, code, about.into(), says.into());
    }

    fn say(&mut self, kind: Kind, place: Place, code: &'static str, about: String, says: String) {
        let remark =
            Remark { kind, file: self.file.to_owned(), line: place.line, column: place.column, code, about, says };
        // One fact of several paths or groups is one fact.
        if !self.report.remarks.contains(&remark) {
            self.report.remarks.push(remark);
        }
    }
}

/// `FILE:LINE:COLUMN KIND CODE ABOUT: SAYS`, always one line.
impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.line == 0 { String::new() } else { format!(":{}:{}", self.line, self.column) };
        let kind = match self.kind {
            Kind::Lost => "lost",
            Kind::Changed => "changed",
            Kind::Note => "note",
        };
        let Self { file, code, about, says, .. } = self;
        f.write_str(&one_line(&format!("{file}{place} {kind} {code} {about}: {says}")))
    }
}
