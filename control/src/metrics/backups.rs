//! Backups on a schedule.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// How many, and when the last one was.
pub struct Backups {
    outcomes: Family<Outcome, Counter>,
    at: Gauge,
}

impl Backups {
    /// All at zero, in `registry`.
    pub fn registered(registry: &mut Registry) -> Self {
        let outcomes = Family::<Outcome, Counter>::default();
        registry.register("backups", "Backups on a schedule", outcomes.clone());
        for outcome in ["kept", "failed"] {
            drop(outcomes.get_or_create(&Outcome { outcome }));
        }
        let at = Gauge::default();
        let help = "When the last backup was known to hold all there is, in seconds since 1970, 0: never";
        registry.register("backup_timestamp_seconds", help, at.clone());
        Self { outcomes, at }
    }

    /// Says when the last one was taken, before serving began.
    pub fn began_at(&self, at: i64) {
        self.at.set(at);
    }

    /// Counts one that holds all there was `at` that second.
    pub fn succeeded(&self, at: i64) {
        self.outcomes.get_or_create(&Outcome { outcome: "kept" }).inc();
        self.at.set(at);
    }

    /// Counts one that there is not.
    pub fn failed(&self) {
        self.outcomes.get_or_create(&Outcome { outcome: "failed" }).inc();
    }
}
