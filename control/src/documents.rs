//! The documents of one namespace: finding, reading and compiling them.

mod foreign;
mod gathered;
mod parsed;

use std::path::{Path, PathBuf};

use graylane_rules::{Automaton, Format, Off, Outline, Overlay, Parsed, Problem, Snapshot, Source, compile_under};

use crate::{
    failure::Failure,
    finding::{Finding, Lines},
    overrides::Overriding,
};

pub use gathered::{Gathered, NAMESPACE_LIMIT, format_of, in_directory, is_document, is_hidden, locks_beside};
pub use parsed::{ParsedDocument, agree};

/// The longest name of a file of a revision, in bytes.
pub const FILE_NAME_LIMIT: usize = 255;

/// One document, read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file it came from, as messages name it.
    pub file: String,
    /// How it is written, by the file's extension.
    pub format: Format,
    /// What stands in it.
    pub text: Vec<u8>,
}

impl Document {
    /// One of a revision: its file's name says how it is written, and nothing of where it was.
    ///
    /// # Errors
    /// Where the name is none that a revision may hold: found and expected.
    pub fn named(file: String, text: Vec<u8>) -> Result<Self, String> {
        let wrong = |expected: &str| format!("found the file name {file:?}, expected {expected}");
        let is_short = !file.is_empty() && file.len() <= FILE_NAME_LIMIT;
        let is_plain = is_short && !file.contains(['/', '\\', '\0']) && !file.starts_with('.');
        if !is_plain || file.chars().any(char::is_control) {
            let plain = "one without directories, of at most";
            return Err(wrong(&format!("{plain} {FILE_NAME_LIMIT} bytes, that does not begin with a dot")));
        }
        let format = format_of(Path::new(&file)).ok_or_else(|| wrong("one that ends in .yaml, .yml or .json"))?;
        Ok(Self { file, format, text })
    }

    /// The same for the compiler.
    pub fn source(&self) -> Source<'_> {
        Source { format: self.format, text: &self.text }
    }
}

/// Documents that compiled.
#[derive(Debug)]
pub struct Compiled {
    /// What Envoys load.
    pub snapshot: Snapshot,
    /// What is odd but harmless.
    pub warnings: Vec<Finding>,
    /// Which parser read what.
    pub parsed: Vec<ParsedDocument>,
    /// What its regular expressions were compiled to.
    pub automata: Vec<Automaton>,
}

/// Compiles what was gathered and places every problem in its file. `owned` are all the headers the documents may set;
/// with none given, they may set any.
///
/// # Errors
/// Every finding, warnings included: what could not be read hides nothing of what could.
pub fn compiled(gathered: &Gathered, owned: &[String]) -> Result<Compiled, Vec<Finding>> {
    compiled_with(gathered, owned, &Overriding::default())
}

/// The same, with values of switches above those of the documents, where there are any, instead of those that were published
/// with them.
///
/// # Errors
/// As [`compiled`], and every finding about the overrides.
pub fn compiled_with(gathered: &Gathered, owned: &[String], overriding: &Overriding) -> Result<Compiled, Vec<Finding>> {
    let published = gathered.overriding();
    let overriding = if overriding.text.is_empty() { &published } else { overriding };
    let documents = &gathered.documents;
    let names: Vec<&str> = gathered.overlay.off_names().into_iter().flatten().collect();
    let off = if gathered.overlay.is_all_off() { Off::All } else { Off::These(&names) };
    let sources: Vec<_> = documents.iter().map(Document::source).collect();
    let (snapshot, problems, parsed, automata) =
        match compile_under(&sources, Overlay { switches: &overriding.text, off }) {
            Ok(done) => (Some(done.snapshot), done.warnings, done.parsed, done.automata),
            Err(problems) => (None, problems, Vec::new(), Vec::new()),
        };
    let mut findings = gathered.unreadable.clone();
    if !problems.is_empty() {
        let lines = lines(documents);
        // Whatever is about none of the documents is about the overrides.
        let whole = |problem| Finding::of(problem, &overriding.name, &Lines::of(overriding.text.as_bytes()));
        let place = |problem| found_in(problem, documents, &lines).unwrap_or_else(whole);
        findings.extend(problems.into_iter().map(place));
    }
    for finding in findings.iter_mut().filter(|finding| finding.code == "lock-mismatch") {
        finding.expected = finding.expected.replace("`graylane allocate`", &allocation(&gathered.paths));
    }
    for finding in findings.iter_mut().filter(|finding| finding.found == "\"AllowList\"") {
        finding.expected.push_str("; an AllowList stands apart from the documents, for `graylane check --allow-list`");
    }
    findings.extend(foreign::headers(documents, owned));
    let sound = |bytes| Snapshot::load(bytes).and_then(|snapshot| snapshot.check_index().map(|()| snapshot));
    match snapshot.filter(|_| !findings.iter().any(Finding::is_error)).map(sound) {
        Some(Ok(snapshot)) => {
            let parsed = parsed.into_iter().filter_map(|parsed| placed(parsed, documents)).collect();
            Ok(Compiled { snapshot, warnings: findings, parsed, automata })
        }
        Some(Err(why)) => {
            findings.push(Finding::about("snapshot", "unusable", why.to_string(), "a snapshot that loads"));
            Err(findings)
        }
        None => Err(findings),
    }
}

