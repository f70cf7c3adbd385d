//! Which member is asked first.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So long a member that failed is asked last.
const REST: Duration = Duration::from_secs(10);

/// The members, by their place in the URL.
#[derive(Debug)]
pub(super) struct Endpoints {
    names: Vec<String>,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// Who answered last.
    preferred: usize,
    /// Until when each rests.
    rests: Vec<Option<Instant>>,
}

impl Endpoints {
    pub(super) fn new(names: Vec<String>) -> Self {
        let rests = vec![None; names.len()];
        Self { names, known: Mutex::new(Known { preferred: 0, rests }) }
    }

    /// `HOST:PORT` of a member.
    pub(super) fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }

    /// All of them: whoever answered last, those after it in the URL, and those that failed a short while ago last.
    pub(super) fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let known = self.known();
        let resting = |place: &usize| known.rests.get(*place).copied().flatten().filter(|until| *until > now);
        let mut order: Vec<_> = (known.preferred..self.names.len()).chain(0..known.preferred).collect();
        order.sort_by_key(|place| resting(place));
        order
    }

    /// It answered.
    pub(super) fn answered(&self, place: usize) {
        let mut known = self.known();
        known.preferred = place;
        if let Some(rest) = known.rests.get_mut(place) {
            *rest = None;
        }
    }

    /// It did not.
    pub(super) fn failed(&self, place: usize) {
        let until = Instant::now().checked_add(REST);
        if let Some(rest) = self.known().rests.get_mut(place) {
            *rest = until;
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answered_is_first_and_who_failed_is_last() {
        let endpoints = Endpoints::new(vec!["a:1".to_owned(), "b:1".to_owned(), "c:1".to_owned()]);
        assert_eq!(endpoints.order(), [0, 1, 2]);
        endpoints.failed(0);
        assert_eq!(endpoints.order(), [1, 2, 0]);
        endpoints.answered(2);
        assert_eq!(endpoints.order(), [2, 1, 0]);
        endpoints.failed(1);
        assert_eq!(endpoints.order(), [2, 0, 1], "who failed first has rested longest");
        endpoints.answered(0);
        assert_eq!(endpoints.order(), [0, 2, 1]);
        assert_eq!(endpoints.name(2), "c:1");
    }
}
