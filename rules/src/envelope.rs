//! What travels from control to a fetcher: one line of JSON about the snapshot, then its bytes.
//!
//! The fetcher reads the line and never the content, so it can carry formats it does not know.
//! `head -1` shows a person the same thing. What the line says can be signed; checking a signature is
//! the reader's, who has the keys.

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
///
/// Unknown fields are passed over: the fetcher that reads it may be years older than the control
/// plane that wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
    /// When the line was written, in seconds since 1970; 0: not said.
    #[serde(default)]
    pub issued: u64,
    /// The last second, since 1970, in which it may be accepted; 0: for ever.
    #[serde(default)]
    pub expires: u64,
    /// Signatures of [`Head::signed_text`]; none are a line that is not signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<Signature>,
}

/// One signature of [`Head::signed_text`]. It says nothing until a reader has checked it.
///
/// Both fields are empty where they are missing, so that a signature of a later kind is one that
/// fits no key rather than an envelope nobody can read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signature {
    /// The id of the key.
    pub key: String,
    /// The Ed25519 signature, 128 lower-case hexadecimal digits.
    pub ed25519: String,
}

impl Head {
    /// The line for `snapshot`: without a date, valid for ever, not signed.
    pub fn of(namespace: &str, revision: Revision, format: u16, snapshot: &[u8]) -> Self {
        Self {
            namespace: namespace.to_owned(),
            epoch: revision.epoch,
            revision: revision.number,
            format,
            length: snapshot.len(),
            sha256: digest(snapshot),
            issued: 0,
            expires: 0,
            signatures: Vec::new(),
        }
    }

    /// What a signature is about: everything but the signatures, a field a line, each ended by `\n`.
    ///
    /// ```text
    /// graylane snapshot signature 1
    /// default
    /// 1732450000.7
    /// 1732450123
    /// 0
    /// 1
    /// 4096
    /// e3b0c442…
    /// ```
    ///
    /// That is namespace, revision, issued, expires, format, length and SHA-256. A backslash within the
    /// namespace or the digest is doubled and a line feed written as `\n`, so that no two lines differ
    /// without their texts differing. Neither occurs in a line that is accepted, since a reader
    /// compares both before; the text does not lean on that order.
    pub fn signed_text(&self) -> String {
        let line = |text: &str| text.replace('\\', "\\\\").replace('\n', "\\n");
        format!(
            "graylane snapshot signature 1\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            line(&self.namespace),
            self.revision(),
            self.issued,
            self.expires,
            self.format,
            self.length,
            line(&self.sha256),
        )
    }

    /// Puts `snapshot`, which the line must be about, behind the line.
    ///
    /// Readers refuse a line beyond 4,096 bytes: some 15 signatures.
    pub fn seal(&self, snapshot: &[u8]) -> Vec<u8> {
        // A struct of strings and integers always serialises; were that to change, an empty line is refused by every reader.
        let mut envelope = serde_json::to_vec(self).unwrap_or_default();
        envelope.push(b'\n');
        envelope.extend_from_slice(snapshot);
        envelope
    }

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

/// Puts `snapshot` into an envelope that is not signed and never expires.
pub fn seal(namespace: &str, revision: Revision, format: u16, snapshot: &[u8]) -> Vec<u8> {
    Head::of(namespace, revision, format, snapshot).seal(snapshot)
}

/// Opens an envelope: checks the line, the length and the SHA-256, and gives the snapshot's bytes.
///
/// Neither signatures nor `expires` are looked at.
///
/// # Errors
/// Anything that is not what [`Head::seal`] makes, but for unknown fields in the line.
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
mod tests;
