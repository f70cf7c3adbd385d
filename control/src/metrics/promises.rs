//! Revisions whose acks somebody waited for: whether the last one came in time, and how soon.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use super::BUCKETS;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    action: &'static str,
    kept: &'static str,
}

/// The counter, and how long rollbacks took.
pub struct Promises {
    outcomes: Family<Outcome, Counter>,
    rollbacks: Histogram,
}

impl Promises {
    /// All at zero, in `registry`.
    pub fn registered(registry: &mut Registry) -> Self {
        let outcomes = Family::<Outcome, Counter>::default();
        registry.register("promises", "Revisions whose acks somebody waited for", outcomes.clone());
        // The promise people are woken for is there from the beginning, so that a rate has something to begin with.
        for kept in ["yes", "no"] {
            drop(outcomes.get_or_create(&Outcome { action: "rollback", kept }));
        }
        let rollbacks = Histogram::new(BUCKETS);
        let help = "Seconds from the request for a rollback to its last ack, where that was waited for and came";
        registry.register("rollback_seconds", help, rollbacks.clone());
        Self { outcomes, rollbacks }
    }

    /// Counts one: its last ack came after so many seconds, if it did, and was promised within so many.
    pub fn count(&self, action: &'static str, seconds: Option<f64>, promise: f64) {
        let kept = if seconds.is_some_and(|seconds| seconds <= promise) { "yes" } else { "no" };
        self.outcomes.get_or_create(&Outcome { action, kept }).inc();
        if let Some(seconds) = seconds.filter(|_| action == "rollback") {
            self.rollbacks.observe(seconds);
        }
    }
}
