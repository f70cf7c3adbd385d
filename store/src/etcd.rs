//! `etcd://HOST:PORT,…`: a cluster that any number of processes share, spoken to through its JSON gateway.
//!
//! What counts is etcd's order of transactions alone: numbers of revisions are ours, and no old revision of etcd's own is ever
//! read, because clusters forget these within minutes.

mod address;
mod board;
mod calls;
mod endpoints;
mod failure;
mod keys;
mod login;
mod pages;
mod revisions;
mod tls;
mod transport;
mod watch;
mod wire;
mod writing;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use graylane_rules::Revision;
use tokio::time::{Instant, sleep};

pub use self::address::EtcdAddress;
use self::{
    board::EtcdBoard,
    calls::{Calls, Care},
    failure::Failure,
    keys::Keys,
    pages::Values,
    watch::Watching,
    wire::{Kv, Op, Range, RangeAnswer, Txn, TxnAnswer},
};
use crate::{Advance, Board, Digest, Ground, Head, Piece, Stamped, Store, StoreError};

/// The shortest and the longest pause where nobody tells of changes.
const SHORT: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_secs(1);

/// A store in etcd.
#[derive(Clone, Debug)]
pub struct Etcd {
    place: String,
    keys: Keys,
    calls: Arc<Calls>,
    board: Arc<EtcdBoard>,
}

impl Etcd {
    /// A store in the cluster at `address`. Nobody is asked for anything yet.
    ///
    /// # Errors
    /// Where a file of certificates cannot be read.
    pub fn new(address: &EtcdAddress) -> Result<Self, StoreError> {
        let place = address.place();
        let refused = |why: String| StoreError::Refused { place: place.clone(), why };
        let (keys, calls) = (Keys::under(&address.prefix), Arc::new(Calls::new(address).map_err(refused)?));
        let board = Arc::new(EtcdBoard::new(&place, &keys, &calls).map_err(refused)?);
        Ok(Self { place, keys, calls, board })
    }

    /// The same, with somebody there who lets us read.
    ///
    /// # Errors
    /// Where nobody answers, or only to say no.
    pub async fn open(address: &EtcdAddress) -> Result<Self, StoreError> {
        let opened = Self::new(address)?;
        opened.get(opened.keys.generation()).await?;
        Ok(opened)
    }

    fn failed(&self, failure: Failure) -> StoreError {
        failure.at(&self.place)
    }

    fn corrupt(&self, why: String) -> StoreError {
        StoreError::Corrupt { place: self.place.clone(), why }
    }

    async fn get(&self, key: String) -> Result<Option<Kv>, StoreError> {
        Ok(self.read(key).await?.kvs.into_iter().next())
    }

    async fn read(&self, key: String) -> Result<RangeAnswer, StoreError> {
        let answer = self.calls.call("/v3/kv/range", &Range::of(key), Care::Reads).await;
        answer.map_err(|failure| self.failed(failure))
    }

    async fn txn(&self, txn: &Txn, care: Care) -> Result<TxnAnswer, StoreError> {
        self.calls.call("/v3/kv/txn", txn, care).await.map_err(|failure| self.failed(failure))
    }

    /// The ground, and a revision of etcd at which it was so.
    ///
    /// Not by a transaction: before 3.4.23 and 3.5.7 a member ends where somebody hangs up during one that only reads, as
    /// whoever is killed does. Neither key is ever deleted, so each was the same from when it was put until it was read.
    async fn looked_up(&self, namespace: &str) -> Result<(Ground, u64), StoreError> {
        loop {
            let (head, generation) =
                tokio::try_join!(self.read(self.keys.head(namespace)), self.read(self.keys.generation()))?;
            let until = head.header.revision.min(generation.header.revision);
            let (head, generation) = (head.kvs.into_iter().next(), generation.kvs.into_iter().next());
            if [&head, &generation].into_iter().flatten().any(|kv| kv.mod_revision > until) {
                continue;
            }
            let head = head.map(|kv| serde_json::from_slice(&kv.value.0));
            let head = head.transpose().map_err(|why| self.corrupt(format!("found no head ({why}), expected one")))?;
            return Ok((Ground { head, generation: generation.map_or(0, |kv| kv.version) }, until));
        }
    }

