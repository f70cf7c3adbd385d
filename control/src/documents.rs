//! The documents of one namespace: finding, reading and compiling them.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use graylane_rules::{DOCUMENT_LIMIT, Format, Snapshot, Source, compile};

use crate::{failure::Failure, finding::Finding};

/// The most bytes of all documents of a namespace together.
const NAMESPACE_LIMIT: usize = 64 << 20;

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

/// Documents that compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The snapshot's bytes.
    pub snapshot: Vec<u8>,
    /// What is odd but harmless.
    pub warnings: Vec<Finding>,
}

/// Compiles documents and places every problem in its file.
///
/// # Errors
/// Every finding of every document, warnings included.
pub fn compiled(documents: &[Document]) -> Result<Compiled, Vec<Finding>> {
    let sources: Vec<_> =
        documents.iter().map(|document| Source { format: document.format, text: &document.text }).collect();
    let place = |problem: graylane_rules::Problem| {
        let document = documents.get(problem.source)?;
        Some(Finding::of(problem, &document.file, &document.text))
    };
    match compile(&sources) {
        Ok(done) => {
            let warnings = done.warnings.into_iter().filter_map(place).collect();
            Ok(Compiled { snapshot: done.snapshot, warnings })
        }
        Err(problems) => Err(problems.into_iter().filter_map(place).collect()),
    }
}

/// Reads and compiles the files and directories of a command line; warnings go to stderr.
///
/// # Errors
/// What cannot be read, or every finding.
pub fn snapshot(paths: &[PathBuf]) -> Result<Snapshot, Failure> {
    let compiled = compiled(&gather(paths)?).map_err(|findings| refusal(&findings))?;
    for warning in &compiled.warnings {
        eprintln!("warning: {warning}");
    }
    Snapshot::load(compiled.snapshot)
        .map_err(|why| Failure::unable(format!("the compiled snapshot is unusable: {why}")))
}

fn refusal(findings: &[Finding]) -> Failure {
    let lines: Vec<_> = findings.iter().map(|finding| format!("  {finding}")).collect();
    Failure::refused(format!("the documents do not compile\n{}", lines.join("\n")))
}

/// A file or directory that could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

/// Reads the documents a command line names: each file, and each directory's documents in the order of their names.
///
/// # Errors
/// A path that cannot be read, an extension that names no format, a directory without documents.
pub fn gather(paths: &[PathBuf]) -> Result<Vec<Document>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let listed = in_directory(path).map_err(Failure::unable)?;
            if listed.is_empty() {
                let expected = "expected at least one *.yaml, *.yml or *.json in it";
                return Err(Failure::unable(format!("{}: found no document, {expected}", path.display())));
            }
            files.extend(listed);
        } else {
            files.push(path.clone());
        }
    }
    read_all(&files).map_err(Failure::unable)
}

/// The paths of the documents in `directory`, by name: `*.yaml`, `*.yml` and `*.json`, not hidden, not recursive.
///
/// # Errors
/// Where the directory cannot be listed.
pub fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let unreadable = |why| Unreadable { path: directory.to_owned(), why };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        // A dangling link counts: leaving it out in silence would drop a rule set.
        let file = std::fs::metadata(&path).map_or(true, |metadata| metadata.is_file());
        if !hidden && file && format_of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "yaml" | "yml" => Some(Format::Yaml),
        "json" => Some(Format::Json),
        _ => None,
    }
}

/// Reads documents, in the order given.
///
/// # Errors
/// The first that cannot be read, whose name tells no format, or with which all together are too large.
pub fn read_all(files: &[PathBuf]) -> Result<Vec<Document>, Unreadable> {
    let mut total = 0_usize;
    let read = |path: &PathBuf| {
        let document = read(path, NAMESPACE_LIMIT.saturating_sub(total));
        let document = document.map_err(|why| Unreadable { path: path.clone(), why })?;
        total = total.saturating_add(document.text.len());
        Ok(document)
    };
    files.iter().map(read).collect()
}

fn read(path: &Path, left: usize) -> io::Result<Document> {
    let mut text = Vec::new();
    // A byte more than a document may have, so that `rules` sees that it is too long and says so.
    File::open(path)?.take(DOCUMENT_LIMIT.saturating_add(1) as u64).read_to_end(&mut text)?;
    if text.len() > left {
        let expected = format!("expected at most {NAMESPACE_LIMIT} bytes of documents in a namespace");
        return Err(io::Error::other(format!("found more, {expected}")));
    }
    let unknown = "found a name that tells no format, expected one that ends in .yaml, .yml or .json";
    let format = format_of(path).ok_or_else(|| io::Error::other(unknown))?;
    Ok(Document { file: path.display().to_string(), format, text })
}
