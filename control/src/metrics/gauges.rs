//! The gauges: how things stand when they are asked for.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use graylane_rules::Revision;
use jiff::Timestamp;

use crate::{finding::Finding, nodes::Tally};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Problem {
    severity: &'static str,
}

/// How a namespace stands.
pub struct Standing {
    /// What is published, and when it was.
    pub published: Option<(Revision, Timestamp)>,
    /// Until when its envelope may be accepted, in seconds since 1970; 0: for ever, or there is none.
    pub expires: u64,
    /// How many keys sign.
    pub keys: usize,
    /// How many long polls wait.
    pub waiting: usize,
    /// How many listen to events.
    pub listeners: usize,
    /// What is wrong, or odd.
    pub problems: Vec<Finding>,
    /// Who runs what.
    pub tally: Tally,
}

/// All the gauges.
pub struct Gauges {
    epoch: Gauge,
    number: Gauge,
    published: Gauge,
    problems: Family<Problem, Gauge>,
    waiting: Gauge,
    listeners: Gauge,
    nodes: Gauge,
    silent: Gauge,
    workers: Gauge,
    current: Gauge,
    stale: Gauge,
    refusing: Gauge,
    keys: Gauge,
    expiry: Gauge,
}

impl Gauges {
    /// All at zero, in `registry`.
    pub fn registered(registry: &mut Registry) -> Self {
        let problems = Family::default();
        registry.register("problems", "What is wrong, or odd", problems.clone());
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        Self {
            epoch: gauge("published_revision_epoch", "The epoch of what is published, 0: nothing is"),
            number: gauge("published_revision_number", "The number of what is published, within its epoch"),
            published: gauge("published_timestamp_seconds", "When it was published, in seconds since 1970"),
            problems,
            waiting: gauge("polls_waiting", "Long polls that wait"),
            listeners: gauge("event_listeners", "Listeners to the stream of events"),
            nodes: gauge("nodes", "Envoys that reported within ten minutes"),
            silent: gauge("nodes_silent", "Envoys that did not report within a minute"),
            workers: gauge("workers", "Workers of Envoys: the VMs that serve requests"),
            current: gauge("workers_current", "Workers that run what is published"),
            stale: gauge("workers_stale", "Workers that do not run it, a second after they should"),
            refusing: gauge("workers_refusing", "Workers that refuse a revision, or cannot use theirs everywhere"),
            keys: gauge("signing_keys", "Keys that sign, 0: envelopes are not signed"),
            expiry: gauge(
                "envelope_expiry_timestamp_seconds",
                "Until when the envelope may be accepted, in seconds since 1970, 0: for ever",
            ),
        }
    }

    /// Sets them all.
    pub fn set(&self, standing: &Standing) {
        let revision = standing.published.map(|(revision, _)| revision).unwrap_or_default();
        self.epoch.set(signed(revision.epoch));
        self.number.set(signed(revision.number));
        self.published.set(standing.published.map_or(0, |(_, at)| at.as_second()));
        self.expiry.set(signed(standing.expires));
        self.keys.set(signed(standing.keys));
        self.waiting.set(signed(standing.waiting));
        self.listeners.set(signed(standing.listeners));
        self.set_problems(&standing.problems);
        self.set_tally(&standing.tally);
    }

    fn set_problems(&self, problems: &[Finding]) {
        for severity in ["error", "warning"] {
            let count = problems.iter().filter(|problem| problem.severity == severity).count();
            self.problems.get_or_create(&Problem { severity }).set(signed(count));
        }
    }

    fn set_tally(&self, tally: &Tally) {
        self.nodes.set(signed(tally.nodes));
        self.silent.set(signed(tally.silent));
        self.workers.set(signed(tally.workers));
        self.current.set(signed(tally.current));
        self.stale.set(signed(tally.stale));
        self.refusing.set(signed(tally.refusing));
    }
}

fn signed(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
