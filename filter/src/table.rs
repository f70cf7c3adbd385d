//! Who lives: the VMs that said hello, as the fetcher knows them.

use std::collections::BTreeMap;

use graylane_rules::{Revision, SNAPSHOT_FORMAT};
use serde::Serialize;

use crate::message::Hello;

/// The most VMs kept: far more than an Envoy has, against whoever else may write into the inbox.
const LIMIT: usize = 4096;

/// The VMs of this Envoy.
#[derive(Debug, Default)]
pub struct Table(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    hello: Hello,
    silent_ticks: u32,
}

/// What is reported of a VM.
#[derive(Debug, Serialize)]
pub struct Ack<'a> {
    id: &'a str,
    revision: Option<&'a str>,
    formats: &'a [u16],
    error: Option<&'a str>,
    refused: Option<&'a str>,
    role: Option<&'a str>,
}

impl Table {
    /// Takes a message. True where it says something new.
    pub fn hear(&mut self, hello: Hello) -> bool {
        if self.0.len() >= LIMIT && !self.0.contains_key(&hello.id) {
            return false;
        }
        let new = self.0.get(&hello.id).is_none_or(|entry| entry.hello != hello);
        self.0.insert(hello.id.clone(), Entry { hello, silent_ticks: 0 });
        new
    }

    /// Counts a tick of the fetcher and forgets the VMs that were silent for more than `limit` of them: their queues
    /// must not grow. Own ticks, not time: a fetcher that was stalled itself heard nobody. True where one was forgotten.
    pub fn tick(&mut self, limit: u32) -> bool {
        let before = self.0.len();
        self.0.retain(|_, entry| {
            entry.silent_ticks = entry.silent_ticks.saturating_add(1);
            entry.silent_ticks <= limit
        });
        self.0.len() != before
    }

    /// Whether no VM is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The queue of each VM.
    pub fn queues(&self) -> impl Iterator<Item = u32> {
        self.0.values().map(|entry| entry.hello.queue)
    }

    /// The formats that every VM reads; ours, where no VM is known or they have none in common.
    pub fn formats(&self) -> Vec<u16> {
        let mut hellos = self.0.values().map(|entry| &entry.hello);
        let mut common = hellos.next().map(|first| first.formats.clone()).unwrap_or_default();
        hellos.for_each(|hello| common.retain(|format| hello.formats.contains(format)));
        common.sort_unstable();
        common.dedup();
        if common.is_empty() { vec![SNAPSHOT_FORMAT] } else { common }
    }

    /// Whether VMs are known and all of them run `revision`.
    pub fn all_run(&self, revision: Revision) -> bool {
        let revision = revision.to_string();
        !self.0.is_empty() && self.0.values().all(|entry| entry.hello.revision.as_ref() == Some(&revision))
    }

    /// What is reported of the VMs.
    pub fn acks(&self) -> Vec<Ack<'_>> {
        self.0.values().map(|entry| Ack::of(&entry.hello)).collect()
    }
}

impl<'a> Ack<'a> {
    fn of(hello: &'a Hello) -> Self {
        Self {
            id: &hello.id,
            revision: hello.revision.as_deref(),
            formats: &hello.formats,
            error: hello.error.as_deref(),
            refused: hello.refused.as_deref(),
            role: hello.role.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(id: &str, formats: &[u16], revision: Option<&str>) -> Hello {
        Hello {
            id: id.to_owned(),
            queue: 1,
            formats: formats.to_vec(),
            revision: revision.map(str::to_owned),
            refused: None,
            error: None,
            unfit: false,
            role: None,
        }
    }

    #[test]
    fn formats_are_those_in_common() {
        let mut table = Table::default();
        assert_eq!(table.formats(), [SNAPSHOT_FORMAT]);
        table.hear(hello("a", &[3, 2, 2], None));
        assert_eq!(table.formats(), [2, 3]);
        table.hear(hello("b", &[1, 2], None));
        assert_eq!(table.formats(), [2]);
        table.hear(hello("c", &[1], None));
        assert_eq!(table.formats(), [SNAPSHOT_FORMAT]);
    }

    #[test]
    fn a_vm_is_forgotten_after_its_silence_and_only_news_counts() {
        let mut table = Table::default();
        let revision = Revision { epoch: 1, number: 2 };
        assert!(!table.all_run(revision));
        assert!(table.hear(hello("a", &[1], Some("1.2"))));
        assert!(!table.hear(hello("a", &[1], Some("1.2"))));
        assert!(table.all_run(revision));
        assert!(table.hear(hello("b", &[1], None)));
        assert!(!table.all_run(revision));
        assert!(!table.tick(2));
        table.hear(hello("a", &[1], Some("1.2")));
        assert!(!table.tick(2) && table.tick(2));
        assert!(table.all_run(revision) && table.queues().count() == 1);
    }
}
