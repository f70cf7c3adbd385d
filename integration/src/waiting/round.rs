//! One revision, which wakes everybody.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use graylane_rules::Revision;

use super::Fetchers;
use crate::{Process, bench::statistics::percentile, fleet::Replica};

/// So often the control plane is weighed meanwhile.
const WEIGHED: Duration = Duration::from_millis(5);

/// What one revision took.
#[derive(Debug)]
pub(super) struct Round {
    /// From the publisher's request to its answer.
    pub(super) publish: Duration,
    /// From the answer until so many of a hundred, and the last, had all of it.
    pub(super) median: Duration,
    pub(super) high: Duration,
    pub(super) last: Duration,
    /// From the request until the last had all of it.
    pub(super) whole: Duration,
    /// CPU time of the control plane.
    pub(super) cpu: Duration,
    /// The most resident bytes it had meanwhile.
    pub(super) most: u64,
}

impl Round {
    /// Has `publish` publish, and waits until all of `fetchers` have it.
    pub(super) fn measure(replica: &Replica, fetchers: &mut Fetchers, publish: impl FnOnce() -> Revision) -> Self {
        let (process, done, count) = (replica.process(), AtomicBool::new(false), fetchers.count());
        thread::scope(|scope| {
            let weighing = scope.spawn(|| most(process, &done));
            let weighed = Done(&done);
            let (cpu, asked) = (process.cpu_time(), Instant::now());
            let revision = publish();
            let answered = Instant::now();
            let times = fetchers.await_all(revision, count);
            let cpu = process.cpu_time().saturating_sub(cpu);
            drop(weighed);
            // Who had it before the publisher knew has waited for nothing.
            let of = |part: f64| percentile(&times, part).saturating_duration_since(answered);
            Self {
                publish: answered - asked,
                median: of(0.5),
                high: of(0.99),
                last: of(1.0),
                whole: percentile(&times, 1.0) - asked,
                cpu,
                most: weighing.join().expect("weighing ends by itself"),
            }
        })
    }
}

/// Ends the weighing when it is dropped, by a panic as well.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The most resident bytes until it is done.
fn most(process: &Process, done: &AtomicBool) -> u64 {
    let mut most = 0;
    while !done.load(Ordering::Relaxed) {
        most = most.max(process.resident_bytes());
        thread::sleep(WEIGHED);
    }
    most
}
