//! Backups: a namespace's revisions and everything they refer to, in one file that says what is in it and can be verified
//! without a store.
//!
//! ```text
//! {"graylane":"backup","label":…,"namespace":…,"at":…,"first":…,"last":…,"revisions":…,"head":…}
//! piece SHA-256 LENGTH
//! …bytes…
//! manifest EPOCH.NUMBER SHA-256 LENGTH
//! …bytes…
//! end SHA-256                      of everything before this line
//! ```
//!
//! Pieces come before the manifest that first refers to them, manifests from the oldest to the head.

mod read;
mod restore;
mod write;

use graylane_rules::Revision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Digest;

pub use read::{Contents, Unreadable, verify_backup};
pub use restore::{By, Compile, Compiled, NotRestored, Restored, restore};
pub use write::{NotTaken, take_backup};

/// The longest label, in bytes.
pub const LABEL_LIMIT: usize = 256;

/// Whether a backup may be called so.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= LABEL_LIMIT && !text.chars().any(char::is_control)
}

/// The first line of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// `backup`: what this is.
    graylane: Kind,
    /// What whoever took it calls it.
    pub label: String,
    /// The namespace.
    pub namespace: String,
    /// When it was taken.
    pub at: Timestamp,
    /// The oldest revision in it.
    #[serde(with = "crate::revision_text")]
    pub first: Revision,
    /// The newest, which was the head.
    #[serde(with = "crate::revision_text")]
    pub last: Revision,
    /// How many there are.
    pub revisions: usize,
    /// The digest of the manifest of the newest.
    pub head: Digest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Backup,
}
