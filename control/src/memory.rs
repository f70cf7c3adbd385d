//! What revisions hold in memory: the one that is published, and those before it for as long as somebody is being sent them.
//!
//! Each revision has an account, and whatever of it lies in memory stands in that: its snapshot, and its envelope in each format
//! that was asked for. An answer holds its envelope and nothing else, however many share it, so that the bytes of an earlier
//! revision are freed with the last answer that is made of them.

use std::{
    fmt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::body::Bytes;
use graylane_rules::Revision;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
};

use crate::mutex::locked;

/// So many revisions have a series of their own, the newest; what all others hold is told in one more. A revision before the
/// published one lives as long as an answer takes, which is 30 s for whoever reads nothing.
const TOLD: usize = 16;

/// The label of those others.
const EARLIER: &str = "earlier";

/// The accounts of all revisions that hold something; a clone has the same ones.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Vec<Weak<Account>>>>);

/// What one revision holds.
#[derive(Debug)]
pub struct Account {
    revision: Revision,
    bytes: AtomicUsize,
}

/// Bytes that stand in an account until this is dropped.
#[derive(Debug)]
pub struct Entry {
    account: Arc<Account>,
    bytes: usize,
}

impl Memory {
    /// An account for `revision`, which is told as long as anybody has it.
    pub fn account(&self, revision: Revision) -> Arc<Account> {
        let account = Arc::new(Account { revision, bytes: AtomicUsize::new(0) });
        let mut accounts = locked(&self.0);
        accounts.retain(|account| account.strong_count() > 0);
        accounts.push(Arc::downgrade(&account));
        account
    }

    /// How many bytes each revision holds, the newest first.
    fn held(&self) -> Vec<(Revision, usize)> {
        let accounts: Vec<_> = locked(&self.0).iter().filter_map(Weak::upgrade).collect();
        let mut held: Vec<_> =
            accounts.iter().map(|account| (account.revision, account.bytes.load(Ordering::Relaxed))).collect();
        held.sort_by(|one, other| other.cmp(one));
        held
    }
}

impl Account {
    /// Has so many bytes stand in it.
    pub fn enter(self: &Arc<Self>, bytes: usize) -> Entry {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Entry { account: Arc::clone(self), bytes }
    }

    /// `bytes`, which stand in it until the last who shares them lets go.
    pub fn shared(self: &Arc<Self>, bytes: Vec<u8>) -> Bytes {
        let entry = self.enter(bytes.len());
        Bytes::from_owner(Owned { bytes, _entry: entry })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.account.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Owned {
    bytes: Vec<u8>,
    _entry: Entry,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Collector for Memory {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Bytes of snapshots and envelopes in memory: of what is published, and of what somebody is still being sent";
        let mut metric = encoder.encode_descriptor("revision_bytes", help, None, MetricType::Gauge)?;
        let mut tell = |revision: String, bytes: usize| {
            let gauge = ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            gauge.encode(metric.encode_family(&[("revision", revision)])?)
        };
        let held = self.held();
        for (revision, bytes) in held.iter().take(TOLD) {
            tell(revision.to_string(), *bytes)?;
        }
        match held.get(TOLD..) {
            Some(others @ [_, ..]) => tell(EARLIER.to_owned(), others.iter().map(|(_, bytes)| bytes).sum()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    fn told(memory: &Memory) -> Vec<String> {
        let mut registry = Registry::with_prefix("graylane_control");
        registry.register_collector(Box::new(memory.clone()));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        let series = text.lines().filter_map(|line| line.strip_prefix("graylane_control_revision_bytes{"));
        series.map(str::to_owned).collect()
    }

    #[test]
    fn bytes_are_counted_once_however_many_share_them_and_until_the_last_is_gone() {
        let memory = Memory::default();
        let account = memory.account(Revision { epoch: 7, number: 1 });
        let snapshot = account.enter(100);
        let envelope = account.shared(vec![0; 20]);
        let part = envelope.clone().slice(3..);
        drop(account);
        assert_eq!(told(&memory), ["revision=\"7.1\"} 120"]);
        drop((snapshot, envelope));
        assert_eq!(told(&memory), ["revision=\"7.1\"} 20"]);
        drop(part);
        assert!(told(&memory).is_empty());
    }

    #[test]
    fn so_many_revisions_are_told_one_by_one_and_the_others_together() {
        let memory = Memory::default();
        let count = TOLD as u64 + 3;
        let held: Vec<_> =
            (1..=count).map(|number| memory.account(Revision { epoch: 7, number }).enter(number as usize)).collect();
        let told = told(&memory);
        assert_eq!((told.len(), told[0].as_str()), (TOLD + 1, "revision=\"7.19\"} 19"));
        assert_eq!(told[TOLD], "revision=\"earlier\"} 6", "one, two and three");
        drop(held);
        drop(memory.account(Revision::default()));
        assert_eq!(locked(&memory.0).len(), 1, "accounts of nobody are forgotten");
    }
}
