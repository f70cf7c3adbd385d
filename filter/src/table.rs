//! Who lives: the VMs that said hello, as the fetcher knows them.

use std::collections::BTreeMap;

use graylane_rules::{Revision, SNAPSHOT_FORMATS};
use serde::Serialize;

use crate::message::Hello;

/// The most VMs kept: far more than an Envoy has, against whoever else may write into the inbox.
const LIMIT: usize = 4096;

/// So often a VM that might be a worker is tried before it counts as the main thread's.
const TRIALS: u32 = 10;

/// The VMs of this Envoy.
#[derive(Debug, Default)]
pub struct Table(BTreeMap<String, Entry>);

#[derive(Debug)]
struct Entry {
    hello: Hello,
    /// Whether it was said to this fetcher, and not before a time when another one had the inbox.
    fresh: bool,
    silent_ticks: u32,
    thread: Thread,
}

/// On which thread a VM lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thread {
    /// Not known, after so many trials.
    Unknown(u32),
    /// On a worker's.
    Worker,
}

/// What is reported of a VM.
#[derive(Debug, Serialize)]
pub struct Ack<'a> {
    id: &'a str,
    revision: Option<&'a str>,
    formats: &'a [u16],
    error: Option<&'a str>,
    refused: Option<&'a str>,
    role: Option<&'static str>,
}

impl Table {
    /// Takes a message. True where it says something new.
    pub fn hear(&mut self, hello: Hello) -> bool {
        if self.0.len() >= LIMIT && !self.0.contains_key(&hello.id) {
            return false;
        }
        let known = self.0.get(&hello.id);
        let new = known.is_none_or(|entry| !entry.hello.says_as(&hello));
        let thread =
            if hello.serving { Thread::Worker } else { known.map_or(Thread::Unknown(0), |entry| entry.thread) };
        self.0.insert(hello.id.clone(), Entry { hello, fresh: true, silent_ticks: 0, thread });
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

    /// Counts every VM as heard now, though not as up to date: for a while somebody else had the inbox.
    pub fn forgive(&mut self) {
        for entry in self.0.values_mut() {
            entry.silent_ticks = 0;
            entry.fresh = false;
        }
    }

    /// Whether nothing in it is from before [`forgive`](Self::forgive). VMs say hello every second, so it soon is.
    pub fn is_fresh(&self) -> bool {
        self.0.values().all(|entry| entry.fresh)
    }

    /// Whether no VM is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The queues of the VMs that may serve requests, or else of the one that never does: the main thread's.
    pub fn queues(&self, serve: bool) -> impl Iterator<Item = u32> {
        let main = self.0.values().filter(move |entry| self.is_main(entry) != serve);
        main.map(|entry| entry.hello.queue)
    }

    /// The formats that every VM reads, the oldest first. Where no VM is known, the oldest of ours, which most can read;
    /// where they have none in common, ours.
    pub fn formats(&self) -> Vec<u16> {
        let mut hellos = self.0.values().map(|entry| &entry.hello);
        let Some(first) = hellos.next() else { return SNAPSHOT_FORMATS.iter().copied().min().into_iter().collect() };
        let mut common = first.formats.clone();
        hellos.for_each(|hello| common.retain(|format| hello.formats.contains(format)));
        if common.is_empty() {
            common = SNAPSHOT_FORMATS.to_vec();
        }
        // At most 16, which are no reason for a sort in the filter's code.
        let mut sorted = Vec::new();
        for format in common {
            if let Err(place) = sorted.binary_search(&format) {
                sorted.insert(place, format);
            }
        }
        sorted
    }

    /// Whether VMs are known and all of them run `revision`.
    pub fn all_run(&self, revision: Revision) -> bool {
        !self.is_empty() && self.run(revision, |_| true)
    }

    /// Whether all that may serve requests run `revision`.
    pub fn all_serve(&self, revision: Revision) -> bool {
        self.run(revision, |entry| !self.is_main(entry))
    }

    fn run(&self, revision: Revision, who: impl Fn(&Entry) -> bool) -> bool {
        let revision = revision.to_string();
        let mut asked = self.0.values().filter(|entry| who(entry));
        asked.all(|entry| entry.hello.revision.as_ref() == Some(&revision))
    }

    /// The queues of the VMs of which it is not known yet on which thread they live; counts a trial of each. After the first
    /// trials one alone is the main thread's, and several are tried on now and then: one of them was slow.
    pub fn on_trial(&mut self) -> Vec<u32> {
        let several = self.unproven() > 1;
        let mut queues = Vec::new();
        for entry in self.0.values_mut() {
            let Thread::Unknown(trials) = &mut entry.thread else { continue };
            if *trials < TRIALS || (several && trials.is_multiple_of(TRIALS)) {
                queues.push(entry.hello.queue);
            }
            *trials = trials.saturating_add(1);
        }
        queues
    }

    /// Whether a VM is the main thread's. Of an Envoy's VMs one is: of two that did not prove to be workers', one was slow.
    fn is_main(&self, entry: &Entry) -> bool {
        matches!(entry.thread, Thread::Unknown(TRIALS..)) && self.unproven() == 1
    }

    /// How many VMs are not known to be workers'.
    fn unproven(&self) -> usize {
        self.0.values().filter(|entry| entry.thread != Thread::Worker).count()
    }

    /// Notes that the VM `id` lives on another thread than the main one. True where that is news.
    pub fn is_worker(&mut self, id: &str) -> bool {
        let news = |entry: &mut Entry| std::mem::replace(&mut entry.thread, Thread::Worker) != Thread::Worker;
        self.0.get_mut(id).is_some_and(news)
    }

    /// What is reported of the VMs.
    pub fn acks(&self) -> Vec<Ack<'_>> {
        self.0.values().map(|entry| entry.ack(self.is_main(entry))).collect()
    }
}

