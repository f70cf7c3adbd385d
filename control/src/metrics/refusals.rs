//! Requests and connections that were refused, by reason.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::{access::Refusal, finding::Finding, mutex::locked};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The counters, and who was refused lately; a clone counts on the same ones.
#[derive(Clone, Default)]
pub struct Refusals {
    counters: Family<Reason, Counter>,
    /// By address.
    latest: Arc<Mutex<HashMap<IpAddr, Latest>>>,
}

/// Why somebody was refused.
struct Latest {
    found: String,
    expected: String,
    at: Instant,
}

/// So long a refusal is a problem. A fetcher that is refused asks again within seconds.
const STANDING: Duration = Duration::from_secs(90);

/// Of so many addresses refusals are told at most.
const ADDRESSES: usize = 20;

impl Refusals {
    /// All at zero, in `registry`.
    pub fn registered(registry: &mut Registry) -> Self {
        let refusals = Self::default();
        registry.register("refusals", "Requests and connections that were refused", refusals.counters.clone());
        // There from the beginning, so that a rate has something to begin with.
        for reason in Refusal::LABELS {
            drop(refusals.counters.get_or_create(&Reason { reason }));
        }
        refusals
    }

    /// Counts one, by one of [`Refusal::LABELS`].
    pub fn count(&self, reason: &'static str) {
        self.counters.get_or_create(&Reason { reason }).inc();
    }

    /// Notes that whoever calls from `address` was refused, and why: `found …, expected …`.
    pub fn note(&self, address: IpAddr, why: &str, now: Instant) {
        let Some((found, expected)) = why.strip_prefix("found ").and_then(|why| why.split_once(", expected ")) else {
            return;
        };
        let mut latest = self.latest();
        if latest.len() >= ADDRESSES {
            latest.retain(|_, latest| latest.stands(now));
        }
        if latest.len() < ADDRESSES || latest.contains_key(&address) {
            latest.insert(address, Latest { found: found.to_owned(), expected: expected.to_owned(), at: now });
        }
    }

    /// Who is refused at present, and why: a warning for each address.
    pub fn findings(&self, now: Instant) -> Vec<Finding> {
        let latest = self.latest();
        let standing = latest.iter().filter(|(_, latest)| latest.stands(now));
        let mut findings: Vec<_> = standing
            .map(|(address, latest)| {
                let found = format!("requests that are refused, from {address}: {}", latest.found);
                Finding::odd("--callers", "refused-caller", found, &latest.expected)
            })
            .collect();
        findings.sort_by(|one, other| one.found.cmp(&other.found));
        findings
    }

    fn latest(&self) -> MutexGuard<'_, HashMap<IpAddr, Latest>> {
        locked(&self.latest)
    }
}

impl Latest {
    fn stands(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < STANDING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_is_told_for_a_while_and_of_few_addresses() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let address = |last: u8| IpAddr::from([10, 0, 0, last]);
        refusals.note(address(1), "found a, expected b, or c", start);
        refusals.note(address(1), "found x, expected y", start);
        let found = refusals.findings(start);
        let said = "--callers warning refused-caller: found requests that are refused, from 10.0.0.1: x, better y";
        assert_eq!((found.len(), found[0].to_string().as_str(), found[0].is_error()), (1, said, false));
        (0..=255).for_each(|last| refusals.note(address(last), "found x, expected y", start));
        assert_eq!(refusals.findings(start).len(), ADDRESSES);
        assert!(refusals.findings(start + STANDING).is_empty());
        refusals.note(address(200), "found x, expected y", start + STANDING);
        assert_eq!(refusals.findings(start + STANDING).len(), 1);
    }
}
