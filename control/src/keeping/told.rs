//! What came of it: what the API answers, and commands show.

use graylane_rules::Revision;
use graylane_store::{Compacted, Contents, Header, Restored, Verified};
use serde::{Deserialize, Serialize};

/// A backup that was taken, or looked at.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Taken {
    /// What it says of itself.
    pub backup: Header,
    /// How many pieces are in it.
    pub pieces: usize,
    /// The bytes of these.
    pub bytes: u64,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restoration {
    /// The revision that was made of it.
    pub revision: String,
    /// The revision that was the head when the backup was taken.
    pub of: String,
    /// How many revisions of the backup stand before that one now.
    pub earlier: usize,
    /// Why that is not all of them, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Verification {
    /// The oldest revision; None: there is none.
    pub first: Option<String>,
    /// The head; None: nothing is published.
    pub last: Option<String>,
    /// How many revisions there are.
    pub revisions: usize,
    /// How many pieces these refer to.
    pub pieces: usize,
    /// The bytes of these.
    pub bytes: u64,
    /// All that is not as it was put there.
    pub faults: Vec<String>,
}

/// What was removed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Compaction {
    /// How many revisions.
    pub revisions: usize,
    /// How many pieces.
    pub pieces: usize,
    /// What is left of each namespace.
    pub namespaces: Vec<Oldest>,
}

/// The oldest revision of a namespace that is left.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Oldest {
    /// The namespace.
    pub namespace: String,
    /// The revision.
    pub oldest: String,
}

impl Taken {
    /// What `contents` are.
    pub fn of(contents: Contents) -> Self {
        Self { backup: contents.header, pieces: contents.pieces, bytes: contents.bytes }
    }
}

impl Restoration {
    /// What `restored` is.
    pub fn of(restored: &Restored) -> Self {
        Self {
            revision: restored.revision.to_string(),
            of: restored.header.last.to_string(),
            earlier: restored.earlier,
            cut_short: restored.cut_short.clone(),
        }
    }
}

impl Verification {
    /// What was `found`.
    pub fn of(found: &Verified) -> Self {
        let text = |revision: Option<Revision>| revision.map(|revision| revision.to_string());
        Self {
            first: text(found.first),
            last: text(found.last),
            revisions: found.revisions,
            pieces: found.pieces,
            bytes: found.bytes,
            faults: found.faults.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Compaction {
    /// What was `done`.
    pub fn of(done: &Compacted) -> Self {
        let oldest = done.oldest.iter();
        let namespaces = oldest
            .map(|(namespace, oldest)| Oldest { namespace: namespace.clone(), oldest: oldest.to_string() })
            .collect();
        Self { revisions: done.revisions, pieces: done.pieces, namespaces }
    }
}
