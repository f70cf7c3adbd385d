//! Whoever posts the notes of a handle, and keeps them there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::Job;
use crate::{
    StoreError,
    etcd::{
        calls::{Calls, Care},
        failure::Failure,
        keys::Keys,
        wire::{Bytes, Compare, Lease, LeaseGrant, Line, Op, Put, Range, Txn, TxnAnswer},
    },
};

/// So long notes stay after the last sign of life of their poster, in seconds.
const TTL: u64 = 10;
/// How often a sign of life is given.
const SIGN: Duration = Duration::from_secs(3);
/// How soon what went wrong is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// The most operations of a transaction, and so many bytes of notes from which on the next are another one: see `writing`.
const OPERATIONS: usize = 99;
const BYTES: usize = 512 << 10;
/// So many posts are taken at once.
const AT_ONCE: usize = 64;

/// A namespace and a key within it.
type Name = (String, String);

/// What goes into one transaction: keys of etcd, and what is to stand there.
type Batch = Vec<(String, Option<Vec<u8>>)>;

/// What is to stand on the board, and what is known to stand there.
#[derive(Debug)]
pub(super) struct Desk {
    place: String,
    keys: Keys,
    calls: Arc<Calls>,
    poster: String,
    /// The lease that all notes have.
    lease: Option<u64>,
    notes: BTreeMap<Name, Vec<u8>>,
    /// Those of which it is not known that they stand there, or that they do not.
    unsure: BTreeSet<Name>,
    /// What the fence of this poster was last known to be; None: it is not there.
    fence: Option<u64>,
    /// How often something was posted.
    count: u64,
    /// When there is to be a sign of life.
    due: Instant,
}

impl Desk {
    pub(super) fn new(place: &str, keys: &Keys, calls: &Arc<Calls>, poster: &str) -> Self {
        Self {
            place: place.to_owned(),
            keys: keys.clone(),
            calls: Arc::clone(calls),
            poster: poster.to_owned(),
            lease: None,
            notes: BTreeMap::new(),
            unsure: BTreeSet::new(),
            fence: None,
            count: 0,
            due: after(SIGN),
        }
    }

    /// Serves until nobody can ask for anything any more; then takes the notes away.
    pub(super) async fn serve(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut some = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.due) => self.live().await,
                count = jobs.recv_many(&mut some, AT_ONCE) => match count {
                    0 => break,
                    _ => self.take(std::mem::take(&mut some)).await,
                }
            }
        }
        if let Some(id) = self.lease {
            // If nobody takes it, it ends by itself.
            let _expires: Result<serde_json::Value, _> =
                self.calls.call("/v3/lease/revoke", &Lease { id, ttl: 0 }, Care::Repeats).await;
        }
    }

    async fn take(&mut self, jobs: Vec<Job>) {
        let mut waiting = Vec::with_capacity(jobs.len());
        for Job { namespace, notes, done } in jobs {
            for (key, note) in notes {
                let name = (namespace.clone(), key);
                self.unsure.insert(name.clone());
                match note {
                    Some(note) => self.notes.insert(name, note),
                    None => self.notes.remove(&name),
                };
            }
            waiting.push(done);
        }
        let posted = self.write().await.map_err(|failure| failure.at(&self.place));
        if posted.is_err() {
            self.due = self.due.min(after(AGAIN));
        }
        waiting.into_iter().for_each(|done| {
            let _gave_up: Result<(), Result<(), StoreError>> = done.send(posted.clone());
        });
    }

    /// Gives a sign of life, and posts what is not known to stand there.
    async fn live(&mut self) {
        let lives = match self.lease {
            Some(id) => self.renew(id).await,
            None => Ok(()),
        };
        let well = lives.is_ok() && self.write().await.is_ok();
        self.due = after(if well { SIGN } else { AGAIN });
    }

    async fn renew(&mut self, id: u64) -> Result<(), Failure> {
        let answer = self.calls.call("/v3/lease/keepalive", &Lease { id, ttl: 0 }, Care::Reads).await?;
        let ends = match answer {
            Line::Result(lease) => Ok(lease),
            Line::Error(refusal) => Err(Failure::said(refusal)),
        };
        match ends {
            Ok(Lease { ttl: 0, .. }) | Err(Failure::Missing(_)) => {
                self.lose();
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// The lease has ended, and with it everything that stood there.
    fn lose(&mut self) {
        self.lease = None;
        self.unsure.extend(self.notes.keys().cloned());
    }

    /// Posts what is not known to stand there.
    async fn write(&mut self) -> Result<(), Failure> {
        while let Some((names, operations)) = self.some() {
            let lease = self.lease().await?;
            match self.post(lease, operations).await {
                Ok(()) => names.iter().for_each(|name| {
                    self.unsure.remove(name);
                }),
                Err(Failure::Missing(_)) => self.lose(),
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// The next of them, as many as go into one transaction.
    fn some(&self) -> Option<(Vec<Name>, Batch)> {
        let (mut names, mut operations, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        for name in self.unsure.iter().take(OPERATIONS) {
            let note = self.notes.get(name);
            bytes = bytes.saturating_add(note.map_or(0, Vec::len));
            if bytes > BYTES && !names.is_empty() {
                break;
            }
            operations.push((self.keys.note(&name.0, &self.poster, &name.1), note.cloned()));
            names.push(name.clone());
        }
        (!names.is_empty()).then_some((names, operations))
    }

    async fn lease(&mut self) -> Result<u64, Failure> {
        if let Some(lease) = self.lease {
            return Ok(lease);
        }
        let granted: Lease = self.calls.call("/v3/lease/grant", &LeaseGrant { ttl: TTL }, Care::Repeats).await?;
        self.lease = Some(granted.id);
        self.due = after(SIGN);
        Ok(granted.id)
    }

    /// One transaction. It may be sent to two members, and the second may do it only after later ones: so each moves a fence
    /// on that it must find where the one before left it.
    async fn post(&mut self, lease: u64, operations: Batch) -> Result<(), Failure> {
        self.count = self.count.saturating_add(1);
        let (fence, mine) = (self.keys.poster(&self.poster), self.count);
        let put = |key: String, value: Vec<u8>| Op::Put(Put { key: Bytes(key.into()), value: Bytes(value), lease });
        let mut success = vec![put(fence.clone(), mine.to_string().into_bytes())];
        success.extend(operations.into_iter().map(|(key, note)| match note {
            Some(note) => put(key, note),
            None => Op::delete(key),
        }));
        let mut txn = Txn { compare: Vec::new(), success, failure: vec![Op::Range(Range::of(fence.clone()))] };
        loop {
            txn.compare = vec![match self.fence {
                Some(count) => Compare::value(fence.clone(), count.to_string().into_bytes()),
                None => Compare::version(fence.clone(), 0),
            }];
            let answer: TxnAnswer = self.calls.call("/v3/kv/txn", &txn, Care::Repeats).await?;
            let found = if answer.succeeded { Some(mine) } else { count(answer) };
            if found == Some(mine) {
                self.fence = found;
                return Ok(());
            }
            if found == self.fence {
                return Err(Failure::Unknown(
                    "found the fence where it should be, and was told that it is not".to_owned(),
                ));
            }
            self.fence = found;
        }
    }
}

/// Where the fence is.
fn count(answer: TxnAnswer) -> Option<u64> {
    let kv = answer.responses.into_iter().next()?.response_range?.kvs.into_iter().next()?;
    std::str::from_utf8(&kv.value.0).ok()?.parse().ok()
}

fn after(time: Duration) -> Instant {
    Instant::now().checked_add(time).unwrap_or_else(Instant::now)
}
