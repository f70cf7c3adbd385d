//! Removing old revisions, and the pieces that none of those left refers to.
//!
//! Writers go on meanwhile. One that relies on a piece which is about to be removed has either put it after the pieces were
//! listed, so that its stamp is another one, or began before the generation was counted up, so that its transaction fails and
//! it begins again; or it refers to a revision that is there when the generation is counted up, and that one is read after.

use std::collections::BTreeSet;

use graylane_rules::Revision;

use crate::{Digest, Listing, Manifest, Object, Store, StoreError, fetch, history};

/// What compaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// How many revisions are gone.
    pub revisions: usize,
    /// How many pieces are.
    pub pieces: usize,
    /// The oldest revision that is left, by namespace.
    pub oldest: Vec<(String, Revision)>,
}

/// Keeps the last `keep` revisions of every namespace (at least one) and what they refer to. Numbers are not used again.
///
/// # Errors
/// Where the store does not answer, or something that is to be kept cannot be read: then no piece is removed.
pub async fn compact(store: &dyn Store, keep: usize) -> Result<Compacted, StoreError> {
    let mut done = Compacted { revisions: 0, pieces: 0, oldest: Vec::new() };
    // Whoever records a history meanwhile is to see that some of it may be gone again.
    store.next_generation().await?;
    for namespace in store.namespaces().await? {
        let all = store.revisions(&namespace, None, usize::MAX).await?;
        let old = all.get(keep.max(1)..).unwrap_or_default();
        store.forget(&namespace, old).await?;
        done.revisions = done.revisions.saturating_add(old.len());
    }
    let stock = store.stock().await?;
    store.next_generation().await?;
    let mut used = BTreeSet::new();
    for namespace in store.namespaces().await? {
        let revisions = store.revisions(&namespace, None, usize::MAX).await?;
        done.oldest.extend(revisions.last().map(|oldest| (namespace.clone(), *oldest)));
        let mut listings = BTreeSet::new();
        for revision in revisions {
            let Ok(manifest) = history::manifest(store, &namespace, revision).await? else { continue };
            mark(store, &manifest, &mut listings, &mut used).await?;
        }
    }
    let unused: Vec<_> = stock.into_iter().filter(|piece| !used.contains(&piece.digest)).collect();
    done.pieces = store.remove(&unused).await?;
    Ok(done)
}

/// Adds the pieces that `manifest` refers to; those of a listing that was seen already are there.
async fn mark(
    store: &dyn Store,
    manifest: &Manifest,
    listings: &mut BTreeSet<Digest>,
    used: &mut BTreeSet<Digest>,
) -> Result<(), StoreError> {
    used.extend(manifest.snapshot.object.pieces());
    if listings.insert(manifest.documents.sha256) {
        used.extend(manifest.documents.pieces());
        let listing = listing(store, &manifest.documents).await?;
        used.extend(listing.0.iter().flat_map(|entry| entry.object.pieces()));
    }
    Ok(())
}

/// Reads a listing of documents.
///
/// # Errors
/// Where the store does not answer, or holds something else.
pub async fn listing(store: &dyn Store, object: &Object) -> Result<Listing, StoreError> {
    let bytes = fetch(store, object).await?;
    serde_json::from_slice(&bytes).map_err(|why| StoreError::Corrupt {
        place: store.place().to_owned(),
        why: format!("found no list of documents ({why}), expected one"),
    })
}
