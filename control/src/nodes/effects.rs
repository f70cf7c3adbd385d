//! How long a revision takes to be in effect everywhere.

use std::time::{Duration, Instant};

use graylane_rules::Revision;

/// What became of the revisions that were published: each came into effect, was superseded before, or is awaited.
#[derive(Debug, Default)]
pub struct Effects {
    awaited: Option<Awaited>,
    /// How many were in effect in every live worker.
    pub count: u64,
    /// How many were followed by another before they were.
    pub superseded: u64,
    /// How long the last one took that was timed.
    pub last: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Awaited {
    revision: Revision,
    /// None where nobody was there to wait for when it was published.
    accepted: Option<Instant>,
}

impl Effects {
    /// Awaits `revision`, whose change was `accepted` then; None: not to be timed. Whether that supersedes another.
    pub fn begin(&mut self, revision: Revision, accepted: Option<Instant>) -> bool {
        let superseded = self.awaited.replace(Awaited { revision, accepted }).is_some();
        self.superseded = self.superseded.saturating_add(u64::from(superseded));
        superseded
    }

    /// The revision that is awaited.
    pub fn awaited(&self) -> Option<Revision> {
        self.awaited.map(|awaited| awaited.revision)
    }

    /// The awaited revision is in effect, since `last_ack`; gives how long it took, if that was timed.
    pub fn complete(&mut self, last_ack: Instant) -> Option<Duration> {
        let awaited = self.awaited.take()?;
        self.count = self.count.saturating_add(1);
        let took = awaited.accepted.map(|accepted| last_ack.saturating_duration_since(accepted));
        self.last = took.or(self.last);
        took
    }
}
