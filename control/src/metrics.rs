//! What Prometheus is told at `/metrics`, as OpenMetrics text. Each name begins with `graylane_control_`.
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `published_revision_epoch` | gauge | | the epoch of what is published; 0: nothing is |
//! | `published_revision_number` | gauge | | its number within the epoch |
//! | `published_timestamp_seconds` | gauge | | when it was published |
//! | `publications_total` | counter | | revisions published |
//! | `superseded_total` | counter | | those that another followed before they were in effect everywhere |
//! | `in_effect_total` | counter | | those that every live worker ran |
//! | `time_to_effect_seconds` | histogram | | from the change of a file to the ack of the last live worker that was there when it was published |
//! | `promises_total` | counter | `action`, `kept` | revisions whose acks somebody waited for: `kept="yes"` where the last one came in time |
//! | `rollback_seconds` | histogram | | from the request for a rollback to its last ack, where that was waited for and came |
//! | `backups_total` | counter | `outcome` | backups on a schedule: `kept`, also where nothing was new, and `failed` |
//! | `backup_timestamp_seconds` | gauge | | when the last backup was known to hold all there is; 0: never |
//! | `problems` | gauge | `severity` | what `/status` lists as problems |
//! | `refused_documents_total` | counter | | documents with errors, counted at each change that left some |
//! | `polls_waiting` | gauge | | long polls that wait |
//! | `polls_total` | counter | `answer` | polls answered: `snapshot`, `nothing`, `format`, `invalid`, `crowded` |
//! | `connections` | gauge | | connections that are open |
//! | `refusals_total` | counter | `reason` | requests and connections refused: docs/access.md has the reasons |
//! | `certificate_expiry_timestamp_seconds` | gauge | | when the certificate of `--tls-cert` expires; 0: no TLS |
//! | `event_listeners` | gauge | | listeners to the stream of events |
//! | `switch_changes_total` | counter | | switches that a revision gave another value |
//! | `reports_total` | counter | | reports of Envoys taken in |
//! | `acks_total` | counter | | workers that began to run a revision |
//! | `nacks_total` | counter | | workers that began to refuse a revision |
//! | `nodes` | gauge | | Envoys that reported within ten minutes |
//! | `nodes_silent` | gauge | | those that did not within one |
//! | `workers` | gauge | | their workers: the VMs that serve requests |
//! | `workers_current` | gauge | | those that run what is published |
//! | `workers_stale` | gauge | | those that do not, a second after they should |
//! | `workers_refusing` | gauge | | those that refuse a revision, or cannot use theirs everywhere |
//! | `revision_bytes` | gauge | `revision` | bytes of snapshots and envelopes in memory: of what is published, and of what somebody is still being sent; all but the 16 newest together as `earlier` |
//! | `signing_keys` | gauge | | keys that sign; 0: envelopes are not signed |
//! | `signatures_total` | counter | | signatures made |
//! | `envelope_expiry_timestamp_seconds` | gauge | | until when the envelope that would be delivered now may be accepted; 0: for ever |
//!
//! No node or worker is a label, and of revisions only those that are in memory, for as long as they are: there is no end of them.

mod backups;
mod counters;
mod gauges;
mod promises;
mod refusals;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{memory::Memory, nodes::Taken, sealer::Sealer};
pub use backups::Backups;
use counters::Counters;
use gauges::Gauges;
pub use gauges::Standing;
pub use promises::Promises;
pub use refusals::Refusals;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What all names begin with.
const PREFIX: &str = "graylane_control";

