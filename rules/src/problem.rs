//! What is wrong with a document, and where.

use std::{fmt, ops::Range};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The documents are used as they are.
    Warning,
    /// Nothing of the documents is used.
    Error,
}

/// One thing that is wrong with one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which of the sources given to [`compile`](crate::compile()), from 0.
    pub source: usize,
    /// Whether the documents can still be used.
    pub severity: Severity,
    /// A stable name for the kind of problem, in kebab case: `unknown-field`.
    pub code: &'static str,
    /// Where in the document: `spec.rules[2].when.header.name`. Empty for the document itself.
    pub path: String,
    /// The bytes of the source it is about.
    pub span: Range<usize>,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "found {}, expected {}", self.found, self.expected)
    }
}