    /// Waits until something may have happened to the head after that revision of etcd.
    async fn told(&self, namespace: &str, revision: u64) -> Result<(), Failure> {
        let key = self.keys.head(namespace).into_bytes();
        let mut watching = Watching::open(&self.calls, key, None, revision.saturating_add(1)).await?;
        watching.news().await.map(|_| ())
    }
}

#[async_trait]
impl Store for Etcd {
    fn place(&self) -> &str {
        &self.place
    }

    async fn ground(&self, namespace: &str) -> Result<Ground, StoreError> {
        Ok(self.looked_up(namespace).await?.0)
    }

    async fn put(&self, pieces: &[Piece]) -> Result<(), StoreError> {
        self.put_pieces(pieces).await
    }

    async fn piece(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get(self.keys.piece(digest)).await?.map(|kv| kv.value.0))
    }

    async fn advance(&self, namespace: &str, on: &Ground, next: &Head, manifest: &[u8]) -> Result<Advance, StoreError> {
        self.move_head(namespace, on, next, manifest).await
    }

    async fn record(&self, namespace: &str, manifests: &[(Revision, Vec<u8>)]) -> Result<(), StoreError> {
        for (revision, manifest) in manifests {
            self.put_manifest(namespace, *revision, manifest).await?;
        }
        Ok(())
    }

    async fn manifest(&self, namespace: &str, revision: Revision) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.get(self.keys.manifest(namespace, revision)).await?.map(|kv| kv.value.0))
    }

    async fn revisions(
        &self,
        namespace: &str,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        self.listed(namespace, before, limit).await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        let heads = self.keys.heads();
        let found =
            pages::all(&self.calls, &heads, Values::Small, true).await.map_err(|failure| self.failed(failure))?;
        let mut names: Vec<_> = found.kvs.iter().filter_map(|kv| keys::name(&kv.key.0, &heads)).collect();
        // In etcd some letters stand in another form.
        names.sort();
        Ok(names)
    }

    async fn changed(&self, namespace: &str, known: Option<&Head>) -> Result<Option<Head>, StoreError> {
        let mut pause = SHORT;
        loop {
            let (ground, revision) = self.looked_up(namespace).await?;
            if ground.head.as_ref() != known {
                return Ok(ground.head);
            }
            let begin = Instant::now();
            if self.told(namespace, revision).await.is_err() {
                // Whatever it was: the head is looked at again, which says what is wrong, if anything is.
                pause = if begin.elapsed() > PAUSE { SHORT } else { pause.saturating_mul(2).min(PAUSE) };
                sleep(pause).await;
            }
        }
    }

    async fn forget(&self, namespace: &str, revisions: &[Revision]) -> Result<(), StoreError> {
        self.forget_manifests(namespace, revisions).await
    }

    async fn stock(&self) -> Result<Vec<Stamped>, StoreError> {
        let pieces = self.keys.pieces();
        let found =
            pages::all(&self.calls, &pieces, Values::Large, true).await.map_err(|failure| self.failed(failure))?;
        let stamped = found.kvs.iter().filter_map(|kv| {
            let digest = keys::name(&kv.key.0, &pieces)?.parse().ok()?;
            Some(Stamped { digest, stamp: kv.mod_revision })
        });
        Ok(stamped.collect())
    }

    async fn next_generation(&self) -> Result<(), StoreError> {
        // Twice is as good as once: what counts is that it is another one.
        let put = Op::put(self.keys.generation(), b"counted by its version");
        self.txn(&Txn { success: vec![put], ..Txn::default() }, Care::Repeats).await.map(|_| ())
    }

    async fn remove(&self, pieces: &[Stamped]) -> Result<usize, StoreError> {
        self.remove_pieces(pieces).await
    }

    fn board(&self) -> Option<Arc<dyn Board>> {
        let board = Arc::clone(&self.board);
        Some(board)
    }
}