/// The upper bounds of the histogram's buckets, in seconds: close together where an effect is expected.
const BUCKETS: [f64; 18] =
    [0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// How a poll was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// With an envelope.
    Snapshot,
    /// 204: nothing is newer.
    Nothing,
    /// 406: in none of the formats asked for.
    Format,
    /// 400 or 404: it was not asked as it should be.
    Invalid,
    /// 503: too many wait.
    Crowded,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Poll {
    answer: &'static str,
}

impl Answer {
    const ALL: [Self; 5] = [Self::Snapshot, Self::Nothing, Self::Format, Self::Invalid, Self::Crowded];

    fn label(self) -> Poll {
        let answer = match self {
            Self::Snapshot => "snapshot",
            Self::Nothing => "nothing",
            Self::Format => "format",
            Self::Invalid => "invalid",
            Self::Crowded => "crowded",
        };
        Poll { answer }
    }
}

/// What is counted while serving, and the registry of it.
pub struct Metrics {
    registry: Registry,
    gauges: Gauges,
    counters: Counters,
    time_to_effect: Histogram,
    polls: Family<Poll, Counter>,
    /// Requests and connections that were refused.
    pub refusals: Refusals,
    /// Connections that are open.
    pub connections: Gauge,
    /// When the server's certificate expires, in seconds since 1970; 0: there is none.
    pub certificate_expiry: Gauge,
    /// Revisions whose acks somebody waited for.
    pub promises: Promises,
    /// Backups on a schedule.
    pub backups: Backups,
    /// What revisions hold.
    pub memory: Memory,
}

impl Metrics {
    /// All at zero; the signatures are those of `sealer`.
    pub fn new(sealer: &Sealer) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let (gauges, counters) = (Gauges::registered(&mut registry), Counters::registered(&mut registry));
        registry.register("signatures", "Signatures made", sealer.signatures.clone());
        let time_to_effect = Histogram::new(BUCKETS);
        let help = "Seconds from the change of a file to the ack of the last live worker that was there before";
        registry.register("time_to_effect_seconds", help, time_to_effect.clone());
        let polls = Family::<Poll, Counter>::default();
        registry.register("polls", "Polls answered", polls.clone());
        // There from the beginning, so that a rate has something to begin with.
        for answer in Answer::ALL {
            drop(polls.get_or_create(&answer.label()));
        }
        let refusals = Refusals::registered(&mut registry);
        let connections = Gauge::default();
        registry.register("connections", "Connections that are open", connections.clone());
        let certificate_expiry = Gauge::default();
        let help = "When the certificate of --tls-cert expires, in seconds since 1970, 0: no TLS";
        registry.register("certificate_expiry_timestamp_seconds", help, certificate_expiry.clone());
        let (promises, backups) = (Promises::registered(&mut registry), Backups::registered(&mut registry));
        let memory = Memory::default();
        registry.register_collector(Box::new(memory.clone()));
        Self {
            registry,
            gauges,
            counters,
            time_to_effect,
            polls,
            refusals,
            connections,
            certificate_expiry,
            promises,
            backups,
            memory,
        }
    }

    /// Counts a poll that was answered.
    pub fn count_poll(&self, answer: Answer) {
        self.polls.get_or_create(&answer.label()).inc();
    }

    /// Counts a publication, the one it superseded, and the switches it changed.
    pub fn count_publication(&self, superseded: bool, switch_changes: usize) {
        self.counters.publications.inc();
        self.counters.switch_changes.inc_by(u64::try_from(switch_changes).unwrap_or(0));
        self.counters.superseded.inc_by(u64::from(superseded));
    }

    /// Counts documents that have errors.
    pub fn count_refused(&self, documents: usize) {
        self.counters.refused_documents.inc_by(u64::try_from(documents).unwrap_or(0));
    }

    /// Counts a report, and what it came to.
    pub fn count_report(&self, taken: &Taken) {
        self.counters.reports.inc();
        self.counters.acks.inc_by(taken.verdicts.acks);
        self.counters.nacks.inc_by(taken.verdicts.nacks);
        self.counters.in_effect.inc_by(u64::from(taken.completed));
        if let Some(effect) = taken.effect {
            self.time_to_effect.observe(effect.as_secs_f64());
        }
    }

    /// The text, with the gauges as things stand.
    pub fn text(&self, standing: &Standing) -> String {
        self.gauges.set(standing);
        let mut text = String::new();
        // Writing into a string fails never.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
