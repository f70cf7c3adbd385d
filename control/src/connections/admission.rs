//! How many connections there may be.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use prometheus_client::metrics::gauge::Gauge;

use crate::{access::Refusal, mutex::locked};

/// So many that are too many are served all the same, with nothing but why not. Beyond, they are closed without a word.
const TOLD: usize = 64;

/// How many there may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    pub connections: usize,
    /// From one address. Those of loopback count only in all: there a proxy stands for many.
    pub of_address: usize,
}

/// Counts connections.
pub struct Admission {
    limits: Limits,
    gauge: Gauge,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: usize,
    told: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection that is served.
pub struct Admitted {
    /// To be held as long as it is open.
    pub place: Place,
    /// With what each of its requests is to be answered; None: as it is asked.
    pub refused: Option<Refusal>,
}

/// A connection's place among all; free again once this is dropped.
pub struct Place {
    admission: Arc<Admission>,
    /// None: of those that are told why not.
    address: Option<IpAddr>,
}

impl Admission {
    /// Within `limits`; `gauge` shows how many there are.
    pub fn new(limits: Limits, gauge: Gauge) -> Arc<Self> {
        Arc::new(Self { limits, gauge, counts: Mutex::default() })
    }

    /// Takes a connection from `address` in; None where it is to be closed at once.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        let address = address.to_canonical();
        let mut counts = self.counts();
        let of_address = counts.by_address.get(&address).copied().unwrap_or_default();
        let refused = if counts.all >= self.limits.connections {
            Some(Refusal::Connections(self.limits.connections))
        } else if of_address >= self.limits.of_address && !address.is_loopback() {
            Some(Refusal::ConnectionsOfAddress(self.limits.of_address))
        } else {
            None
        };
        if refused.is_none() {
            counts.all = counts.all.saturating_add(1);
            counts.by_address.insert(address, of_address.saturating_add(1));
        } else if counts.told < TOLD {
            counts.told = counts.told.saturating_add(1);
        } else {
            return None;
        }
        self.gauge.inc();
        let place = Place { admission: Arc::clone(self), address: refused.is_none().then_some(address) };
        Some(Admitted { place, refused })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        self.admission.gauge.dec();
        let Some(address) = self.address else {
            counts.told = counts.told.saturating_sub(1);
            return;
        };
        counts.all = counts.all.saturating_sub(1);
        let left = counts.by_address.get(&address).copied().unwrap_or_default().saturating_sub(1);
        if left == 0 {
            counts.by_address.remove(&address);
        } else {
            counts.by_address.insert(address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_address_and_are_free_again() {
        let gauge = Gauge::default();
        let admission = Admission::new(Limits { connections: 5, of_address: 2 }, gauge.clone());
        let from = |text: &str| admission.admit(text.parse().unwrap()).unwrap();
        let one = [from("10.0.0.1"), from("::ffff:10.0.0.1"), from("10.0.0.1")];
        let refused = |admitted: &Admitted| admitted.refused.clone();
        assert_eq!(one.each_ref().map(refused), [None, None, Some(Refusal::ConnectionsOfAddress(2))]);
        let local: Vec<_> = (0..4).map(|_| from("127.0.0.1")).collect();
        assert_eq!(refused(&local[2]), None, "loopback counts only in all");
        assert_eq!((refused(&local[3]), gauge.get()), (Some(Refusal::Connections(5)), 7));
        drop(one);
        assert_eq!((refused(&from("10.0.0.1")), gauge.get()), (None, 5));
        drop(local);
        assert_eq!((gauge.get(), admission.counts().by_address.len()), (0, 0));
    }

    #[test]
    fn of_those_that_are_too_many_only_some_are_told() {
        let admission = Admission::new(Limits { connections: 0, of_address: 1 }, Gauge::default());
        let address = "10.0.0.1".parse().unwrap();
        let told: Vec<_> = (0..TOLD + 9).filter_map(|_| admission.admit(address)).collect();
        assert_eq!(told.len(), TOLD);
        drop(told);
        assert!(admission.admit(address).is_some());
    }
}
