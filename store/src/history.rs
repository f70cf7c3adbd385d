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
    /// The one that the oldest of them follows; None: that is the first there ever was.
    pub follows: Option<Revision>,
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found no revision {}, ", self.revision)?;
        match &self.kept {
            None => f.write_str("expected one that was published: there is none yet"),
            Some(Kept { first, last, count }) if self.revision < *first => {
                let number = if *count == 1 { "1 is".to_owned() } else { format!("{count} are") };
                let (gone, those) = match self.was_there() {
                    Was::There => ("it was compacted away", "those still there"),
                    Was::Unknown => ("it was compacted away or never was", "those still there"),
                    Was::Never => ("there is none", "those there are"),
                };
                write!(f, "{gone}; expected one of {those}: {first} to {last}, {number}")
            }
            Some(Kept { first, last, .. }) => {
                let near: Vec<_> = self.near.iter().map(Revision::to_string).collect();
                write!(f, "expected one of {first} to {last}, such as {}", near.join(", "))
            }
        }
    }
}

/// Whether a revision that is older than those that are there ever was.
enum Was {
    There,
    Unknown,
    Never,
}

impl NotKept {
    fn was_there(&self) -> Was {
        // The numbers of an epoch begin with 1 and leave none out.
        match self.follows {
            Some(follows)
                if self.revision.number > 0 && self.revision.epoch == follows.epoch && self.revision <= follows =>
            {
                Was::There
            }
            Some(follows) if self.revision.number > 0 && self.revision < follows => Was::Unknown,
            _ => Was::Never,
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
        let follows = match &kept {
            Some(kept) if revision < kept.first => before(store, namespace, kept.first).await?,
            _ => None,
        };
        return Ok(Err(NotKept { revision, kept, near, follows }));
    };
    read(store, namespace, revision, &bytes).map(Ok)
}

/// The revision that `first` follows. Where that was compacted away meanwhile, so was what it followed.
async fn before(store: &dyn Store, namespace: &str, first: Revision) -> Result<Option<Revision>, StoreError> {
    let Some(bytes) = store.manifest(namespace, first).await? else { return Ok(Some(first)) };
    Ok(read(store, namespace, first, &bytes)?.previous.map(|link| link.revision))
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
