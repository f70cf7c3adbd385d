//! How often somebody may ask.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// So many are remembered at most.
const REMEMBERED: usize = 50_000;

/// So often it is looked whom to forget, at most.
const SWEEP: Duration = Duration::from_secs(1);

/// So many seconds' worth may come at once.
const BURST: u32 = 4;

/// A bucket of tokens for each `K`, as the generic cell rate algorithm keeps it: the one time at which it is full again.
#[derive(Debug)]
pub struct Rates<K> {
    /// How long one request takes to be forgotten.
    interval: Duration,
    full_again: HashMap<K, Instant>,
    swept: Option<Instant>,
}

impl<K: Eq + Hash> Rates<K> {
    /// `per_second` requests a second and four times as many at once, for each; None for as many as anybody likes.
    pub fn new(per_second: u32) -> Option<Self> {
        let interval = Duration::from_secs(1).checked_div(per_second)?;
        Some(Self { interval, full_again: HashMap::new(), swept: None })
    }

    /// Counts a request of `who`.
    ///
    /// # Errors
    /// How long to wait before the next one.
    pub fn take(&mut self, who: K, now: Instant) -> Result<(), Duration> {
        let burst = Duration::from_secs(u64::from(BURST));
        let full_again = self.full_again.get(&who).copied().unwrap_or(now).max(now);
        let (next, excess) = match full_again.checked_add(self.interval) {
            Some(next) => (next, next.saturating_duration_since(now).checked_sub(burst)),
            None => return Err(burst),
        };
        if let Some(excess) = excess.filter(|excess| !excess.is_zero()) {
            return Err(excess);
        }
        self.make_room(now)?;
        self.full_again.insert(who, next);
        Ok(())
    }

    /// Forgets who has not asked lately, where very many are remembered.
    fn make_room(&mut self, now: Instant) -> Result<(), Duration> {
        if self.full_again.len() < REMEMBERED {
            return Ok(());
        }
        // Not for each request: it looks at all of them.
        if self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP) {
            self.swept = Some(now);
            self.full_again.retain(|_, full_again| *full_again > now);
        }
        if self.full_again.len() < REMEMBERED { Ok(()) } else { Err(SWEEP) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_and_each_has_its_own() {
        let (mut rates, start) = (Rates::new(10).unwrap(), Instant::now());
        assert_eq!((0..100).filter(|_| rates.take("a", start).is_ok()).count(), 40);
        let wait = rates.take("a", start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert!(rates.take("b", start).is_ok());
        assert!(rates.take("a", start + wait).is_ok());
        assert!(rates.take("a", start + wait).is_err());
        let later = start + Duration::from_secs(2);
        assert_eq!((0..100).filter(|_| rates.take("a", later).is_ok()).count(), 19);
        assert!(Rates::<u8>::new(0).is_none());
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let (mut rates, start) = (Rates::new(1).unwrap(), Instant::now());
        let taken = (0..REMEMBERED + 10).filter(|who| rates.take(*who, start).is_ok()).count();
        assert_eq!((taken, rates.full_again.len()), (REMEMBERED, REMEMBERED));
        assert!(rates.take(REMEMBERED + 11, start + Duration::from_millis(1_500)).is_ok());
        assert_eq!(rates.full_again.len(), 1);
    }
}