/// A problem in the file that it is about; itself where it is about none of them. `lines` are those of the documents.
fn found_in(problem: Problem, documents: &[Document], lines: &[Lines<'_>]) -> Result<Finding, Problem> {
    let Some((document, lines)) = documents.get(problem.source).zip(lines.get(problem.source)) else {
        return Err(problem);
    };
    let mut finding = Finding::of(problem, &document.file, lines);
    if finding.code == "duplicate-name" {
        finding.found = with_file(&finding.found, documents).unwrap_or(finding.found);
    }
    Ok(finding)
}

fn lines(documents: &[Document]) -> Vec<Lines<'_>> {
    documents.iter().map(|document| Lines::of(&document.text)).collect()
}

/// `rules` knows documents by number alone, and whoever reads it by their files: `the name "a", which document 1 has`.
fn with_file(found: &str, documents: &[Document]) -> Option<String> {
    let (name, number) = found.strip_suffix(" has")?.rsplit_once(", which document ")?;
    let document = documents.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
    Some(format!("{name}, which {} has", document.file))
}

fn placed(parsed: Parsed, documents: &[Document]) -> Option<ParsedDocument> {
    let file = documents.get(parsed.source)?.file.clone();
    let (kind, parser) = (parsed.kind.to_owned(), parsed.parser.to_owned());
    Some(ParsedDocument { file, kind, name: parsed.name, tag: parsed.tag, parser })
}

/// Compiles what was gathered, with values of switches above those that it has; warnings go to stderr.
///
/// # Errors
/// Every finding, those about what cannot be read included.
pub fn snapshot(gathered: &Gathered, overriding: &Overriding) -> Result<Snapshot, Failure> {
    told(gathered, overriding).map(|compiled| compiled.snapshot)
}

/// The same with which parser read what.
///
/// # Errors
/// Every finding, those about what cannot be read included.
pub fn told(gathered: &Gathered, overriding: &Overriding) -> Result<Compiled, Failure> {
    let compiled = compiled_with(gathered, &[], overriding).map_err(|findings| refusal(gathered, &findings))?;
    for warning in &compiled.warnings {
        eprintln!("{warning}");
    }
    Ok(compiled)
}

/// Compiles what was gathered, as a command that can do nothing without it.
///
/// # Errors
/// Every finding.
pub fn sound(gathered: &Gathered) -> Result<Compiled, Failure> {
    compiled(gathered, &[]).map_err(|findings| refusal(gathered, &findings))
}

/// What the documents say, whether or not their locks fit.
///
/// # Errors
/// Every finding that is not about a lock that does not fit.
pub fn outline(gathered: &Gathered) -> Result<Outline, Failure> {
    let documents = &gathered.documents;
    let sources: Vec<_> = documents.iter().map(Document::source).collect();
    let read = Outline::read(&sources);
    let problems = match read {
        Ok(outline) if gathered.unreadable.is_empty() => return Ok(outline),
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    };
    let findings: Vec<_> = gathered.unreadable.iter().cloned().chain(findings(problems, documents)).collect();
    Err(refusal(gathered, &findings))
}

/// Problems, each placed in the document that it is about.
pub fn findings(problems: Vec<Problem>, documents: &[Document]) -> Vec<Finding> {
    let lines = lines(documents);
    problems.into_iter().filter_map(|problem| found_in(problem, documents, &lines).ok()).collect()
}

/// What documents say that compile: their locks fit.
///
/// # Errors
/// Every finding, those about what cannot be read included.
pub fn compiled_outline(gathered: &Gathered) -> Result<Outline, Failure> {
    sound(gathered)?;
    outline(gathered)
}

/// The command that makes locks fit, as it can be typed.
fn allocation(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!(" {}", path.display())).collect();
    format!("`graylane allocate{}`", paths.concat())
}

fn refusal(gathered: &Gathered, findings: &[Finding]) -> Failure {
    let failure = if gathered.unreadable.is_empty() {
        Failure::refused("the documents do not compile")
    } else {
        Failure::unable("the documents cannot all be read")
    };
    failure.because_of(findings.to_vec())
}
