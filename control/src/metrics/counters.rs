//! The counters: what happened since serving began.

use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// All that have no label and nobody else counts.
pub struct Counters {
    pub publications: Counter,
    pub superseded: Counter,
    pub in_effect: Counter,
    pub refused_documents: Counter,
    pub switch_changes: Counter,
    pub reports: Counter,
    pub acks: Counter,
    pub nacks: Counter,
}

impl Counters {
    /// All at zero, in `registry`.
    pub fn registered(registry: &mut Registry) -> Self {
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        Self {
            publications: counter("publications", "Revisions published"),
            superseded: counter("superseded", "Revisions that another followed before they were in effect everywhere"),
            in_effect: counter("in_effect", "Revisions that every live worker ran"),
            refused_documents: counter(
                "refused_documents",
                "Documents with errors, counted at each change that left some",
            ),
            switch_changes: counter("switch_changes", "Switches that a revision gave another value"),
            reports: counter("reports", "Reports of Envoys taken in"),
            acks: counter("acks", "Workers that began to run a revision"),
            nacks: counter("nacks", "Workers that began to refuse a revision"),
        }
    }
}
