//! Reading documents: all that can be read, and a finding for each that cannot.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use graylane_rules::{DOCUMENT_LIMIT, Format};
use graylane_store::Overlay;

use super::Document;
use crate::{finding::Finding, found::said, overrides::Overriding};

/// The most bytes of all documents of a namespace together.
pub const NAMESPACE_LIMIT: usize = 64 << 20;

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The documents, in the order in which they were named; those of a directory by name.
    pub documents: Vec<Document>,
    /// An error for each file or directory that gave none.
    pub unreadable: Vec<Finding>,
    /// The paths that named them.
    pub paths: Vec<PathBuf>,
    /// How many of the documents were named, or stand in a directory that was. Behind them stand the locks found beside them.
    pub named: usize,
    /// The revision that they are of; None where they stand in files.
    pub revision: Option<String>,
    /// What stands above them.
    pub overlay: Overlay,
    bytes: usize,
}

impl Gathered {
    /// What the paths of a command line name: files, and directories of them. The lock file beside each belongs to it, also
    /// where nobody mentions it: without it, a split would have other ranges than where its directory is served.
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut gathered = Self { paths: paths.to_vec(), ..Self::default() };
        for path in paths {
            if path.is_dir() { gathered.take_directory(path) } else { gathered.take_file(path) }
        }
        gathered.named = gathered.documents.len();
        gathered.unnamed_locks().iter().for_each(|lock| gathered.take_file(lock));
        gathered
    }

    /// Documents that were given as they are, and not by files.
    pub fn given(documents: Vec<Document>) -> Self {
        Self { named: documents.len(), documents, ..Self::default() }
    }

    /// What stands in a directory.
    pub fn directory(path: &Path) -> Self {
        let mut gathered = Self { paths: vec![path.to_owned()], ..Self::default() };
        gathered.take_directory(path);
        gathered.named = gathered.documents.len();
        gathered
    }

    /// The same, which are those of a revision.
    pub fn of_revision(self, revision: String) -> Self {
        Self { revision: Some(revision), ..self }
    }

    /// The same under what stands above them.
    pub fn under(self, overlay: Overlay) -> Self {
        Self { overlay, ..self }
    }

    /// The overrides of switches that stand above them.
    pub fn overriding(&self) -> Overriding {
        let of = self.revision.as_ref().map(|revision| format!("#{revision}")).unwrap_or_default();
        Overriding { name: format!("switches{of}"), text: self.overlay.switches.clone() }
    }

    fn unnamed_locks(&self) -> Vec<PathBuf> {
        let files = || self.documents.iter().map(|document| document.file.as_str());
        let named: BTreeSet<PathBuf> = files().filter_map(|file| Path::new(file).canonicalize().ok()).collect();
        let unnamed = |path: &PathBuf| path.canonicalize().is_ok_and(|path| !named.contains(&path));
        files().flat_map(locks_beside).filter(unnamed).collect()
    }

    fn take_directory(&mut self, path: &Path) {
        match in_directory(path) {
            // Emptied by mistake or half way through a copy is likelier than meant.
            Ok(files) if files.is_empty() => {
                self.lack(path, "no-documents", "no document", "at least one *.yaml, *.yml or *.json in it");
            }
            Ok(files) => files.iter().for_each(|file| self.take_file(file)),
            Err(why) => {
                let expected = "a directory of *.yaml, *.yml or *.json documents that can be read";
                self.lack(path, "unreadable", said(&why), expected);
            }
        }
    }

    fn take_file(&mut self, path: &Path) {
        let Some(format) = format_of(path) else {
            // What is not there needs no other name.
            if let Err(why) = std::fs::metadata(path) {
                return self.lack(path, "unreadable", said(&why), "a document, or a directory of them");
            }
            let expected = "one that ends in .yaml, .yml or .json";
            return self.lack(path, "unknown-format", "a name that tells no format", expected);
        };
        match read(path) {
            Ok(text) if text.len() > NAMESPACE_LIMIT.saturating_sub(self.bytes) => {
                let expected = format!("at most {NAMESPACE_LIMIT} bytes of documents in a namespace");
                self.lack(path, "too-large", "more than that with this one", &expected);
            }
            Ok(text) => {
                self.bytes = self.bytes.saturating_add(text.len());
                self.documents.push(Document { file: path.display().to_string(), format, text });
            }
            Err(why) => self.lack(path, "unreadable", said(&why), "a file that can be read"),
        }
    }

    fn lack(&mut self, path: &Path, code: &'static str, found: impl Into<String>, expected: &str) {
        self.unreadable.push(Finding::about(&path.display().to_string(), code, found, expected));
    }
}

/// Where the lock of the rule set in `file` may stand, the usual place first: `checkout.lock.yaml` beside `checkout.yaml`.
pub fn locks_beside(file: &str) -> Vec<PathBuf> {
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if stem.ends_with(".lock") {
        return Vec::new();
    }
    ["yaml", "yml", "json"].map(|format| path.with_file_name(format!("{stem}.lock.{format}"))).to_vec()
}

/// The paths of the documents in `directory`, by name: `*.yaml`, `*.yml` and `*.json`, not hidden, not recursive.
///
/// # Errors
/// Where the directory cannot be listed.
pub fn in_directory(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        // A dangling link or a directory counts: leaving it out in silence could drop a rule set.
        if is_document(&path) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file of this name is read as a document of the directory that it is in.
pub fn is_document(path: &Path) -> bool {
    !is_hidden(path) && format_of(path).is_some()
}

/// Whether a file of this name is none of those that are served: an editor's own, a draft, a link that is swapped.
pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// How a document is written, by the extension of its file.
pub fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "yaml" | "yml" => Some(Format::Yaml),
        "json" => Some(Format::Json),
        _ => None,
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    // Opening a pipe would wait for whoever writes into it.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("no regular file"));
    }
    // A byte more than a document may have, so that `rules` sees that it is too long and says so.
    file.take(DOCUMENT_LIMIT.saturating_add(1) as u64).read_to_end(&mut text)?;
    Ok(text)
}
