//! Moving in: what other systems are configured with, as rule sets, and a report of what that could not say.

pub mod document;
pub mod higress;
pub mod identity;
pub mod nginx;
mod pattern;
pub mod report;
pub mod source;

use std::fmt;

use document::RuleSet;
use identity::Identity;
use report::Report;
use source::Place;

use crate::finding::one_line;

/// What an import comes to.
#[derive(Debug, Default)]
pub struct Imported {
    /// The rule sets, each a document of its own.
    pub rule_sets: Vec<RuleSet>,
    /// What is to be said about them.
    pub report: Report,
}

/// What the operator chooses, where the source says nothing.
#[derive(Clone, Debug)]
pub struct Choices {
    /// What buckets requests.
    pub identity: Vec<Identity>,
    /// Where the variant goes.
    pub variant_header: String,
}

/// A source that is wrong in itself.
#[derive(Debug)]
pub struct Broken {
    file: String,
    place: Place,
    why: String,
}

impl Broken {
    fn new(file: &str, place: Place, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), place, why: why.into() }
    }
}

/// `FILE:LINE:COLUMN WHY`, always one line.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, why } = self;
        let place = if place.line == 0 { String::new() } else { format!(":{}:{}", place.line, place.column) };
        f.write_str(&one_line(&format!("{file}{place}: {why}")))
    }
}
