//! What was published when, and how far behind it a worker is.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use graylane_rules::Revision;

/// So many publications are remembered. To a worker that runs an older one, the oldest of them was the first it missed.
const REMEMBERED: usize = 256;

/// The latest publications, oldest first.
#[derive(Debug, Default)]
pub struct History(VecDeque<(Revision, Instant)>);

/// How far a worker is from what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// So many revisions; None where it runs none, one of another epoch, or a later one.
    pub revisions: Option<u64>,
    /// For so long.
    pub time: Duration,
}

impl History {
    /// Notes a publication.
    pub fn add(&mut self, revision: Revision, at: Instant) {
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((revision, at));
    }

    /// Whether a worker that `runs` this has `revision`: that one, or a later one. One of a later epoch than anything that was
    /// published here is of another server, and takes nothing from this one.
    pub fn has(&self, runs: Revision, revision: Revision) -> bool {
        let latest = self.0.back().map_or(revision.epoch, |(latest, _)| latest.epoch.max(revision.epoch));
        runs >= revision && runs.epoch <= latest
    }

    /// How far behind a worker is that was first `seen` then; None where it `runs` what is published, or nothing is.
    pub fn behind(&self, runs: Option<Revision>, seen: Instant, now: Instant) -> Option<Behind> {
        let &(published, at) = self.0.back()?;
        if runs == Some(published) {
            return None;
        }
        let missed = self.0.iter().find(|(revision, _)| runs.is_none_or(|runs| *revision > runs));
        // One that runs a later revision will not take this one.
        let since = missed.map_or(at, |&(_, at)| at).max(seen);
        let revisions = runs.filter(|runs| runs.epoch == published.epoch);
        Some(Behind {
            revisions: revisions.and_then(|runs| published.number.checked_sub(runs.number)),
            time: now.saturating_duration_since(since),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(text: &str) -> Option<Revision> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_time_runs_from_the_first_revision_that_was_missed() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut history = History::default();
        assert_eq!(history.behind(None, start, at(9)), None, "nothing is published");
        for number in 1..=3 {
            history.add(Revision { epoch: 7, number }, at(number));
        }
        let behind = |runs: Option<Revision>, seen| {
            history.behind(runs, at(seen), at(10)).map(|behind| (behind.revisions, behind.time.as_secs()))
        };
        assert_eq!(behind(revision("7.3"), 0), None);
        assert_eq!(behind(revision("7.2"), 0), Some((Some(1), 7)));
        assert_eq!(behind(revision("7.1"), 0), Some((Some(2), 8)));
        assert_eq!(behind(revision("6.900"), 0), Some((None, 9)));
        assert_eq!(behind(None, 0), Some((None, 9)));
        assert_eq!(behind(None, 4), Some((None, 6)), "it cannot have missed what was there before it");
        assert_eq!(behind(revision("7.4"), 0), Some((None, 7)), "a later one");
        assert_eq!(behind(revision("8.1"), 0), Some((None, 7)));
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let start = Instant::now();
        let mut history = History::default();
        for number in 0..1_000 {
            history.add(Revision { epoch: 7, number }, start + Duration::from_secs(number));
        }
        assert_eq!(history.0.len(), REMEMBERED);
        let behind = history.behind(revision("7.0"), start, start + Duration::from_secs(1_000)).unwrap();
        assert_eq!((behind.revisions, behind.time.as_secs()), (Some(999), 256));
    }
}