impl Entry {
    /// What is reported of a VM that `is_main` or is not.
    fn ack(&self, is_main: bool) -> Ack<'_> {
        let hello = &self.hello;
        let role = match self.thread {
            Thread::Worker => Some("worker"),
            Thread::Unknown(_) => is_main.then_some("main"),
        };
        Ack {
            id: &hello.id,
            revision: hello.revision.as_deref(),
            formats: &hello.formats,
            error: hello.error.as_deref(),
            refused: hello.refused.as_deref(),
            role,
        }
    }
}

#[cfg(test)]
mod tests {
    use graylane_rules::SNAPSHOT_FORMAT;

    use super::*;

    fn hello(id: &str, formats: &[u16], revision: Option<&str>) -> Hello {
        let (id, revision) = (id.to_owned(), revision.map(str::to_owned));
        Hello { id, queue: 1, formats: formats.to_vec(), revision, ..Hello::default() }
    }

    fn ours() -> Vec<u16> {
        let mut ours = SNAPSHOT_FORMATS.to_vec();
        ours.sort_unstable();
        ours
    }

    #[test]
    fn formats_are_those_in_common() {
        let mut table = Table::default();
        assert_eq!(table.formats(), ours()[..1]);
        table.hear(hello("a", &[3, 2, 2], None));
        assert_eq!(table.formats(), [2, 3]);
        table.hear(hello("b", &[1, 2], None));
        assert_eq!(table.formats(), [2]);
        table.hear(hello("c", &[1], None));
        assert_eq!(table.formats(), ours());
    }

    #[test]
    fn a_vm_is_forgotten_after_its_silence_and_only_news_counts() {
        let mut table = Table::default();
        let revision = Revision { epoch: 1, number: 2 };
        assert!(!table.all_run(revision));
        assert!(table.hear(hello("a", &[1], Some("1.2"))));
        assert!(!table.hear(Hello { at: 9, ..hello("a", &[1], Some("1.2")) }));
        assert!(table.all_run(revision));
        assert!(table.hear(hello("b", &[1], None)));
        assert!(!table.all_run(revision));
        assert!(!table.tick(2));
        table.hear(hello("a", &[1], Some("1.2")));
        assert!(!table.tick(2));
        table.forgive();
        assert!(!table.tick(2) && !table.tick(2) && !table.is_fresh());
        table.hear(hello("a", &[1], Some("1.2")));
        assert!(!table.is_fresh(), "of b nothing is known since");
        assert!(table.tick(2));
        assert!(table.all_run(revision) && table.queues(true).count() == 1 && table.is_fresh());
    }

    #[test]
    fn who_never_proves_to_be_a_worker_is_the_main_thread() {
        let mut table = Table::default();
        let roles = |table: &Table| table.acks().iter().map(|ack| ack.role).collect::<Vec<_>>();
        for (id, serving) in [("a", false), ("b", false), ("c", true)] {
            table.hear(Hello { serving, ..hello(id, &[SNAPSHOT_FORMAT], None) });
        }
        for trial in 1..=2 * TRIALS {
            let tried = if trial <= TRIALS + 1 { 2 } else { 0 };
            let roles = roles(&table);
            assert_eq!(
                (table.on_trial().len(), roles),
                (tried, vec![None, None, Some("worker")]),
                "{trial}: one is slow"
            );
        }
        assert!(table.is_worker("b") && !table.is_worker("b") && !table.is_worker("d"));
        assert_eq!((table.on_trial().len(), roles(&table)), (0, vec![Some("main"), Some("worker"), Some("worker")]));
        // A proof that comes late still counts.
        table.hear(Hello { serving: true, ..hello("a", &[SNAPSHOT_FORMAT], None) });
        assert_eq!(roles(&table)[0], Some("worker"));
    }
}
