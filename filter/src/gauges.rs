//! Gauges of the update path: how old the rules may be, and what was refused last.

use std::time::Duration;

use graylane_rules::Revision;

use crate::metrics::Metrics;

/// How often staleness is recorded at most.
const EVERY: Duration = Duration::from_secs(1);

/// What a VM remembers to record gauges.
#[derive(Debug, Default)]
pub struct Gauges {
    /// When staleness was asked for first.
    began: Option<Duration>,
    /// When it is recorded next.
    next: Duration,
    /// How many overrides took no effect when that was recorded last.
    ineffective: usize,
}

impl Gauges {
    /// Records for how many whole seconds the rules may have been stale at `now`: since a control plane delivered, or
    /// `confirmed` that nothing is newer. Where none ever did, the seconds count from the first call on, so that an
    /// Envoy that never reached its control plane is seen as well. Called more often than once a second it does nothing.
    pub fn staleness(&mut self, now: Duration, confirmed: Option<Duration>, metrics: &mut Metrics) {
        let began = *self.began.get_or_insert(now);
        if now < self.next {
            return;
        }
        self.next = now.saturating_add(EVERY);
        let stale = now.saturating_sub(confirmed.unwrap_or(began));
        metrics.record("graylane_staleness_seconds", stale.as_secs());
    }
}

impl Gauges {
    /// Records how many overrides of switches take no effect, where that changed. Where there never were any, nothing is.
    pub fn ineffective(&mut self, count: usize, metrics: &mut Metrics) {
        if count != self.ineffective {
            self.ineffective = count;
            metrics.record("graylane_switch_overrides_ineffective", u64::try_from(count).unwrap_or(u64::MAX));
        }
    }
}

/// Records which revision was refused, and when: `unix_now` is in seconds since 1970. An answer that nothing vouches for has
/// no revision.
pub fn refused(revision: Option<Revision>, unix_now: u64, metrics: &mut Metrics) {
    metrics.record("graylane_last_refusal_timestamp_seconds", unix_now);
    let Some(revision) = revision else { return };
    metrics.record("graylane_refused_revision_epoch", revision.epoch);
    metrics.record("graylane_refused_revision_number", revision.number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::host;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn recorded() -> u64 {
        host(|host| host.metric("graylane_staleness_seconds"))
    }

    #[test]
    fn staleness_counts_from_the_last_confirmation() {
        let (mut gauges, mut metrics) = (Gauges::default(), Metrics::default());
        gauges.staleness(ms(100_000), Some(ms(40_000)), &mut metrics);
        assert_eq!(recorded(), 60);
        gauges.staleness(ms(100_999), Some(ms(100_900)), &mut metrics);
        assert_eq!(recorded(), 60, "a second has not passed");
        gauges.staleness(ms(101_000), Some(ms(100_900)), &mut metrics);
        assert_eq!(recorded(), 0);
        gauges.staleness(ms(102_000), Some(ms(102_500)), &mut metrics);
        assert_eq!(recorded(), 0, "confirmed by a VM whose clock was read later");
    }

    #[test]
    fn without_any_confirmation_it_counts_from_the_beginning() {
        let (mut gauges, mut metrics) = (Gauges::default(), Metrics::default());
        for (now, expected) in [(5_000, 0), (6_500, 1), (65_000, 60)] {
            gauges.staleness(ms(now), None, &mut metrics);
            assert_eq!(recorded(), expected);
        }
    }

    #[test]
    fn a_refusal_leaves_its_revision_and_its_time() {
        let mut metrics = Metrics::default();
        refused(Some(Revision { epoch: 7, number: 3 }), 1_800_000_000, &mut metrics);
        refused(Some(Revision { epoch: 7, number: 4 }), 1_800_000_001, &mut metrics);
        let names = ["last_refusal_timestamp_seconds", "refused_revision_epoch", "refused_revision_number"];
        let values = names.map(|name| host(|host| host.metric(&format!("graylane_{name}"))));
        assert_eq!(values, [1_800_000_001, 7, 4]);
    }
}
