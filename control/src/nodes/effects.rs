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

/// A revision that is to come into effect.
#[derive(Clone, Copy, Debug)]
pub struct Awaited {
    /// Which.
    pub revision: Revision,
    /// When its change was accepted; None, and it is not timed, where nobody was there to wait for when it was published.
    pub accepted: Option<Instant>,
    /// When it was published.
    pub published: Instant,
}

impl Effects {
    /// Awaits a revision. Whether that supersedes another.
    pub fn begin(&mut self, awaited: Awaited) -> bool {
        let superseded = self.awaited.replace(awaited).is_some();
        self.superseded = self.superseded.saturating_add(u64::from(superseded));
        superseded
    }

    /// The revision that is awaited.
    pub fn awaited(&self) -> Option<Awaited> {
        self.awaited
    }

    /// The awaited revision is in effect, since `last_ack`, which is None where none of those who waited for it is left;
    /// gives how long it took, if that was timed.
    pub fn complete(&mut self, last_ack: Option<Instant>) -> Option<Duration> {
        let awaited = self.awaited.take()?;
        self.count = self.count.saturating_add(1);
        let took = last_ack.zip(awaited.accepted).map(|(last, accepted)| last.saturating_duration_since(accepted));
        self.last = took.or(self.last);
        took
    }
}
