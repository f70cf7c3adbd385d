//! An Envoy process: VMs on one host, and what must hold after each callback.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use graylane::fuzzing::{Driven, Host, host};
use graylane_rules::Revision;

use super::{
    contents::Configuration,
    publication::Record,
    requests::{DIRECTION, PEER},
};

/// The VM in which the bootstrap's fetcher usually is, and the workers.
pub(super) const VMS: usize = 4;

/// When a script begins.
pub(super) const WALL_CLOCK: u64 = 1_700_000_000;

/// The most calls of one callback: a question and a report.
const CALLS: usize = 2;

/// The shared keys there are.
const KEYS: usize = 11;

/// An Envoy.
pub(super) struct Envoy {
    pub(super) vms: Vec<Slot>,
    pub(super) record: Record,
    /// Which context made a call, and whether it was answered; in the order of the calls.
    pub(super) calls: Vec<Asked>,
    /// Values of shared keys, to come back later.
    pub(super) remembered: BTreeMap<String, Vec<u8>>,
    /// Whether strangers wrote what no VM can mend: the pointer or the lease.
    pub(super) meddled: bool,
    /// How much strangers put into queues.
    pub(super) pushed: usize,
    started: u64,
    /// How many roots were configured.
    pub(super) rooted: u64,
}

/// A call's context.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) vm: usize,
    /// The VM's number, which a VM that takes its place does not have.
    pub(super) id: u64,
    pub(super) root: u32,
    pub(super) answered: bool,
}

/// A place for a VM, and the VM in it.
pub(super) struct Slot {
    pub(super) vm: Driven,
    pub(super) id: u64,
    pub(super) roots: BTreeMap<u32, Root>,
    pub(super) gone: BTreeSet<u32>,
    fetched: Option<Revision>,
}

/// A configured root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    pub(super) fetcher: bool,
    /// None: configured by a text of the script's own.
    pub(super) named: Option<&'static Configuration>,
    /// The plugin's name, hashed, and which of all roots it was: a later one of the same name replaces it.
    pub(super) plugin: u64,
    pub(super) number: u64,
}

impl Envoy {
    /// An Envoy without roots, on a host of its own.
    pub(super) fn new() -> Self {
        host(|host| {
            *host = Host::default();
            host.unix_time = WALL_CLOCK;
            host.properties.insert("source\0address".to_owned(), b"10.1.2.3:4567".to_vec());
            host.properties.insert(PEER.to_owned(), b"spiffe://cluster.local/ns/a/sa/web".to_vec());
            host.properties.insert(DIRECTION.to_owned(), 2_u64.to_le_bytes().to_vec());
            host.step = Duration::from_micros(20);
            host.now = Duration::from_secs(1000);
        });
        let mut envoy = Self {
            vms: Vec::new(),
            record: Record::default(),
            calls: Vec::new(),
            remembered: BTreeMap::new(),
            meddled: false,
            pushed: 0,
            started: 0,
            rooted: 0,
        };
        for _ in 0..VMS {
            let slot = envoy.started_vm();
            envoy.vms.push(slot);
        }
        envoy
    }

    /// Puts a new VM into the place of another.
    pub(super) fn trap(&mut self, vm: usize) {
        self.vms[vm] = self.started_vm();
    }

    fn started_vm(&mut self) -> Slot {
        self.started += 1;
        let (id, roots, gone) = (self.started, BTreeMap::new(), BTreeSet::new());
        Slot { vm: Driven::new(id), id, roots, gone, fetched: None }
    }

    /// Calls back into a VM, in the name of `root`, and checks everything.
    pub(super) fn enter<R>(&mut self, vm: usize, root: u32, callback: impl FnOnce(&mut Driven) -> R) -> R {
        let slot = &mut self.vms[vm];
        host(|host| host.gone = slot.gone.clone());
        let result = callback(&mut slot.vm);
        let new = host(|host| {
            let new = &host.calls[self.calls.len()..];
            let headers = new.iter().flat_map(|call| &call.headers).flat_map(|(name, value)| name.iter().chain(value));
            assert!(headers.into_iter().all(|byte| (0x20..0x7f).contains(byte)), "a call that is none: {new:?}");
            new.len()
        });
        assert!(new <= CALLS, "{new} calls of one callback");
        self.calls.extend((0..new).map(|_| Asked { vm, id: slot.id, root, answered: false }));
        self.check();
        result
    }

