//! Reading the chain of revisions.

use std::fmt;

use graylane_rules::Revision;

use crate::{Digest, Head, Manifest, Store, StoreError};

/// So many revisions are named where one is not there.
const NAMED: usize = 3;

/// The range of revisions that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The newest.
    pub last: Revision,
    /// How many.
    pub count: usize,
    /// The oldest.
    pub first: Revision,
}

/// A revision that is not there, and those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKept {
    /// The one that was asked for.
    pub revision: Revision,
    /// Those that are there; None: none at all.
    pub kept: Option<Kept>,
    /// Some of them, next to the one that was asked for.
    pub near: Vec<Revision>,
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found no revision {}, ", self.revision)?;
        match &self.kept {
            None => f.write_str("expected one that was published: there is none yet"),
            Some(Kept { first, last, count }) if self.revision < *first => {
                let number = if *count == 1 { "1 is".to_owned() } else { format!("{count} are") };
                write!(f, "it was compacted away; expected one of those still there: {first} to {last}, {number}")
            }
            Some(Kept { first, last, .. }) => {
                let near: Vec<_> = self.near.iter().map(Revision::to_string).collect();
                write!(f, "expected one of {first} to {last}, such as {}", near.join(", "))
            }
        }
    }
}

/// The manifest of `revision`, or why there is none. A manifest that is not what stands in its place is corrupt.
///
/// # Errors
/// Where the store does not answer, or holds something else.
pub async fn manifest(
    store: &dyn Store,
    namespace: &str,
    revision: Revision,
) -> Result<Result<Manifest, NotKept>, StoreError> {
    let Some(bytes) = store.manifest(namespace, revision).await? else {
        let all = store.revisions(namespace, None, usize::MAX).await?;
        let kept = all.first().zip(all.last());
        let kept = kept.map(|(last, first)| Kept { last: *last, first: *first, count: all.len() });
        let place = all.partition_point(|other| *other > revision);
        let near = all.iter().skip(place.saturating_sub(1)).take(NAMED).copied().collect();
        return Ok(Err(NotKept { revision, kept, near }));
    };
    read(store, namespace, revision, &bytes).map(Ok)
}

/// The manifest of the head, whose digest is checked.
///
/// # Errors
/// Where the store does not answer, or holds something else.
pub async fn manifest_of(store: &dyn Store, namespace: &str, head: &Head) -> Result<Manifest, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt { place: store.place().to_owned(), why };
    let revision = head.revision;
    let bytes = store.manifest(namespace, revision).await?;
    let bytes =
        bytes.ok_or_else(|| corrupt(format!("found no manifest of {revision}, which is the head, expected it")))?;
    match Digest::of(&bytes) {
        found if found == head.manifest => read(store, namespace, revision, &bytes),
        found => Err(corrupt(format!("found the manifest {found} of {revision}, expected {}", head.manifest))),
    }
}

fn read(store: &dyn Store, namespace: &str, revision: Revision, bytes: &[u8]) -> Result<Manifest, StoreError> {
    let corrupt = |why: String| StoreError::Corrupt { place: store.place().to_owned(), why };
    let manifest = Manifest::read(bytes).map_err(|why| corrupt(format!("revision {revision}: {why}")))?;
    if manifest.revision == revision && manifest.namespace == namespace {
        return Ok(manifest);
    }
    let (found, its) = (manifest.revision, &manifest.namespace);
    Err(corrupt(format!("found the manifest of {found} of {its}, expected that of {revision} of {namespace}")))
}
