//! What Envoys report about themselves, and how long a revision takes to be in effect everywhere.

mod complaints;
mod report;

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use graylane_rules::Revision;
use jiff::Timestamp;

use crate::finding::Finding;
use complaints::{Change, Complaint};

pub use report::{Report, Role, Worker};

/// The most Envoys known at a time.
const NODE_LIMIT: usize = 10_000;

/// The most workers of all Envoys together.
const WORKER_LIMIT: usize = 100_000;

/// An Envoy that was silent for so long is not waited for.
const SILENT: Duration = Duration::from_secs(60);

/// An Envoy that was silent for so long is gone.
const GONE: Duration = Duration::from_secs(600);

/// An Envoy, as it last reported.
#[derive(Debug)]
pub struct Node {
    /// Its `--service-cluster`.
    pub cluster: String,
    /// When it last reported.
    pub last_report: Timestamp,
    /// Its live VMs.
    pub workers: Vec<Worker>,
    heard: Instant,
}

impl Node {
    fn is_heard(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) < SILENT
    }
}

/// The Envoys that report, by node id.
#[derive(Debug, Default)]
pub struct Nodes {
    nodes: BTreeMap<String, Node>,
    awaited: Option<(Revision, Instant)>,
    /// How many revisions were seen in effect everywhere.
    pub effects: u64,
    /// How long the last of them took, from its publication to the report that completed it.
    pub last_effect: Option<Duration>,
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
    /// The Envoys, by node id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(id, node)| (id.as_str(), node))
    }

    /// From `now` on the time runs until `revision` is in effect everywhere; an earlier one is no longer timed.
    pub fn await_revision(&mut self, revision: Revision, now: Instant) {
        self.awaited = Some((revision, now));
    }

    /// Takes an Envoy's report in; it replaces all that Envoy said before. Gives what changed in its complaints.
    ///
    /// # Errors
    /// When too many report; what was known stays.
    pub fn take(&mut self, report: Report, at: Timestamp, now: Instant) -> Result<Change, TooMany> {
        self.nodes.retain(|_, node| now.saturating_duration_since(node.heard) < GONE);
        let others = self.nodes.iter().filter(|(id, _)| **id != report.node.id);
        let (count, workers) = others.fold((0_usize, report.workers.len()), |(count, workers), (_, node)| {
            (count.saturating_add(1), workers.saturating_add(node.workers.len()))
        });
        if count >= NODE_LIMIT || workers > WORKER_LIMIT {
            return Err(TooMany);
        }
        let id = report.node.id;
        let complaints = Complaint::all(&report.workers);
        let node = Node { cluster: report.node.cluster, last_report: at, workers: report.workers, heard: now };
        let before = self.nodes.insert(id.clone(), node);
        self.measure(now);
        let before = before.map(|before| Complaint::all(&before.workers)).unwrap_or_default();
        Ok(Change::of(&id, &before, complaints))
    }

    /// A problem for each thing that the workers of an Envoy say against a revision, unless it is silent.
    pub fn problems(&self, now: Instant) -> Vec<Finding> {
        let heard = self.nodes.iter().filter(|(_, node)| node.is_heard(now));
        let complaints =
            heard.flat_map(|(id, node)| Complaint::all(&node.workers).into_iter().map(move |one| (id, one)));
        complaints.map(|(id, complaint)| complaint.finding(id)).collect()
    }

    fn measure(&mut self, now: Instant) {
        if let Some((revision, since)) = self.awaited
            && self.all_run(revision, now)
        {
            self.awaited = None;
            self.effects = self.effects.saturating_add(1);
            self.last_effect = Some(now.saturating_duration_since(since));
        }
    }

    /// Whether there are workers, and every one of an Envoy that is not silent runs `revision` or a later one.
    fn all_run(&self, revision: Revision, now: Instant) -> bool {
        let heard = self.nodes.values().filter(|node| node.is_heard(now));
        // The VM on Envoy's main thread serves no request, so nobody waits for it.
        let mut workers =
            heard.flat_map(|node| &node.workers).filter(|worker| worker.role != Some(Role::Main)).peekable();
        workers.peek().is_some() && workers.all(|worker| worker.revision.is_some_and(|runs| runs >= revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(node: &str, workers: &[(Option<&str>, Role)]) -> Report {
        let workers = workers.iter().map(|(revision, role)| Worker {
            id: "a1".to_owned(),
            revision: revision.map(|revision| revision.parse().unwrap()),
            formats: vec![1],
            error: None,
            refused: None,
            role: Some(*role),
        });
        Report { node: report::Node { id: node.to_owned(), cluster: String::new() }, workers: workers.collect() }
    }

    fn told(nodes: &mut Nodes, now: Instant, report: Report) {
        nodes.take(report, Timestamp::UNIX_EPOCH, now).unwrap();
    }

    const R2: Revision = Revision { epoch: 1, number: 2 };

    #[test]
    fn time_to_effect_ends_with_the_last_worker_and_waits_for_no_main_thread() {
        let start = Instant::now();
        let later = |ms| start + Duration::from_millis(ms);
        let mut nodes = Nodes::default();
        told(&mut nodes, start, report("b", &[(Some("1.1"), Role::Worker)]));
        nodes.await_revision(R2, start);
        told(&mut nodes, later(5), report("a", &[(Some("1.2"), Role::Worker), (Some("1.1"), Role::Main)]));
        assert_eq!((nodes.effects, nodes.last_effect), (0, None));
        told(&mut nodes, later(9), report("b", &[(Some("1.3"), Role::Worker)]));
        assert_eq!((nodes.effects, nodes.last_effect), (1, Some(Duration::from_millis(9))));
        told(&mut nodes, later(20), report("b", &[(Some("1.3"), Role::Worker)]));
        assert_eq!(nodes.effects, 1);
    }

    #[test]
    fn silent_envoys_are_not_waited_for_and_gone_ones_are_forgotten() {
        let start = Instant::now();
        let mut nodes = Nodes::default();
        told(&mut nodes, start, report("silent", &[(None, Role::Worker)]));
        nodes.await_revision(R2, start + SILENT);
        told(&mut nodes, start + SILENT, report("a", &[(Some("1.2"), Role::Worker)]));
        assert_eq!(nodes.effects, 1);
        told(&mut nodes, start + GONE, report("a", &[]));
        assert_eq!(nodes.iter().map(|(id, _)| id).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_a_silent_envoy_said_is_no_problem() {
        let start = Instant::now();
        let mut nodes = Nodes::default();
        let mut refusing = report("a", &[(None, Role::Worker)]);
        refusing.workers[0].refused = Some(R2);
        told(&mut nodes, start, refusing);
        assert_eq!(nodes.problems(start)[0].file, "a");
        assert_eq!(nodes.problems(start + SILENT), []);
    }

    #[test]
    fn more_than_can_be_kept_is_refused_and_changes_nothing() {
        let now = Instant::now();
        let mut nodes = Nodes::default();
        for id in 0..NODE_LIMIT {
            let node = Node { cluster: String::new(), last_report: Timestamp::UNIX_EPOCH, workers: vec![], heard: now };
            nodes.nodes.insert(id.to_string(), node);
        }
        assert_eq!(nodes.take(report("one more", &[]), Timestamp::UNIX_EPOCH, now).err(), Some(TooMany));
        assert!(nodes.take(report("7", &[]), Timestamp::UNIX_EPOCH, now).is_ok());
    }
}
