//! Where problems are gathered, so that all of them can be told at once.

use std::{fmt, ops::Range};

use crate::{Problem, Severity};

/// After so many problems the rest of a document is not worth reading.
const MOST: usize = 1_000;

/// A place in a document, as a chain from the place up to the document.
#[derive(Clone, Copy)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Document,
    Field(&'p str),
    Item(usize),
}

impl<'p> Path<'p> {
    pub(crate) const DOCUMENT: Path<'static> = Path { parent: None, step: Step::Document };

    pub(crate) fn field(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Field(name) }
    }

    pub(crate) fn item(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Item(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let above = self.parent.filter(|parent| !matches!(parent.step, Step::Document));
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Document => Ok(()),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Field(name) => {
                let dot = if above.is_some() { "." } else { "" };
                write!(f, "{dot}{name}")
            }
        }
    }
}

/// The problems of one source after the other.
#[derive(Default)]
pub(crate) struct Report {
    source: usize,
    problems: Vec<Problem>,
}

impl Report {
    /// From here on problems are those of source number `index`.
    pub(crate) fn begin(&mut self, index: usize) {
        self.source = index;
    }

    /// The problems found, by source and place.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.source, problem.span.start, problem.span.end));
        self.problems
    }

    /// Gives the syntactic problems of the present source their paths, once there is a tree to tell them.
    pub(crate) fn locate(&mut self, path_at: impl Fn(usize) -> String) {
        for problem in self.problems.iter_mut().filter(|problem| problem.source == self.source) {
            problem.path = path_at(problem.span.start);
        }
    }

    /// How many problems there are so far.
    pub(crate) fn len(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        span: Range<usize>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(Severity::Error, code, path, span, found.into(), expected.into());
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        span: Range<usize>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(Severity::Warning, code, path, span, found.into(), expected.into());
    }

    pub(crate) fn syntax(&mut self, span: Range<usize>, found: String, expected: &str) {
        self.syntax_coded("syntax", span, found, expected);
    }

    pub(crate) fn syntax_coded(&mut self, code: &'static str, span: Range<usize>, found: String, expected: &str) {
        self.error(code, &Path::DOCUMENT, span, found, expected);
    }

    pub(crate) fn document_error(&mut self, code: &'static str, found: String, expected: &str) {
        self.error(code, &Path::DOCUMENT, 0..0, found, expected);
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &Path<'_>,
        span: Range<usize>,
        found: String,
        expected: String,
    ) {
        if self.problems.len() < MOST {
            let (source, path) = (self.source, path.to_string());
            self.problems.push(Problem { source, severity, code, path, span, found, expected });
        }
    }
}
