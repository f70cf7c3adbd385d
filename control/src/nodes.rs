//! What Envoys report about themselves, and how long a revision takes to be in effect everywhere.

mod acks;
mod complaints;
mod effects;
mod history;
mod node;
mod report;
mod trouble;
mod twins;

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use graylane_rules::Revision;

use crate::{clock::Moment, finding::Finding};
use complaints::Change;
use effects::Awaited;
use history::History;
use trouble::Trouble;

pub use acks::{Acks, WorkerAck};
pub use effects::Effects;
pub use history::Behind;
pub use node::{Known, Node, Verdict, Verdicts};
pub use report::{Fetcher, Report, Role};

/// The most Envoys known at a time.
const NODE_LIMIT: usize = 10_000;

/// The most workers of all Envoys together.
const WORKER_LIMIT: usize = 100_000;

/// So long a worker may take to run what is published; then it is stale.
const STALE: Duration = Duration::from_secs(1);

/// So often those that are gone are forgotten, unless their places are needed before. Whatever is done for each report must not
/// take longer the more Envoys there are: a revision has all of them report at once.
const SWEPT: Duration = Duration::from_secs(60);

/// The Envoys that report, by node id.
#[derive(Debug, Default)]
pub struct Nodes {
    nodes: BTreeMap<String, Node>,
    /// How many VMs all of them have.
    workers: usize,
    /// When those that were gone were last forgotten.
    swept: Option<Instant>,
    history: History,
    effects: Effects,
}

/// What a report came to.
#[derive(Debug)]
pub struct Taken {
    /// How the Envoy's complaints changed.
    pub complaints: Change,
    /// How its trouble did.
    pub trouble: Trouble,
    /// What is new about its workers.
    pub verdicts: Verdicts,
    /// The revision that was awaited.
    pub awaited: Option<Revision>,
    /// Whether it brought the awaited revision into effect everywhere.
    pub completed: bool,
    /// How long that took, if it was timed.
    pub effect: Option<Duration>,
}

/// How many of what there are. Workers are the VMs that serve requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    /// Envoys.
    pub nodes: u64,
    /// Envoys that were not heard of for a minute.
    pub silent: u64,
    /// Workers of all of them.
    pub workers: u64,
    /// Those that run what is published.
    pub current: u64,
    /// Those that should run it and do not.
    pub stale: u64,
    /// Those that refuse a revision, or cannot use theirs everywhere.
    pub refusing: u64,
}

/// More Envoys or workers report than are kept.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found reports of more Envoys, expected at most {NODE_LIMIT} with {WORKER_LIMIT} workers in all")
    }
}

