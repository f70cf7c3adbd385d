//! Which of several control planes is asked: the first in order that is not resting after a failure.

use std::time::Duration;

use crate::backoff::Backoff;

/// The longest pause where nobody else could be asked.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The longest rest of one control plane while others can be asked. Trying one that hangs costs the others' news 5 s.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The control planes, in order of preference.
#[derive(Debug)]
pub struct Endpoints {
    list: Vec<Endpoint>,
    /// Grows with each failure in a row, whoever failed.
    pause: Backoff,
    not_before: Duration,
}

#[derive(Debug)]
struct Endpoint {
    rest: Backoff,
    until: Duration,
    failed: bool,
}

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The place in the order.
    pub place: usize,
    /// Whether it failed last: it must prove itself before it may hold a question.
    pub on_trial: bool,
}

impl Endpoints {
    /// `count` control planes, none of which failed yet; `seed` is random.
    pub fn new(count: usize, seed: u64) -> Self {
        let endpoint = |place: usize| {
            let seed = seed.wrapping_add(u64::try_from(place).unwrap_or_default());
            Endpoint { rest: Backoff::new(seed, LONGEST_REST), until: Duration::ZERO, failed: false }
        };
        let list = (0..count.max(1)).map(endpoint).collect();
        Self { list, pause: Backoff::new(seed, LONGEST_PAUSE), not_before: Duration::ZERO }
    }

    /// Whom to ask now; None: nobody yet. Where all rest, the one that has rested longest of its time.
    pub fn choose(&self, now: Duration) -> Option<Choice> {
        if now < self.not_before {
            return None;
        }
        let all = || self.list.iter().enumerate();
        let rested = all().find(|(_, endpoint)| now >= endpoint.until);
        let (place, endpoint) = rested.or_else(|| all().min_by_key(|(_, endpoint)| endpoint.until))?;
        Some(Choice { place, on_trial: endpoint.failed })
    }

    /// Notes that `place` failed.
    pub fn failed(&mut self, now: Duration, place: usize) {
        if let Some(endpoint) = self.list.get_mut(place) {
            endpoint.failed = true;
            endpoint.until = now.saturating_add(endpoint.rest.next());
        }
        if self.list.iter().all(|endpoint| now < endpoint.until) {
            self.not_before = now.saturating_add(self.pause.next());
        }
    }

    /// Notes that `place` answered as it should.
    pub fn worked(&mut self, place: usize) {
        self.pause.reset();
        if let Some(endpoint) = self.list.get_mut(place) {
            endpoint.failed = false;
            endpoint.until = Duration::ZERO;
            endpoint.rest.reset();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    const fn choice(place: usize, on_trial: bool) -> Option<Choice> {
        Some(Choice { place, on_trial })
    }

    #[test]
    fn one_alone_pauses_after_a_failure_and_is_on_trial_then() {
        let mut endpoints = Endpoints::new(1, 7);
        assert_eq!(endpoints.choose(ms(0)), choice(0, false));
        endpoints.failed(ms(0), 0);
        assert_eq!((endpoints.choose(ms(49)), endpoints.choose(ms(100))), (None, choice(0, true)));
        for _ in 0..20 {
            endpoints.failed(ms(1000), 0);
        }
        assert_eq!((endpoints.choose(ms(1999)), endpoints.choose(ms(3000))), (None, choice(0, true)));
        endpoints.worked(0);
        endpoints.failed(ms(9000), 0);
        assert_eq!(endpoints.choose(ms(9100)), choice(0, true));
    }

    #[test]
    fn the_next_is_asked_at_once_and_the_first_again_when_it_has_rested() {
        let mut endpoints = Endpoints::new(2, 7);
        endpoints.failed(ms(0), 0);
        assert_eq!((endpoints.choose(ms(0)), endpoints.choose(ms(100))), (choice(1, false), choice(0, true)));
        endpoints.worked(1);
        for _ in 0..20 {
            endpoints.failed(ms(1000), 0);
        }
        assert_eq!((endpoints.choose(ms(30_000)), endpoints.choose(ms(61_000))), (choice(1, false), choice(0, true)));
        endpoints.worked(0);
        assert_eq!(endpoints.choose(ms(61_000)), choice(0, false));
    }

    #[test]
    fn where_all_fail_they_are_tried_in_turn_with_pauses() {
        let mut endpoints = Endpoints::new(2, 7);
        let (mut now, mut asked) = (ms(0), [0, 0]);
        while now < ms(60_000) {
            if let Some(choice) = endpoints.choose(now) {
                asked[choice.place] += 1;
                endpoints.failed(now, choice.place);
            }
            now += ms(100);
        }
        assert!(asked[0] >= 10 && asked[1] >= 10 && asked[0] + asked[1] <= 80, "{asked:?}");
    }
}
