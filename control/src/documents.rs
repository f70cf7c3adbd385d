//! The documents of one namespace: finding, reading and compiling them.

mod foreign;
mod gathered;

use std::path::PathBuf;

use graylane_rules::{Format, Snapshot, Source, compile};

use crate::{failure::Failure, finding::Finding};

pub use gathered::{Gathered, in_directory, is_document, is_hidden};

/// One document, read.
#[derive(Debug)]
pub struct Document {
    /// The file it came from, as messages name it.
    pub file: String,
    /// How it is written, by the file's extension.
    pub format: Format,
    /// What stands in it.
    pub text: Vec<u8>,
}

impl Document {
    fn source(&self) -> Source<'_> {
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
}

/// Compiles what was gathered and places every problem in its file. `owned` are all the headers the documents may set;
/// with none given, they may set any.
///
/// # Errors
/// Every finding, warnings included: what could not be read hides nothing of what could.
pub fn compiled(gathered: &Gathered, owned: &[String]) -> Result<Compiled, Vec<Finding>> {
    let documents = &gathered.documents;
    let sources: Vec<_> = documents.iter().map(Document::source).collect();
    let place = |problem: graylane_rules::Problem| {
        let document = documents.get(problem.source)?;
        Some(Finding::of(problem, &document.file, &document.text))
    };
    let (snapshot, problems) = match compile(&sources) {
        Ok(done) => (Some(done.snapshot), done.warnings),
        Err(problems) => (None, problems),
    };
    let mut findings = gathered.unreadable.clone();
    findings.extend(problems.into_iter().filter_map(place));
    findings.extend(foreign::headers(documents, owned));
    match snapshot.filter(|_| !findings.iter().any(Finding::is_error)).map(Snapshot::load) {
        Some(Ok(snapshot)) => Ok(Compiled { snapshot, warnings: findings }),
        Some(Err(why)) => {
            findings.push(Finding::about("snapshot", "unusable", why.to_string(), "a snapshot that loads"));
            Err(findings)
        }
        None => Err(findings),
    }
}

/// Reads and compiles the files and directories of a command line; warnings go to stderr.
///
/// # Errors
/// Every finding, those about what cannot be read included.
pub fn snapshot(paths: &[PathBuf]) -> Result<Snapshot, Failure> {
    let gathered = Gathered::of(paths);
    let compiled = compiled(&gathered, &[]).map_err(|findings| refusal(&gathered, &findings))?;
    for warning in &compiled.warnings {
        eprintln!("{warning}");
    }
    Ok(compiled.snapshot)
}

fn refusal(gathered: &Gathered, findings: &[Finding]) -> Failure {
    let lines: Vec<_> = findings.iter().map(|finding| format!("  {finding}")).collect();
    let lines = lines.join("\n");
    if gathered.unreadable.is_empty() {
        Failure::refused(format!("the documents do not compile\n{lines}"))
    } else {
        Failure::unable(format!("the documents cannot all be read\n{lines}"))
    }
}
