//! An Envoy and its VMs, as they last reported.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use graylane_rules::Revision;

use super::{
    complaints::{Complaint, told},
    report::{Fetcher, Report, Worker},
    twins::Twins,
};
use crate::{clock::Moment, finding::Finding};

/// An Envoy that was silent for so long is not waited for.
pub const SILENT: Duration = Duration::from_secs(60);

/// An Envoy that was silent for so long is gone.
pub const GONE: Duration = Duration::from_secs(600);

/// An Envoy, as it last reported.
#[derive(Debug)]
pub struct Node {
    /// Its `--service-cluster`.
    pub cluster: String,
    /// What fetches for it.
    pub fetcher: Option<Fetcher>,
    /// Why that takes nothing at present.
    pub trouble: Option<String>,
    /// When it last reported.
    pub heard: Moment,
    /// Its live VMs.
    pub workers: Vec<Known>,
    /// Whether others report under its id.
    pub twins: Twins,
}

/// A VM, and since when it is how it is.
#[derive(Debug)]
pub struct Known {
    /// What it last said.
    pub worker: Worker,
    /// When it was first seen on the revision it runs, or first seen at all where it runs none.
    pub since: Moment,
    /// When it was first seen.
    pub seen: Instant,
}

/// A VM that began to run a revision, or to refuse one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its name.
    pub worker: String,
    /// The revision.
    pub revision: Revision,
    /// Why it refuses it; None: it runs it.
    pub refused: Option<String>,
}

/// How many VMs began to run a revision, and how many to refuse one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Those that run another revision than before.
    pub acks: u64,
    /// Those that refuse another revision than before.
    pub nacks: u64,
    /// All of them.
    pub told: Vec<Verdict>,
}

impl Node {
    /// The Envoy of `report`, which is that of `before` if there was one; and what is new about its VMs.
    pub fn of(report: Report, before: Option<&Self>, now: Moment) -> (Self, Verdicts) {
        let known = before.map(|before| before.workers.as_slice()).unwrap_or_default();
        let known: BTreeMap<_, _> = known.iter().map(|known| (known.worker.id.as_str(), known)).collect();
        let mut verdicts = Verdicts::default();
        let recognise = |worker: Worker| {
            let before = known.get(worker.id.as_str()).copied();
            let known = Known::of(worker, before, now);
            verdicts.count(&known.worker, before.map(|before| &before.worker));
            known
        };
        let workers: Vec<_> = report.workers.into_iter().map(recognise).collect();
        let twins = before
            .map(|before| before.twins.after(&ids(&before.workers), &ids(&workers), now.steady))
            .unwrap_or_default();
        let Report { node, fetcher, trouble, .. } = report;
        (Self { cluster: node.cluster, fetcher, trouble, heard: now, workers, twins }, verdicts)
    }

    /// Whether nothing was heard of it for a minute.
    pub fn is_silent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard.steady) >= SILENT
    }

    /// Whether nothing was heard of it for ten minutes.
    pub fn is_gone(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard.steady) >= GONE
    }

    /// What its VMs say against revisions.
    pub fn complaints(&self) -> Vec<Complaint> {
        Complaint::all(self.workers.iter().map(|known| &known.worker))
    }

    /// What is wrong with it, whose id is `id`: that others have that id, that it takes nothing, what its VMs say.
    pub fn problems(&self, id: &str, now: Instant) -> Vec<Finding> {
        let trouble =
            self.trouble.as_deref().map(|why| told(id, "trouble", why, "", "an Envoy that takes what is published"));
        let complaints = self.complaints().into_iter().map(|complaint| complaint.finding(id));
        self.twins.finding(id, now).into_iter().chain(trouble).chain(complaints).collect()
    }

    /// Its VMs that serve requests.
    pub fn serving(&self) -> impl Iterator<Item = &Known> {
        // The VM on Envoy's main thread serves none, so nobody waits for it.
        self.workers.iter().filter(|known| known.worker.serves())
    }
}

fn ids(workers: &[Known]) -> Vec<&str> {
    workers.iter().map(|known| known.worker.id.as_str()).collect()
}

impl Known {
    fn of(worker: Worker, before: Option<&Self>, now: Moment) -> Self {
        // A VM never goes back to an older revision, so a report that says so was overtaken by a later one: two fetchers
        // may report for an Envoy, each on a connection of its own, while one of them takes over from the other.
        let overtaken = before.filter(|before| worker.revision < before.worker.revision);
        let worker = overtaken.map_or(worker, |before| before.worker.clone());
        let same = before.filter(|before| before.worker.revision == worker.revision);
        let seen = before.map_or(now.steady, |before| before.seen);
        Self { since: same.map_or(now, |same| same.since), seen, worker }
    }
}

impl Verdicts {
    fn count(&mut self, worker: &Worker, before: Option<&Worker>) {
        let ack = worker.revision.filter(|_| before.and_then(|before| before.revision) != worker.revision);
        let nack = worker.refused.filter(|_| before.and_then(|before| before.refused) != worker.refused);
        self.acks = self.acks.saturating_add(u64::from(ack.is_some()));
        self.nacks = self.nacks.saturating_add(u64::from(nack.is_some()));
        let verdict = |revision, refused| Verdict { worker: worker.id.clone(), revision, refused };
        self.told.extend(ack.map(|revision| verdict(revision, None)));
        self.told.extend(nack.map(|revision| verdict(revision, Some(worker.error.clone().unwrap_or_default()))));
    }
}
