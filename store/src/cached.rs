//! A store whose pieces are kept in memory: they never change, and the last revisions' are asked for again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use graylane_rules::Revision;

use crate::{Advance, Board, Digest, Ground, Head, Piece, Stamped, Store, StoreError};

/// A store, and pieces that were read from it or put there.
#[derive(Debug)]
pub struct Cached {
    store: Arc<dyn Store>,
    limit: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    pieces: HashMap<Digest, Arc<[u8]>>,
    /// The oldest first.
    order: VecDeque<Digest>,
    bytes: usize,
}

impl Cached {
    /// Keeps at most `limit` bytes of pieces of `store`.
    pub fn new(store: Arc<dyn Store>, limit: usize) -> Self {
        Self { store, limit, kept: Mutex::default() }
    }

    fn keep(&self, digest: Digest, bytes: &[u8]) {
        // A piece that is not what it should be is not to be found again.
        if bytes.len() > self.limit || Digest::of(bytes) != digest {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.pieces.insert(digest, bytes.into()).is_none() {
            kept.order.push_back(digest);
            kept.bytes = kept.bytes.saturating_add(bytes.len());
        }
        while kept.bytes > self.limit {
            let Some(oldest) = kept.order.pop_front() else { break };
            let freed = kept.pieces.remove(&oldest).map_or(0, |piece| piece.len());
            kept.bytes = kept.bytes.saturating_sub(freed);
        }
    }

    fn drop_all(&self, pieces: &[Stamped]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in pieces {
            let freed = kept.pieces.remove(&piece.digest).map_or(0, |piece| piece.len());
            kept.bytes = kept.bytes.saturating_sub(freed);
        }
        let Kept { pieces, order, .. } = &mut *kept;
        order.retain(|digest| pieces.contains_key(digest));
    }

    fn known(&self, digest: &Digest) -> Option<Vec<u8>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pieces.get(digest).map(|piece| piece.to_vec())
    }
}

#[async_trait]
impl Store for Cached {
    fn place(&self) -> &str {
        self.store.place()
    }

    async fn ground(&self, namespace: &str) -> Result<Ground, StoreError> {
        self.store.ground(namespace).await
    }

    async fn put(&self, pieces: &[Piece]) -> Result<(), StoreError> {
        self.store.put(pieces).await?;
        pieces.iter().for_each(|piece| self.keep(piece.digest, &piece.bytes));
        Ok(())
    }

    async fn piece(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(known) = self.known(digest) {
            return Ok(Some(known));
        }
        let found = self.store.piece(digest).await?;
        if let Some(bytes) = &found {
            self.keep(*digest, bytes);
        }
        Ok(found)
    }

    async fn advance(&self, namespace: &str, on: &Ground, next: &Head, manifest: &[u8]) -> Result<Advance, StoreError> {
        self.store.advance(namespace, on, next, manifest).await
    }

    async fn record(&self, namespace: &str, manifests: &[(Revision, Vec<u8>)]) -> Result<(), StoreError> {
        self.store.record(namespace, manifests).await
    }

    async fn manifest(&self, namespace: &str, revision: Revision) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.manifest(namespace, revision).await
    }

    async fn revisions(
        &self,
        namespace: &str,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        self.store.revisions(namespace, before, limit).await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        self.store.namespaces().await
    }

    async fn changed(&self, namespace: &str, known: Option<&Head>) -> Result<Option<Head>, StoreError> {
        self.store.changed(namespace, known).await
    }

    async fn forget(&self, namespace: &str, revisions: &[Revision]) -> Result<(), StoreError> {
        self.store.forget(namespace, revisions).await
    }

    async fn stock(&self) -> Result<Vec<Stamped>, StoreError> {
        self.store.stock().await
    }

    async fn next_generation(&self) -> Result<(), StoreError> {
        self.store.next_generation().await
    }

    async fn remove(&self, pieces: &[Stamped]) -> Result<usize, StoreError> {
        let removed = self.store.remove(pieces).await;
        // Those that were put again since are read again.
        self.drop_all(pieces);
        removed
    }

    fn board(&self) -> Option<Arc<dyn Board>> {
        self.store.board()
    }
}
