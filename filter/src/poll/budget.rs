//! How many questions may follow one another without a pause.

use std::time::Duration;

/// So many questions in a row may follow at once upon news that lay ready: a deployment that changes several files one
/// by one, or a person who takes a change back twice, must not wait.
const BURST: u32 = 8;

/// One of them is regained in so long. Twenty snapshots a second are more than people and rollouts publish, and little work
/// for the main thread.
const PACE: Duration = Duration::from_millis(50);

/// What it saves up at most.
const SAVED: Duration = PACE.saturating_mul(BURST);

/// A budget of questions, kept as a single time.
#[derive(Debug, Default)]
pub struct Budget {
    /// When the questions so far would all be paid for, had there been one in each [`PACE`].
    paid: Duration,
}

impl Budget {
    /// Spends a question at `now`, and gives when it may be asked: at once, unless too many were.
    pub fn spend(&mut self, now: Duration) -> Duration {
        self.paid = self.paid.max(now).saturating_add(PACE);
        self.paid.saturating_sub(SAVED).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_burst_is_free_then_it_is_one_in_a_pace_and_rest_makes_up_for_it() {
        let mut budget = Budget::default();
        let burst: Vec<_> = (0..10).map(|_| budget.spend(ms(1000))).collect();
        assert_eq!(burst, [[ms(1000); 8].as_slice(), &[ms(1050), ms(1100)]].concat());
        assert_eq!(budget.spend(ms(1150)), ms(1150), "its turn has come");
        assert_eq!(budget.spend(ms(1150)), ms(1200));
        let rested: Vec<_> = (0..9).map(|_| budget.spend(ms(9000))).collect();
        assert_eq!(rested, [[ms(9000); 8].as_slice(), &[ms(9050)]].concat(), "no more is saved up than a burst");
    }
}
