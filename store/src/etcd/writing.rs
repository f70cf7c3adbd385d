//! What writes.

use std::collections::BTreeMap;

use graylane_rules::Revision;

use super::{
    Etcd,
    calls::Care,
    wire::{Compare, Op, Txn},
};
use crate::{Advance, Digest, Ground, Head, Piece, Stamped, StoreError};

/// The most operations of a transaction; etcd takes 128.
const OPERATIONS: usize = 100;
/// From so many bytes of pieces on, the next ones are a transaction of their own; etcd takes 1.5 MiB.
const BYTES: usize = 512 << 10;

impl Etcd {
    /// In one transaction of four operations: where head and generation are as in `on`, puts manifest and head.
    pub(super) async fn move_head(
        &self,
        namespace: &str,
        on: &Ground,
        next: &Head,
        manifest: &[u8],
    ) -> Result<Advance, StoreError> {
        on.expect_before(next, &self.place)?;
        let key = self.keys.head(namespace);
        let head = match &on.head {
            Some(head) => Compare::value(key.clone(), encoded(head)),
            None => Compare::version(key.clone(), 0),
        };
        let compare = vec![head, Compare::version(self.keys.generation(), on.generation)];
        let success =
            vec![Op::put(self.keys.manifest(namespace, next.revision), manifest), Op::put(key, &encoded(next))];
        let answer = self.txn(&Txn { compare, success, ..Txn::default() }, Care::Once).await?;
        Ok(if answer.succeeded { Advance::Done } else { Advance::Moved })
    }

    pub(super) async fn put_pieces(&self, pieces: &[Piece]) -> Result<(), StoreError> {
        // A transaction that puts a key twice is refused.
        let pieces: BTreeMap<Digest, &[u8]> =
            pieces.iter().map(|piece| (piece.digest, piece.bytes.as_slice())).collect();
        let (mut success, mut bytes) = (Vec::new(), 0_usize);
        for (digest, content) in pieces {
            if success.len() == OPERATIONS || bytes.saturating_add(content.len()) > BYTES {
                self.all_of(&mut success).await?;
                bytes = 0;
            }
            success.push(Op::put(self.keys.piece(&digest), content));
            bytes = bytes.saturating_add(content.len());
        }
        self.all_of(&mut success).await
    }

    /// Puts a manifest where there is none.
    pub(super) async fn put_manifest(
        &self,
        namespace: &str,
        revision: Revision,
        manifest: &[u8],
    ) -> Result<(), StoreError> {
        let key = self.keys.manifest(namespace, revision);
        let compare = vec![Compare::version(key.clone(), 0)];
        let txn = Txn { compare, success: vec![Op::put(key, manifest)], ..Txn::default() };
        self.txn(&txn, Care::Repeats).await.map(|_| ())
    }

    pub(super) async fn forget_manifests(&self, namespace: &str, revisions: &[Revision]) -> Result<(), StoreError> {
        let mut keys: Vec<_> = revisions.iter().map(|revision| self.keys.manifest(namespace, *revision)).collect();
        keys.sort();
        keys.dedup();
        for some in keys.chunks(OPERATIONS) {
            self.all_of(&mut some.iter().map(|key| Op::delete(key.clone())).collect()).await?;
        }
        Ok(())
    }

    /// Each in a transaction of its own, within one.
    pub(super) async fn remove_pieces(&self, pieces: &[Stamped]) -> Result<usize, StoreError> {
        let mut removed = 0_usize;
        for some in pieces.chunks(OPERATIONS) {
            let success = some.iter().map(|piece| {
                let key = self.keys.piece(&piece.digest);
                let compare = vec![Compare::put_at(key.clone(), piece.stamp)];
                Op::Txn(Txn { compare, success: vec![Op::delete(key)], ..Txn::default() })
            });
            let txn = Txn { success: success.collect(), ..Txn::default() };
            let answer = self.txn(&txn, Care::Repeats).await?;
            let each = answer.responses.into_iter().filter_map(|answer| answer.response_txn);
            removed = removed.saturating_add(each.filter(|each| each.succeeded).count());
        }
        Ok(removed)
    }

    /// Does these operations, none of which is lost by doing it twice.
    async fn all_of(&self, operations: &mut Vec<Op>) -> Result<(), StoreError> {
        let success = std::mem::take(operations);
        if success.is_empty() {
            return Ok(());
        }
        self.txn(&Txn { success, ..Txn::default() }, Care::Repeats).await.map(|_| ())
    }
}

/// A head has no map whose keys are no text, so it always has a JSON form.
fn encoded(head: &Head) -> Vec<u8> {
    serde_json::to_vec(head).unwrap_or_default()
}
