//! Reading a backup, and finding out whether it is whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, BufRead, Seek, SeekFrom},
};

use graylane_rules::Revision;
use sha2::{Digest as _, Sha256};

use super::{Header, NotTaken, is_label};
use crate::{Digest, Listing, MANIFEST_LIMIT, Manifest, Object, PIECE_LIMIT};

/// The longest line, in bytes.
const LINE_LIMIT: u64 = 4_096;

/// The most bytes of pieces before the manifest that refers to them: what may be listings is held until that tells. A revision
/// has documents of 64 MiB, and a snapshot.
const RECENT_LIMIT: usize = 192 << 20;

/// The latest epoch that a clock may have said, in milliseconds since 1970: the year 2200. One that is later would leave no number
/// for what comes after it.
pub(super) const EPOCH_LIMIT: u64 = 7_258_118_400_000;

/// Why a backup cannot be used.
#[derive(Debug)]
pub enum Unreadable {
    /// It cannot be read.
    Io(io::Error),
    /// It is not what it should be: where, found and expected.
    Wrong(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(why) => why.fmt(f),
            Self::Wrong(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for Unreadable {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

/// What is in a backup that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// What it says of itself.
    pub header: Header,
    /// How many pieces there are.
    pub pieces: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// One entry of a backup, as it is read.
pub(super) enum Entry {
    Piece(Digest, Vec<u8>),
    Manifest(Revision, Vec<u8>),
}

/// Where something stands in a backup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    at: u64,
    length: usize,
}

impl Span {
    /// What stands there.
    pub(super) fn read(self, backup: &mut (impl BufRead + Seek)) -> io::Result<Vec<u8>> {
        backup.seek(SeekFrom::Start(self.at))?;
        let mut bytes = vec![0; self.length];
        backup.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a backup to its end and checks every digest, the chain, and that every piece is there.
///
/// # Errors
/// Where it is not whole.
pub fn verify_backup(input: &mut impl BufRead) -> Result<Contents, Unreadable> {
    let mut reader = Reader::open(input)?;
    while reader.next()?.is_some() {}
    reader.ended()?;
    Ok(reader.contents())
}

/// A backup, while it is read.
pub(super) struct Reader<'r, R> {
    reading: Reading<'r, R>,
    header: Header,
    seen: Seen,
}

impl<'r, R: BufRead> Reader<'r, R> {
    /// Reads what it says of itself.
    pub(super) fn open(input: &'r mut R) -> Result<Self, Unreadable> {
        let mut reading = Reading { input, hash: Sha256::new(), at: 0 };
        Ok(Self { header: reading.header()?, reading, seen: Seen::default() })
    }

    /// The next entry; what is behind it may still be wrong. None at the end of a backup that is whole.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, Unreadable> {
        let Self { reading, header, seen } = self;
        let (before, line) = (reading.digest(), reading.line()?);
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["piece", digest, length] => {
                let (digest, bytes) = reading.block(digest, length, PIECE_LIMIT)?;
                seen.piece(digest, &bytes).map_err(|why| reading.wrong(&why))?;
                Ok(Some(Entry::Piece(digest, bytes)))
            }
            ["manifest", revision, digest, length] => {
                let revision = revision.parse().map_err(|why| reading.wrong(&format!("found {revision:?}, {why}")))?;
                let (digest, bytes) = reading.block(digest, length, MANIFEST_LIMIT)?;
                seen.manifest(header, revision, digest, &bytes).map_err(|why| reading.wrong(&why))?;
                Ok(Some(Entry::Manifest(revision, bytes)))
            }
            ["end", digest] if before.to_string() == *digest => {
                seen.end(header).map_err(|why| reading.wrong(&why))?;
                Ok(None)
            }
            ["end", digest] => Err(reading.wrong(&format!("found the digest {digest}, expected {before}"))),
            _ => Err(reading.wrong(&format!("found {line:?}, expected piece, manifest or end"))),
        }
    }

    /// Where the last entry stands, which is of so many bytes.
    pub(super) fn span_of(&self, length: usize) -> Span {
        // Behind it is the end of its line.
        let behind = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
        Span { at: self.reading.at.saturating_sub(behind), length }
    }

    /// That nothing stands behind the end.
    fn ended(&mut self) -> Result<(), Unreadable> {
        if self.reading.input.fill_buf()?.is_empty() {
            return Ok(());
        }
        Err(self.reading.wrong("found something behind the end, expected the end of the file"))
    }

    /// What was in it.
    pub(super) fn contents(self) -> Contents {
        let Self { header, seen, .. } = self;
        Contents { header, pieces: seen.pieces.len(), bytes: seen.bytes }
    }
}

struct Reading<'r, R> {
    input: &'r mut R,
    hash: Sha256,
    at: u64,
}

impl<R: BufRead> Reading<'_, R> {
    fn wrong(&self, why: &str) -> Unreadable {
        Unreadable::Wrong(format!("byte {}: {why}", self.at))
    }

    fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.at = self.at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    fn header(&mut self) -> Result<Header, Unreadable> {
        let line = self.line()?;
        let header: Header =
            serde_json::from_str(&line).map_err(|why| self.wrong(&format!("found no backup ({why}), expected one")))?;
        if !is_label(&header.label) {
            return Err(self.wrong(&NotTaken::Label(header.label).to_string()));
        }
        Ok(header)
    }

