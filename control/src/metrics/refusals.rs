//! Requests and connections that were refused, by reason.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::access::Refusal;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// The counters; a clone counts on the same ones.
#[derive(Clone, Default)]
pub struct Refusals(Family<Reason, Counter>);

impl Refusals {
    /// All at zero, in `registry`.
    pub fn registered(registry: &mut Registry) -> Self {
        let refusals = Self::default();
        registry.register("refusals", "Requests and connections that were refused", refusals.0.clone());
        // There from the beginning, so that a rate has something to begin with.
        for reason in Refusal::LABELS {
            drop(refusals.0.get_or_create(&Reason { reason }));
        }
        refusals
    }

    /// Counts one, by one of [`Refusal::LABELS`].
    pub fn count(&self, reason: &'static str) {
        self.0.get_or_create(&Reason { reason }).inc();
    }
}