impl Nodes {
    /// The Envoys, by node id, but for those that are gone.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().filter(move |(_, node)| !node.is_gone(now)).map(|(id, node)| (id.as_str(), node))
    }

    /// What became of the revisions.
    pub fn effects(&self) -> &Effects {
        &self.effects
    }

    /// From `accepted` on the time runs until `revision`, published `now`, is in effect everywhere; an earlier one is no
    /// longer awaited. Whether there was one.
    ///
    /// Where no worker is known that could run it, it is awaited but not timed: no change is slow because the first
    /// Envoy starts an hour later. Nor is a worker timed that is first seen after `now`.
    pub fn await_revision(&mut self, revision: Revision, accepted: Instant, now: Instant) -> bool {
        self.history.add(revision, now);
        let anybody = self.live(now).next().is_some();
        self.effects.begin(Awaited { revision, accepted: anybody.then_some(accepted), published: now })
    }

    /// Takes an Envoy's report in; it replaces all that Envoy said before.
    ///
    /// # Errors
    /// When too many report; what was known stays.
    pub fn take(&mut self, report: Report, now: Moment) -> Result<Taken, TooMany> {
        let is_due = self.swept.is_none_or(|swept| now.steady.saturating_duration_since(swept) >= SWEPT);
        if is_due || !self.has_room_for(&report) {
            self.forget_gone(now.steady);
        }
        if !self.has_room_for(&report) {
            return Err(TooMany);
        }
        let id = report.node.id.clone();
        let before = self.remove(&id).filter(|before| !before.is_gone(now.steady));
        let (node, verdicts) = Node::of(report, before.as_ref(), now);
        let troubled = before.as_ref().and_then(|before| before.trouble.as_deref());
        let trouble = Trouble::of(&id, troubled, node.trouble.as_deref());
        let before = before.map(|before| before.complaints()).unwrap_or_default();
        let complaints = Change::of(&id, &before, node.complaints());
        self.workers = self.workers.saturating_add(node.workers.len());
        self.nodes.insert(id, node);
        let (awaited, counted) = (self.effects.awaited().map(|awaited| awaited.revision), self.effects.count);
        let effect = self.measure(now.steady);
        Ok(Taken { complaints, trouble, verdicts, awaited, completed: self.effects.count > counted, effect })
    }

    /// Whether there is a place for the Envoy of `report`, and for its VMs.
    fn has_room_for(&self, report: &Report) -> bool {
        let before = self.nodes.get(&report.node.id);
        let others = self.nodes.len().saturating_sub(usize::from(before.is_some()));
        let workers = self.workers.saturating_sub(before.map_or(0, |before| before.workers.len()));
        others < NODE_LIMIT && workers.saturating_add(report.workers.len()) <= WORKER_LIMIT
    }

    fn forget_gone(&mut self, now: Instant) {
        self.swept = Some(now);
        self.nodes.retain(|_, node| !node.is_gone(now));
        self.workers = self.nodes.values().map(|node| node.workers.len()).sum();
    }

    fn remove(&mut self, id: &str) -> Option<Node> {
        let node = self.nodes.remove(id)?;
        self.workers = self.workers.saturating_sub(node.workers.len());
        Some(node)
    }

    /// How far a worker is from what is published; None where it runs that.
    pub fn behind(&self, known: &Known, now: Instant) -> Option<Behind> {
        self.history.behind(known.worker.revision, known.seen, now)
    }

    /// Whether a worker should run what is published and does not.
    pub fn is_stale(&self, known: &Known, now: Instant) -> bool {
        known.worker.serves() && self.behind(known, now).is_some_and(|behind| behind.time > STALE)
    }

    /// How many of what there are.
    pub fn tally(&self, now: Instant) -> Tally {
        let mut tally = Tally::default();
        let count = |number: &mut u64, one: bool| *number = number.saturating_add(u64::from(one));
        for (_, node) in self.iter(now) {
            count(&mut tally.nodes, true);
            count(&mut tally.silent, node.is_silent(now));
            for known in node.serving() {
                count(&mut tally.workers, true);
                count(&mut tally.current, self.behind(known, now).is_none());
                count(&mut tally.stale, self.is_stale(known, now));
                count(&mut tally.refusing, known.worker.refuses());
            }
        }
        tally
    }

    /// What is wrong with the Envoys, but for those that are silent: nobody knows how they are.
    pub fn problems(&self, now: Instant) -> Vec<Finding> {
        let heard = self.nodes.iter().filter(|(_, node)| !node.is_silent(now));
        heard.flat_map(|(id, node)| node.problems(id, now)).collect()
    }

    fn measure(&mut self, now: Instant) -> Option<Duration> {
        let awaited = self.effects.awaited()?;
        if !self.is_in_effect(awaited.revision, now) {
            return None;
        }
        self.effects.complete(self.last_ack(awaited.published, now))
    }

    /// Whether each of the live workers runs `revision` or a later one; not where there is none.
    pub fn is_in_effect(&self, revision: Revision, now: Instant) -> bool {
        let mut live = self.live(now).peekable();
        live.peek().is_some()
            && live.all(|known| known.worker.revision.is_some_and(|runs| self.history.has(runs, revision)))
    }

    /// When the last of the live workers that were seen by the time of a publication was first seen on what it runs; None
    /// where there is none. One that came later was not there to be waited for.
    fn last_ack(&self, published: Instant, now: Instant) -> Option<Instant> {
        self.live(now).filter(|known| known.seen <= published).map(|known| known.since.steady).max()
    }

    /// The workers that are waited for: those that serve requests, of Envoys that are not silent.
    fn live(&self, now: Instant) -> impl Iterator<Item = &Known> {
        self.nodes.values().filter(move |node| !node.is_silent(now)).flat_map(Node::serving)
    }
}

#[cfg(test)]
mod tests;