    fn line(&mut self) -> Result<String, Unreadable> {
        let mut line = Vec::new();
        io::Read::take(&mut *self.input, LINE_LIMIT).read_until(b'\n', &mut line)?;
        let text = line.strip_suffix(b"\n").and_then(|line| String::from_utf8(line.to_vec()).ok());
        let text = text.ok_or_else(|| self.wrong("found the end, or no line of text, expected a line"))?;
        self.take(&line);
        Ok(text)
    }

    fn block(&mut self, digest: &str, length: &str, limit: usize) -> Result<(Digest, Vec<u8>), Unreadable> {
        let digest: Digest = digest.parse().map_err(|why: String| self.wrong(&why))?;
        let length = length.parse::<usize>().ok().filter(|length| *length <= limit);
        let length = length.ok_or_else(|| self.wrong(&format!("found no length, expected one up to {limit}")))?;
        let mut bytes = vec![0; length.saturating_add(1)];
        io::Read::read_exact(&mut *self.input, &mut bytes).map_err(|_| self.wrong("found the end, expected bytes"))?;
        self.take(&bytes);
        if bytes.pop() != Some(b'\n') {
            return Err(self.wrong("found another byte, expected the end of a line"));
        }
        match Digest::of(&bytes) {
            found if found == digest => Ok((digest, bytes)),
            found => Err(self.wrong(&format!("found the digest {found}, expected {digest}"))),
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Seen {
    /// The size of each piece, by its digest.
    pieces: BTreeMap<Digest, u64>,
    bytes: u64,
    manifests: usize,
    last: Option<(Revision, Digest)>,
    /// The pieces that may be listings, until the manifest behind them tells, and how many bytes they are.
    recent: BTreeMap<Digest, Vec<u8>>,
    held: usize,
    listings: BTreeSet<Digest>,
}

impl Seen {
    fn piece(&mut self, digest: Digest, bytes: &[u8]) -> Result<(), String> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.pieces.insert(digest, size);
        self.bytes = self.bytes.saturating_add(size);
        self.held = self.held.saturating_add(bytes.len());
        if self.held > RECENT_LIMIT {
            return Err(format!(
                "found {} bytes of pieces without a manifest, expected at most {RECENT_LIMIT}",
                self.held
            ));
        }
        self.recent.insert(digest, bytes.to_vec());
        Ok(())
    }

    fn manifest(&mut self, of: &Header, revision: Revision, digest: Digest, bytes: &[u8]) -> Result<(), String> {
        let manifest = Manifest::read(bytes)?;
        if manifest.revision != revision || manifest.namespace != of.namespace {
            let found = format!("found the manifest of {} of {}", manifest.revision, manifest.namespace);
            return Err(format!("{found}, expected that of {revision} of {}", of.namespace));
        }
        if revision.epoch > EPOCH_LIMIT {
            return Err(format!(
                "found the revision {revision}, expected an epoch up to {EPOCH_LIMIT}: milliseconds since 1970"
            ));
        }
        let previous = manifest.previous.map(|link| (link.revision, link.manifest));
        if let Some((before, _)) = previous.filter(|(before, _)| *before >= revision) {
            return Err(format!("found that {revision} follows {before}, expected an older one"));
        }
        match self.last {
            None if revision == of.first => {}
            None => return Err(format!("found {revision} first, expected {}", of.first)),
            last if previous == last => {}
            _ => return Err(format!("found that {revision} follows something else, expected one chain")),
        }
        self.refers_to(&manifest.snapshot.object)?;
        self.refers_to(&manifest.documents)?;
        self.listed(&manifest)?;
        self.last = Some((revision, digest));
        self.manifests = self.manifests.saturating_add(1);
        self.recent.clear();
        self.held = 0;
        Ok(())
    }

    /// Checks what the listing of a manifest refers to; one that was checked before still is.
    fn listed(&mut self, manifest: &Manifest) -> Result<(), String> {
        if !self.listings.insert(manifest.documents.sha256) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for digest in manifest.documents.pieces() {
            // It stood before a manifest further up, as part of another listing. Whoever restores asks the store for all of it.
            let Some(piece) = self.recent.get(&digest) else { return Ok(()) };
            bytes.extend_from_slice(piece);
        }
        let listing: Listing = serde_json::from_slice(&bytes).map_err(|why| format!("found no listing ({why})"))?;
        listing.0.iter().try_for_each(|entry| self.refers_to(&entry.object))
    }

    fn refers_to(&self, object: &Object) -> Result<(), String> {
        object.expect_as_cut()?;
        let mut size = 0_u64;
        for digest in object.pieces() {
            let missing = || format!("found no piece {digest}, expected it before the manifest that refers to it");
            size = size.saturating_add(*self.pieces.get(&digest).ok_or_else(missing)?);
        }
        if size != object.size {
            return Err(format!("found {size} bytes of {}, expected {}", object.sha256, object.size));
        }
        Ok(())
    }

    fn end(&self, of: &Header) -> Result<(), String> {
        let (found, expected) = (self.manifests, of.revisions);
        if found != expected {
            return Err(format!("found {found} revisions, expected {expected}"));
        }
        match self.last {
            Some((revision, digest)) if revision == of.last && digest == of.head => Ok(()),
            _ => Err(format!("found another head, expected {} with the manifest {}", of.last, of.head)),
        }
    }
}
