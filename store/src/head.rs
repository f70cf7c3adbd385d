//! The last revision of a namespace.

use graylane_rules::Revision;
use serde::{Deserialize, Serialize};

use crate::{Digest, StoreError};

/// What is published: which revision, and the digest of its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The revision.
    #[serde(with = "crate::revision_text")]
    pub revision: Revision,
    /// The digest of its manifest.
    pub manifest: Digest,
}

/// What a writer stands on: whoever writes next must find it as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The head of the namespace; None before the first revision.
    pub head: Option<Head>,
    /// How often pieces were about to be removed. A writer that began before that may rely on pieces that are gone.
    pub generation: u64,
}

impl Ground {
    /// That `next` is later than the head: no revision takes the place of another.
    ///
    /// # Errors
    /// Where it is not.
    pub(crate) fn expect_before(&self, next: &Head, place: &str) -> Result<(), StoreError> {
        let Some(head) = self.head.filter(|head| head.revision >= next.revision) else { return Ok(()) };
        let why = format!("found the revision {} on top of {}, expected a later one", next.revision, head.revision);
        Err(StoreError::Refused { place: place.to_owned(), why })
    }
}