    fn check(&mut self) {
        for slot in &mut self.vms {
            let fetched = slot.vm.fetched();
            assert!(fetched >= slot.fetched, "a VM went from {:?} back to {fetched:?}", slot.fetched);
            slot.fetched = fetched;
            for (&root, known) in &slot.roots {
                check_rules(slot, root, known, &self.record, self.meddled);
            }
        }
        host(|host| {
            assert!(host.shared.len() <= KEYS, "{:?}", host.shared.keys());
            let waiting: usize = host.queues.iter().map(|queue| queue.items.len()).sum();
            // Nobody empties the queue of a VM that is gone; its fetcher forgets it after some seconds.
            let emptied = !host.refusals.contains_key("dequeue");
            let queues: Vec<_> = host.queues.iter().map(|queue| (&queue.name, queue.items.len())).collect();
            assert!(!emptied || waiting <= 4_000 + self.pushed, "{waiting} messages wait: {queues:?}");
            self.pushed += if emptied { 0 } else { waiting };
            assert!(host.metrics.len() <= 300, "{} metrics", host.metrics.len());
            host.log.clear();
        });
    }

    /// The context that is called back for a queue: of a VM's own queue that VM, of the inbox whoever holds the lease.
    pub(super) fn receiver(&self, queue: &str) -> Option<(usize, u32)> {
        let id = match queue.strip_prefix("graylane/w/") {
            Some(id) => u64::from_str_radix(id, 16).ok()?,
            None => host(|host| {
                let (lease, _) = host.shared.get("graylane/lease")?;
                Some(u64::from_le_bytes(lease.get(1..9)?.try_into().ok()?))
            })?,
        };
        let vm = self.vms.iter().position(|slot| slot.id == id)?;
        let root = self.vms[vm].live_roots().next()?;
        Some((vm, root))
    }

    /// Calls back for what waits in queues, so often at most.
    pub(super) fn call_back(&mut self, most: usize) {
        for _ in 0..most {
            let waiting = host(|host| {
                let queues = host.queues.iter().zip(1..);
                queues
                    .filter(|(queue, _)| !queue.items.is_empty())
                    .map(|(queue, token)| (queue.name.clone(), token))
                    .collect::<Vec<_>>()
            });
            let reached = waiting.into_iter().find_map(|(name, token)| Some((self.receiver(&name)?, token)));
            let Some(((vm, root), token)) = reached else { return };
            self.enter(vm, root, |vm| vm.queue_ready(root, token));
        }
    }

    /// Lets time pass in steps of `step`, with everybody's ticks.
    pub(super) fn pass(&mut self, time: Duration, step: Duration) {
        let mut passed = Duration::ZERO;
        while passed < time {
            passed += step;
            host(|host| host.now += step);
            for vm in 0..VMS {
                let roots: Vec<u32> = self.vms[vm].live_roots().collect();
                for root in roots {
                    self.enter(vm, root, |vm| vm.tick(root));
                }
            }
            self.call_back(50);
        }
    }
}

impl Slot {
    /// Whether `root` is a fetcher, or a filter that no later live one of its plugin replaces. One whose configuration was
    /// withheld replaces none.
    pub(super) fn is_current(&self, root: &Root) -> bool {
        let mut live = self.live_roots().map(|id| &self.roots[&id]);
        let later = |other: &Root| other.number > root.number && other.plugin == root.plugin;
        root.fetcher || !live.any(|other| !other.fetcher && other.named.is_some() && later(other))
    }

    /// The configured roots that Envoy still has.
    pub(super) fn live_roots(&self) -> impl Iterator<Item = u32> {
        self.roots.keys().copied().filter(|root| !self.gone.contains(root))
    }
}

/// Only what was brought by a right envelope decides, or what the configuration itself has.
fn check_rules(slot: &Slot, root: u32, known: &Root, record: &Record, meddled: bool) {
    let Some(rules) = slot.vm.rules(root) else { return };
    match rules.revision {
        // Who writes the pointer says what the revision is; the bytes are still those of a publication.
        Some(_) if meddled => assert!(record.has_bytes(rules.bytes), "rules that were never published"),
        Some(revision) => assert!(record.has(revision, rules.bytes), "revision {revision} was never published so"),
        // Another root's: the newest decides where there is no such filter.
        None if known.fetcher || slot.gone.contains(&root) => {}
        None => {
            assert!(known.named.is_none_or(|named| named.text.contains("ruleSets")), "rules out of nowhere: {known:?}")
        }
    }
}
