//! What a store can do.

use std::sync::Arc;

use async_trait::async_trait;
use graylane_rules::Revision;

use crate::{Board, Digest, Ground, Head, Piece, StoreError};

/// What came of an attempt to move the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The head is the new one, durably.
    Done,
    /// The ground is another one by now; nothing was written.
    Moved,
}

/// A piece that is there, and a mark that changes whenever somebody puts it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// The piece.
    pub digest: Digest,
    /// The mark.
    pub stamp: u64,
}

/// Where revisions are kept. Every method may be called from many tasks, and from many processes where the store is one that
/// several can share.
///
/// What a call that failed was to write may be there or not, but never a part of it.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Its URL, without credentials.
    fn place(&self) -> &str;

    /// The head of a namespace and the generation, as they were at one moment.
    async fn ground(&self, namespace: &str) -> Result<Ground, StoreError>;

    /// Puts pieces, whether or not they are there. They need not be durable before the next [`advance`](Self::advance) is.
    async fn put(&self, pieces: &[Piece]) -> Result<(), StoreError>;

    /// A piece as it lies there, unchecked; None where it is not there.
    async fn piece(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// In one transaction: where the ground of `namespace` still is `on`, puts `manifest` under the revision of `next`, and
    /// `next` as the head. `next` must be later than the head of `on`, or it is
    /// refused: no revision takes the place of another.
    async fn advance(&self, namespace: &str, on: &Ground, next: &Head, manifest: &[u8]) -> Result<Advance, StoreError>;

    /// Puts manifests that the head leads to, one after the other and durably so; one that is there stays.
    async fn record(&self, namespace: &str, manifests: &[(Revision, Vec<u8>)]) -> Result<(), StoreError>;

    /// A manifest as it lies there, unchecked; None where it is not there.
    async fn manifest(&self, namespace: &str, revision: Revision) -> Result<Option<Vec<u8>>, StoreError>;

    /// The revisions of a namespace that have a manifest, from the head on, the newest first: at most `limit` that are older than
    /// `before`.
    async fn revisions(
        &self,
        namespace: &str,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError>;

    /// The names of all namespaces that have a head, sorted.
    async fn namespaces(&self) -> Result<Vec<String>, StoreError>;

    /// Waits until the head of `namespace` is another one than `known`, and gives it. It may give it late, but never passes
    /// the last change by.
    async fn changed(&self, namespace: &str, known: Option<&Head>) -> Result<Option<Head>, StoreError>;

    /// Removes the manifests of these revisions; those that are not there are no error.
    async fn forget(&self, namespace: &str, revisions: &[Revision]) -> Result<(), StoreError>;

    /// All pieces that are there.
    async fn stock(&self) -> Result<Vec<Stamped>, StoreError>;

    /// Counts the generation up, so that every writer that began before has to begin again.
    async fn next_generation(&self) -> Result<(), StoreError>;

    /// Removes those of these pieces that nobody has put again since they were stamped; gives how many.
    async fn remove(&self, pieces: &[Stamped]) -> Result<usize, StoreError>;

    /// The board of all processes that share the store; None where it is one process's own.
    fn board(&self) -> Option<Arc<dyn Board>> {
        None
    }
}
