//! What is wrong with a manifest, and where.

use std::{collections::BTreeSet, fmt::Display, ops::Range};

use graylane_rules::{Problem, Severity};

use crate::api::Misfit;

/// What is said behind what would be right, where a name is near to what was found.
pub(crate) fn meant(near: Option<impl Display>) -> String {
    near.map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// The problems of one file.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// What keeps something from having the effect it is written for.
    pub fn error(&mut self, code: &'static str, path: &str, span: &Range<usize>, found: String, expected: &str) {
        self.push(Severity::Error, code, path, span, found, expected);
    }

    /// What has an effect, but perhaps another than meant, or not for ever.
    pub fn warning(&mut self, code: &'static str, path: &str, span: &Range<usize>, found: String, expected: &str) {
        self.push(Severity::Warning, code, path, span, found, expected);
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &str,
        span: &Range<usize>,
        found: String,
        expected: &str,
    ) {
        let (path, expected) = (path.to_owned(), expected.to_owned());
        self.problems.push(Problem { source: 0, severity, code, path, span: span.clone(), found, expected });
    }

    /// What does not fit the value at the path `above`.
    pub(crate) fn misfit(&mut self, severity: Severity, code: &'static str, above: &str, misfit: &Misfit) {
        let dot = if misfit.path.is_empty() { "" } else { "." };
        let path = format!("{above}{dot}{}", misfit.path);
        self.push(severity, code, &path, &misfit.span, misfit.found.clone(), &misfit.expected);
    }

    /// Takes over what another reading of the same file found, but for problems of this kind.
    pub(crate) fn absorb(&mut self, other: Report, but: &str) {
        self.problems.extend(other.problems.into_iter().filter(|problem| problem.code != but));
    }

    /// Where errors begin.
    pub(crate) fn errors(&self) -> BTreeSet<usize> {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error);
        errors.map(|problem| problem.span.start).collect()
    }

    /// All of them, in the order of the file.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.span.start, problem.severity != Severity::Error));
        self.problems
    }
}
