//! Metrics: ids, defined once in a VM.
//!
//! The tags stand in front of a name, in the one form that both Istio's `extraStatTags` and plain `stats_tags` read.

use std::{cell::RefCell, collections::BTreeMap};

use graylane_rules::{Decision, SeriesKey};

use crate::host::{self, Kind};

/// The most (rule, variant) pairs a VM counts apart. Envoy never frees a metric.
const SERIES_LIMIT: usize = 1000;

/// What stands for the rule and the variant of all further pairs, and for names that are no ids.
const OTHER: &str = "_other";

/// The counters of the decisions of one snapshot, defined when first needed. None: the host refused to define it.
#[derive(Debug, Default)]
pub struct Series(RefCell<BTreeMap<SeriesKey, Option<u32>>>);

impl Series {
    /// The counter of `key`, which is made by `define` where there is none yet.
    #[inline]
    fn of(&self, key: SeriesKey, define: impl FnOnce() -> Option<u32>) -> Option<u32> {
        *self.0.try_borrow_mut().ok()?.entry(key).or_insert_with(define)
    }
}

/// The metrics of a VM.
#[derive(Debug, Default)]
pub struct Metrics {
    ids: BTreeMap<String, Option<u32>>,
    series: usize,
}

impl Metrics {
    /// Adds one to the counter `name`.
    pub fn count(&mut self, name: &str) {
        if let Some(id) = self.id(Kind::Counter, name) {
            let _ = host::increment(id);
        }
    }

    /// Sets the gauge `name`.
    pub fn record(&mut self, name: &str, value: u64) {
        if let Some(id) = self.id(Kind::Gauge, name) {
            let _ = host::record(id, value);
        }
    }

    /// Adds a value to the histogram `name`.
    pub fn observe(&mut self, name: &str, value: u64) {
        if let Some(id) = self.id(Kind::Histogram, name) {
            let _ = host::record(id, value);
        }
    }

    /// Counts a decision under its rule and variant, by the `series` of its snapshot.
    #[inline]
    pub fn count_decision(&mut self, series: &Series, decision: &Decision<'_>) {
        if let Some(id) = series.of(decision.series(), || self.series_id(decision.rule_path(), decision.variant())) {
            let _ = host::increment(id);
        }
    }

    #[cold]
    fn series_id(&mut self, rule: &[u8], variant: &[u8]) -> Option<u32> {
        let name = match (label(rule), label(variant)) {
            (Some(rule), Some(variant)) => series_name(rule, variant),
            _ => series_name(OTHER, OTHER),
        };
        if self.ids.contains_key(&name) {
            return self.id(Kind::Counter, &name);
        }
        if self.series >= SERIES_LIMIT {
            return self.id(Kind::Counter, &series_name(OTHER, OTHER));
        }
        self.series = self.series.saturating_add(1);
        self.id(Kind::Counter, &name)
    }

    fn id(&mut self, kind: Kind, name: &str) -> Option<u32> {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = host::define_metric(kind, name).ok();
        self.ids.insert(name.to_owned(), id);
        id
    }
}

fn series_name(rule: &str, variant: &str) -> String {
    format!("rule=.={rule};.;variant=.={variant};.;graylane_requests_total")
}

/// A name that can stand in a metric: what rules call things, and nothing that could end a tag.
fn label(name: &[u8]) -> Option<&str> {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-/".contains(byte);
    std::str::from_utf8(name).ok().filter(|name| (1..=160).contains(&name.len()) && name.as_bytes().iter().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::host;

    #[test]
    fn a_name_is_defined_once_and_a_gauge_keeps_the_last_value() {
        let mut metrics = Metrics::default();
        metrics.count("a");
        metrics.count("a");
        metrics.record("b", 7);
        metrics.record("b", 9);
        assert_eq!(host(|host| host.metrics.clone()), [("a".to_owned(), 2), ("b".to_owned(), 9)]);
    }

    #[test]
    fn series_beyond_the_limit_and_odd_names_share_one() {
        let mut metrics = Metrics::default();
        for rule in 0..SERIES_LIMIT + 5 {
            assert!(metrics.series_id(format!("checkout/r{rule}").as_bytes(), b"canary").is_some());
        }
        let first = metrics.series_id(b"checkout/r0", b"canary");
        assert_eq!(first, Some(0));
        for odd in [&b"a;.;b"[..], b"", b"caf\xc3\xa9", b"\xff"] {
            assert_eq!(metrics.series_id(odd, b"canary"), metrics.series_id(b"new/r", b"canary"));
        }
        assert_eq!(host(|host| host.metrics.len()), SERIES_LIMIT + 1);
    }
}
