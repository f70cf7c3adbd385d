//! How long to wait after a failure.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);

/// Doubles from 100 ms to a bound with each failure in a row. Each wait is cut by up to half at random, so that the Envoys
/// that lost a control plane together do not come back together.
#[derive(Debug)]
pub struct Backoff {
    failures: u32,
    longest: Duration,
    seed: u64,
}

impl Backoff {
    /// No failure yet; `seed` is random, no wait is longer than `longest`.
    pub fn new(seed: u64, longest: Duration) -> Self {
        Self { failures: 0, longest, seed }
    }

    /// Notes a failure and gives how long to wait.
    pub fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(1)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        // One step of a linear congruential generator (Knuth's MMIX); its upper bits are good enough for this.
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let percent = self.seed.wrapping_shr(33).wrapping_rem(51).saturating_add(50);
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX).saturating_mul(percent);
        Duration::from_millis(millis.wrapping_div(100))
    }

    /// Notes a success.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_start_again() {
        let mut backoff = Backoff::new(42, Duration::from_secs(2));
        for longest in [100, 200, 400, 800, 1600, 2000, 2000, 2000] {
            let millis = backoff.next().as_millis();
            assert!((longest / 2..=longest).contains(&millis), "{millis} of {longest}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
