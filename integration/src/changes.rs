//! Changes of rules under load, and when each took effect.

use std::time::{Duration, Instant};

use crate::{
    Control, Running,
    load::{Latencies, Loading, Report},
    samples,
};

/// How many requests to wait for before the first change: the connections are in use then.
pub const WARM_UP: usize = 100;
/// How many requests are served by some rules before the next ones come.
const BETWEEN: usize = 25;

/// A series of changes, each made once every worker had reported the one before.
#[derive(Clone, Debug)]
pub struct Changes(Vec<Change>);

#[derive(Clone, Debug)]
struct Change {
    number: u32,
    /// The moment before the new file was renamed into place.
    renamed: Instant,
    /// From the change that control accepted to the last worker's report, by its clock.
    reported: Duration,
}

impl Changes {
    /// Publishes [`samples::numbered`] 1 to `count`, one after another, while `load` runs.
    pub fn make(count: u32, mesh: &mut Running<Control>, load: &Loading) -> Self {
        let change = |number| {
            let renamed = Instant::now();
            mesh.publish(&[samples::numbered(number)]);
            let reported = mesh.time_to_effect().expect("control measured the time to effect");
            load.await_more(BETWEEN);
            Change { number, renamed, reported }
        };
        Self((1..=count).map(change).collect())
    }

    /// For each change, from its renaming to the sending of the last request that was still decided by the rules before;
    /// zero where there was none.
    ///
    /// # Panics
    /// Where `report` has no answers by the rules before.
    pub fn last_old(&self, report: &Report) -> Latencies {
        let number = |flags: &Option<String>| flags.as_deref().and_then(samples::number);
        let last_old = |change: &Change| {
            let old = report.answers().filter(|(_, outcome)| number(&outcome.flags) < Some(change.number));
            let last = old.map(|(record, _)| record.sent).max().expect("some request was decided by the rules before");
            last.saturating_duration_since(change.renamed)
        };
        self.0.iter().map(last_old).collect()
    }

    /// For each change, from its publication to the report with which the last worker had it, as control measured.
    pub fn reported(&self) -> Latencies {
        self.0.iter().map(|change| change.reported).collect()
    }
}
