//! Taking a backup.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, Write},
};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Header, Kind, LABEL_LIMIT, is_label};
use crate::{Digest, Manifest, Object, Store, StoreError, listing};

/// Why there is no backup.
#[derive(Debug)]
pub enum NotTaken {
    /// The store does not answer, or holds something else than was put there.
    Store(StoreError),
    /// It cannot be written.
    Unwritten(io::Error),
    /// There is nothing to take.
    Empty(String),
    /// The label is none.
    Label(String),
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(why) => why.fmt(f),
            Self::Unwritten(why) => why.fmt(f),
            Self::Empty(namespace) => write!(f, "found nothing published in {namespace}, expected revisions"),
            Self::Label(label) => {
                write!(f, "found the label {label:?}, expected 1 to {LABEL_LIMIT} bytes without control characters")
            }
        }
    }
}

impl From<StoreError> for NotTaken {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl From<io::Error> for NotTaken {
    fn from(why: io::Error) -> Self {
        Self::Unwritten(why)
    }
}

/// Writes a backup of `namespace` to `output`: all of the revisions up to the head as it is now. Others may publish
/// meanwhile; what is compacted meanwhile is an error, and the output then no backup.
///
/// # Errors
/// Why there is none.
pub async fn take_backup(
    store: &dyn Store,
    namespace: &str,
    label: &str,
    at: Timestamp,
    output: &mut (impl Write + Send),
) -> Result<Header, NotTaken> {
    if !is_label(label) {
        return Err(NotTaken::Label(label.to_owned()));
    }
    let empty = || NotTaken::Empty(namespace.to_owned());
    let head = store.ground(namespace).await?.head.ok_or_else(empty)?;
    let mut revisions = store.revisions(namespace, None, usize::MAX).await?;
    revisions.retain(|revision| *revision <= head.revision);
    revisions.reverse();
    let first = *revisions.first().ok_or_else(empty)?;
    let header = Header {
        graylane: Kind::Backup,
        label: label.to_owned(),
        namespace: namespace.to_owned(),
        at,
        first,
        last: head.revision,
        revisions: revisions.len(),
        head: head.manifest,
    };
    let mut writing = Writing { store, output: Hashing::new(output), written: BTreeSet::new() };
    let line = serde_json::to_string(&header).map_err(io::Error::from)?;
    writeln!(writing.output, "{line}")?;
    for revision in revisions {
        let gone = || StoreError::Corrupt {
            place: store.place().to_owned(),
            why: format!("found no manifest of {revision} any more, expected it: was it compacted meanwhile?"),
        };
        let bytes = store.manifest(namespace, revision).await?.ok_or_else(gone)?;
        let corrupt = |why| StoreError::Corrupt { place: store.place().to_owned(), why };
        let manifest = Manifest::read(&bytes).map_err(corrupt)?;
        writing.pieces_of(&manifest).await?;
        writeln!(writing.output, "manifest {revision} {} {}", Digest::of(&bytes), bytes.len())?;
        writing.block(&bytes)?;
    }
    let digest = writing.output.digest();
    writeln!(writing.output, "end {digest}")?;
    writing.output.flush()?;
    Ok(header)
}

struct Writing<'s, W> {
    store: &'s dyn Store,
    output: Hashing<W>,
    written: BTreeSet<Digest>,
}

impl<W: Write> Writing<'_, W> {
    /// Writes those pieces of a revision that no earlier one had.
    async fn pieces_of(&mut self, manifest: &Manifest) -> Result<(), NotTaken> {
        self.object(&manifest.snapshot.object).await?;
        if self.written.contains(&manifest.documents.sha256) {
            return Ok(());
        }
        let listing = listing(self.store, &manifest.documents).await?;
        for entry in &listing.0 {
            self.object(&entry.object).await?;
        }
        self.object(&manifest.documents).await?;
        // An object of several pieces is no piece itself.
        self.written.insert(manifest.documents.sha256);
        Ok(())
    }

    async fn object(&mut self, object: &Object) -> Result<(), NotTaken> {
        for digest in object.pieces() {
            if !self.written.insert(digest) {
                continue;
            }
            let corrupt = |why| StoreError::Corrupt { place: self.store.place().to_owned(), why };
            let found = self.store.piece(&digest).await?;
            let bytes = found.ok_or_else(|| corrupt(format!("found no piece {digest}, expected it")))?;
            match Digest::of(&bytes) {
                found if found == digest => {}
                found => return Err(corrupt(format!("found the piece {found}, expected {digest}")).into()),
            }
            writeln!(self.output, "piece {digest} {}", bytes.len())?;
            self.block(&bytes)?;
        }
        Ok(())
    }

    fn block(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.output.write_all(b"\n")
    }
}

/// What writes, and hashes what it wrote.
pub(super) struct Hashing<W> {
    output: W,
    hash: Sha256,
}

impl<W> Hashing<W> {
    fn new(output: W) -> Self {
        Self { output, hash: Sha256::new() }
    }

    fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.output.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
