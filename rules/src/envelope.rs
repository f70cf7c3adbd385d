//! What travels from control to a fetcher: one line of JSON about the snapshot, then its bytes.
//!
//! The fetcher reads the line and never the content, so it can carry formats it does not know.
//! `head -1` shows a person the same thing.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Revision, snapshot::SNAPSHOT_LIMIT};

/// The media type of an envelope; anything else is not one.
pub const MEDIA_TYPE: &str = "application/vnd.graylane.snapshot";

/// The longest first line that is read, in bytes.
const HEAD_LIMIT: usize = 4096;

/// The most bytes an envelope can have.
pub const LIMIT: usize = HEAD_LIMIT.saturating_add(SNAPSHOT_LIMIT);

/// What the first line says about the bytes behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Head {
    /// The namespace the snapshot is for.
    pub namespace: String,
    /// The epoch of its revision.
    pub epoch: u64,
    /// Its number within the epoch.
    pub revision: u64,
    /// The format of the snapshot behind the line.
    pub format: u16,
    /// Its size in bytes.
    pub length: usize,
    /// Its SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl Head {
    /// The revision this envelope brings.
    pub fn revision(&self) -> Revision {
        Revision { epoch: self.epoch, number: self.revision }
    }
}

/// Why an envelope was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no first line, or it is longer than 4,096 bytes.
    NoHead,
    /// The first line is not what it must be; serde's words.
    Head(String),
    /// The bytes are not as many as the line says.
    Length {
        /// Bytes that came.
        found: usize,
        /// Bytes the line promised.
        expected: usize,
    },
    /// The snapshot is larger than any may be.
    TooLarge(usize),
    /// The bytes are not the ones the line is about.
    Digest,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoHead => write!(f, "found no first line within {HEAD_LIMIT} bytes, expected a line of JSON"),
            Refused::Head(why) => write!(f, "found a first line that is no envelope: {why}"),
            Refused::Length { found, expected } => {
                write!(f, "found {found} bytes behind the first line, expected {expected}")
            }
            Refused::TooLarge(found) => write!(f, "found {found} bytes, expected at most {SNAPSHOT_LIMIT}"),
            Refused::Digest => f.write_str("found bytes whose SHA-256 differs from the one in the first line"),
        }
    }
}

impl std::error::Error for Refused {}

/// Puts `snapshot` into an envelope.
pub fn seal(namespace: &str, revision: Revision, format: u16, snapshot: &[u8]) -> Vec<u8> {
    let head = Head {
        namespace: namespace.to_owned(),
        epoch: revision.epoch,
        revision: revision.number,
        format,
        length: snapshot.len(),
        sha256: digest(snapshot),
    };
    // A struct of strings and integers always serialises; were that to change, an empty line is refused by every reader.
    let mut envelope = serde_json::to_vec(&head).unwrap_or_default();
    envelope.push(b'\n');
    envelope.extend_from_slice(snapshot);
    envelope
}

/// Opens an envelope: checks the line, the length and the SHA-256, and gives the snapshot's bytes.
///
/// # Errors
/// Anything that is not exactly what [`seal`] makes.
pub fn open(envelope: &[u8]) -> Result<(Head, &[u8]), Refused> {
    let line = envelope.iter().take(HEAD_LIMIT).position(|&byte| byte == b'\n').ok_or(Refused::NoHead)?;
    let (line, rest) = envelope.split_at_checked(line).ok_or(Refused::NoHead)?;
    let snapshot = rest.get(1..).unwrap_or_default();
    let head: Head = serde_json::from_slice(line).map_err(|why| Refused::Head(why.to_string()))?;
    if snapshot.len() > SNAPSHOT_LIMIT {
        return Err(Refused::TooLarge(snapshot.len()));
    }
    if snapshot.len() != head.length {
        return Err(Refused::Length { found: snapshot.len(), expected: head.length });
    }
    if digest(snapshot) != head.sha256 {
        return Err(Refused::Digest);
    }
    Ok((head, snapshot))
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    use fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVISION: Revision = Revision { epoch: 3, number: 14 };

    #[test]
    fn what_was_sealed_opens() {
        let envelope = seal("default", REVISION, 1, b"snapshot\nbytes");
        let (head, snapshot) = open(&envelope).unwrap();
        assert_eq!(
            (head.revision(), head.namespace.as_str(), snapshot),
            (REVISION, "default", &b"snapshot\nbytes"[..])
        );
    }

    #[test]
    fn every_damage_is_refused() {
        let whole = seal("default", REVISION, 1, b"snapshot");
        for cut in 0..whole.len() {
            assert!(open(&whole[..cut]).is_err(), "cut at {cut}");
        }
        let last = whole.len() - 1;
        let mut flipped = whole.clone();
        flipped[last] ^= 1;
        assert_eq!(open(&flipped), Err(Refused::Digest));
        let mut longer = whole;
        longer.push(0);
        assert_eq!(open(&longer), Err(Refused::Length { found: 9, expected: 8 }));
        assert_eq!(open(b"<html>not found</html>"), Err(Refused::NoHead));
    }
}
