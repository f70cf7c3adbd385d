//! Snapshots: read, checked, and taken or refused.

use std::time::Duration;

use graylane_rules::{SNAPSHOT_FORMATS, Snapshot};

use super::Worker;
use crate::{gauges, host, loaded::Loaded, metrics::Metrics, pointer::Place, roots::Roots};

/// How often bytes that did not fit are read again without being asked.
const REREAD_EVERY: Duration = Duration::from_secs(1);

/// A snapshot that was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) place: Place,
    pub(super) why: Refused,
    pub(super) retry: Duration,
}

/// Why a snapshot was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// The bytes are not those the pointer promised. Others may be there soon.
    Unfit(String),
    /// They are, and cannot be used.
    Unusable(String),
}

impl Worker {
    /// Whether it refused `place` already, and need not look again.
    pub(super) fn keeps_refusing(&self, place: &Place, called: bool) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| {
            let again = matches!(refusal.why, Refused::Unfit(_)) && (called || host::now() >= refusal.retry);
            refusal.place == *place && !again
        })
    }

    /// Notes that `place` is not taken, and says so once.
    pub(super) fn refuse(&mut self, place: Place, why: Refused, metrics: &mut Metrics) {
        if self.refusal.as_ref().is_none_or(|refusal| refusal.place != place) {
            metrics.count("graylane_snapshots_refused_total");
            gauges::refused(Some(place.revision), host::unix_time(), metrics);
            log::error!("revision {} is not used, {} stays: {}", place.revision, self.in_use(), why.text());
        }
        let retry = host::now().saturating_add(REREAD_EVERY);
        self.refusal = Some(Refusal { place, why, retry });
    }

    fn in_use(&self) -> String {
        self.current.as_ref().map_or_else(|| "what there was (no revision)".to_owned(), |current| current.label.clone())
    }
}

impl Refused {
    pub(super) fn text(&self) -> &str {
        match self {
            Refused::Unfit(why) | Refused::Unusable(why) => why,
        }
    }
}

/// Reads and checks the bytes that lie at `place`.
pub(super) fn load(place: &Place, roots: &Roots) -> Result<Loaded, Refused> {
    if !SNAPSHOT_FORMATS.contains(&place.format) {
        let why = format!("found format {}, expected one of {SNAPSHOT_FORMATS:?}: update the filter", place.format);
        return Err(Refused::Unusable(why));
    }
    let key = place.slot.key().ok_or_else(|| Refused::Unfit("the pointer names no slot".to_owned()))?;
    let (bytes, _) = host::shared(key).map_err(|status| Refused::Unfit(format!("{key} cannot be read: {status:?}")))?;
    if !place.fits(&bytes) {
        return Err(Refused::Unfit(format!("{key} does not hold the bytes that the pointer promises")));
    }
    let snapshot = Snapshot::load(bytes).map_err(|why| Refused::Unusable(why.to_string()))?;
    let loaded = Loaded::fetched(snapshot, place.revision);
    match roots.current_filters().find_map(|filter| filter.objection(&loaded)) {
        Some(objection) => Err(Refused::Unusable(objection)),
        None => Ok(loaded),
    }
}
