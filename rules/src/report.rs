//! Where problems are gathered, so that all of them can be told at once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
};

use crate::{Problem, Severity, near::nearest, order};

/// So many problems of one source are kept; of more, only their number. A broken document of 4 MiB must not become a
/// report of gigabytes.
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
    pub(crate) const SPEC: Path<'static> = Path { parent: Some(&Self::DOCUMENT), step: Step::Field("spec") };
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
                write!(f, "{dot}{}", shorten(name))
            }
        }
    }
}

/// `text` in one line of a message: control characters escaped, the rest of a long one left out.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

/// `a, b, c`, and of many only how many more there are.
pub(crate) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    const MOST: usize = 10;
    let more = names.len().saturating_sub(MOST);
    let mut list = names.take(MOST).map(|name| shorten(name)).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

/// So many names are compared in search of the one that was meant. More belong to a document that is no slip of the hand.
const COMPARISONS: usize = 20_000;

/// The problems of one source after the other.
#[derive(Default)]
pub(crate) struct Report {
    source: usize,
    compared: usize,
    /// Bytes of regular expressions about Unicode that were read so far, of all sources.
    pub(crate) unicode: usize,
    problems: Vec<Problem>,
    tallies: BTreeMap<usize, Tally>,
}

/// Of an unknown field that was probably meant to be another, where that would stand.
fn misspelt(problem: &Problem) -> Option<(usize, String)> {
    let key = problem.found.strip_prefix("the unknown field \"")?.strip_suffix('"')?;
    let (_, meant) = problem.expected.strip_suffix('?')?.rsplit_once("; did you mean ")?;
    Some((problem.source, format!("{}{meant}", problem.path.strip_suffix(key)?)))
}

/// How many problems one source has, kept or not.
#[derive(Default)]
struct Tally {
    errors: usize,
    warnings: usize,
}

impl Report {
    /// From here on problems are those of source number `index`.
    pub(crate) fn begin(&mut self, index: usize) {
        self.source = index;
    }

    /// The problems found, by source and place.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        // A field under another name is not missing as well.
        let misspelt: BTreeSet<_> = self.problems.iter().filter_map(misspelt).collect();
        self.problems.retain(|problem| {
            problem.code != "missing-field" || !misspelt.contains(&(problem.source, problem.path.clone()))
        });
        self.tell_the_rest();
        let key = |problem: &Problem| (problem.source, problem.code == "more", problem.span.start, problem.span.end);
        order::sort_by(&mut self.problems, |one, other| key(one).cmp(&key(other)));
        self.problems
    }

    /// Gives the syntactic problems of the present source their paths, once there is a tree to tell them.
    pub(crate) fn locate(&mut self, path_at: impl Fn(usize) -> String) {
        for problem in self.problems.iter_mut().filter(|problem| problem.source == self.source) {
            problem.path = path_at(problem.span.start);
        }
    }

    /// Replaces the paths of the present source's problems for which there is another.
    pub(crate) fn rewrite(&mut self, path: impl Fn(&str) -> Option<String>) {
        for problem in self.problems.iter_mut().filter(|problem| problem.source == self.source) {
            if let Some(path) = path(&problem.path) {
                problem.path = path;
            }
        }
    }

    /// `expected`, and the one of `names` that `found` was probably meant to be.
    pub(crate) fn or_meant<'n>(
        &mut self,
        expected: String,
        found: &str,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
    ) -> String {
        self.compared = self.compared.saturating_add(names.len());
        let meant = if self.compared > COMPARISONS { None } else { nearest(found, names) };
        match meant {
            Some(name) => format!("{expected}; did you mean {}?", shorten(name)),
            None => expected,
        }
    }

    /// How many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.tallies.values().map(|tally| tally.errors).sum()
    }

    /// Whether the present source has no error so far.
    pub(crate) fn is_sound(&self) -> bool {
        self.tallies.get(&self.source).is_none_or(|tally| tally.errors == 0)
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// For each source of which more was found than is kept, says how much more.
    fn tell_the_rest(&mut self) {
        for (&source, tally) in &self.tallies {
            for (severity, count) in [(Severity::Error, tally.errors), (Severity::Warning, tally.warnings)] {
                let more = count.saturating_sub(MOST);
                if more > 0 {
                    let (path, expected) = (String::new(), "those above mended first".to_owned());
                    let found = format!("{more} more of these");
                    self.problems.push(Problem { source, severity, code: "more", path, span: 0..0, found, expected });
                }
            }
        }
    }

    pub(crate) fn error<'m>(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        span: Range<usize>,
        found: impl Into<Cow<'m, str>>,
        expected: impl Into<Cow<'m, str>>,
    ) {
        self.push(Severity::Error, code, path, span, found.into(), expected.into());
    }

    pub(crate) fn warning<'m>(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        span: Range<usize>,
        found: impl Into<Cow<'m, str>>,
        expected: impl Into<Cow<'m, str>>,
    ) {
        self.push(Severity::Warning, code, path, span, found.into(), expected.into());
    }

    pub(crate) fn syntax(&mut self, span: Range<usize>, found: String, expected: &str) {
        self.syntax_coded("syntax", span, found, expected);
    }

    pub(crate) fn syntax_coded(&mut self, code: &'static str, span: Range<usize>, found: String, expected: &str) {
        self.error(code, &Path::DOCUMENT, span, found, expected);
    }

    /// An error at a place that was written down.
    pub(crate) fn error_at(
        &mut self,
        code: &'static str,
        path: &str,
        span: Range<usize>,
        found: String,
        expected: &str,
    ) {
        self.push(Severity::Error, code, &path, span, found.into(), expected.into());
    }

    pub(crate) fn document_error(&mut self, code: &'static str, found: String, expected: &str) {
        self.error(code, &Path::DOCUMENT, 0..0, found, expected);
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: &dyn fmt::Display,
        span: Range<usize>,
        found: Cow<'_, str>,
        expected: Cow<'_, str>,
    ) {
        let tally = self.tallies.entry(self.source).or_default();
        let count = match severity {
            Severity::Error => &mut tally.errors,
            Severity::Warning => &mut tally.warnings,
        };
        *count = count.saturating_add(1);
        if *count <= MOST {
            let (source, path) = (self.source, path.to_string());
            let (found, expected) = (found.into_owned(), expected.into_owned());
            self.problems.push(Problem { source, severity, code, path, span, found, expected });
        }
    }
}
