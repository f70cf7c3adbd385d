//! Envoys that share a node id: the report of each replaces what the other said, and hides how it stands.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::finding::Finding;

/// So many Envoys that another one followed under the id are remembered: one that restarts comes back under other names.
const REMEMBERED: usize = 64;

/// So long after their last turn it counts that they share the id; each of them reports oftener.
const STANDS: Duration = Duration::from_secs(60);

/// Who reported under an id before, and when one of them came back.
///
/// Names of VMs are random, so one that comes back after a report of others never ended. In a hot restart that is so for
/// the old process and the new one, which share the id while the old one drains.
#[derive(Clone, Debug, Default)]
pub struct Twins {
    /// One VM of each that was followed by others, the latest last.
    former: VecDeque<String>,
    /// When one of them was last reported again.
    returned: Option<Instant>,
}

impl Twins {
    /// The same after a report of the VMs `now_told`, which follows one of the VMs `before`.
    pub fn after(&self, before: &[&str], now_told: &[&str], now: Instant) -> Self {
        let mut twins = self.clone();
        let tells = |id: &str| now_told.contains(&id);
        let Some(first) = before.first().filter(|_| !now_told.is_empty()) else { return twins };
        // Reports of one Envoy have a VM in common, even where one overtook another.
        if before.iter().any(|id| tells(id)) {
            return twins;
        }
        if let Some(at) = twins.former.iter().position(|id| tells(id)) {
            twins.former.remove(at);
            twins.returned = Some(now);
        }
        if twins.former.len() >= REMEMBERED {
            twins.former.pop_front();
        }
        twins.former.push_back((*first).to_owned());
        twins
    }

    /// Whether Envoys share the id, as far as was seen in the last minute.
    pub fn stand(&self, now: Instant) -> bool {
        self.returned.is_some_and(|returned| now.saturating_duration_since(returned) < STANDS)
    }

    /// The problem that they do.
    pub fn finding(&self, id: &str, now: Instant) -> Option<Finding> {
        let found = || format!("two Envoys that report as {id:?}");
        let finding = || Finding::about(id, "shared-id", found(), "a node id of its own for each");
        self.stand(now).then(finding)
    }
}
