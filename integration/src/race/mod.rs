//! A race: how soon a change reaches the last worker through Graylane, and how soon through Envoy's own file-based RDS.
//!
//! One Envoy with two workers has two listeners, each with a way to say which header and which upstream a request gets:
//! rules that `graylane serve` reads from a directory, and a route configuration that Envoy reads from another. The
//! same change is made now here, now there, in an order that is drawn, by renaming a new file into place, while an
//! open-loop load runs over the listener concerned, half of it through each worker. What is measured, alike for both,
//! is the time from the rename to the sending of the last request, on any worker, that was answered by the old value.

pub(crate) mod bootstrap;
mod course;
mod saturation;
mod table;
pub(crate) mod traffic;
pub(crate) mod trial;
pub(crate) mod ways;
pub(crate) mod workers;

use std::time::Duration;

use crate::{bench::statistics::Random, program::Outcome};
use course::Course;
use saturation::Saturation;
use traffic::Pace;
use trial::{Change, Counts};
use ways::Way;

/// Percent of the saturation at which the changes are made.
const PERCENT: f64 = 30.0;
/// The shortest pause before a change: news that a fetcher gets within 20 ms of its question may be 20 a second, lest a
/// control plane gone wild keep an Envoy busy. That is a limit on how often, not on how soon.
const PAUSE: Duration = Duration::from_millis(25);
/// So much longer it may be: drawn, so that no timer runs in step with the changes.
const DRAWN: u64 = 50_000;
/// From so many changes on, the saturation is measured thoroughly.
const THOROUGH: usize = 100;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many changes each way, at least 2.
    pub changes: usize,
    /// How many connections to each worker and listener, at least 1.
    pub connections: usize,
    /// Whether Envoy is told to watch the directory of the route configuration, and not the file.
    pub watch_directory: bool,
    /// What the order and the pauses are drawn by.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { changes: 300, connections: 16, watch_directory: false, seed: 1 }
    }
}

/// What was measured.
struct Measured {
    release: String,
    saturation: Saturation,
    per_second: f64,
    changes: Vec<Change>,
    counts: Counts,
}

/// Measures, and gives the report to print.
///
/// # Panics
/// Where an artefact is missing, something does not start, or a change does not come into effect at all.
pub fn run(options: &Options) -> Outcome {
    let course = Course::start(options);
    let time = if options.changes < THOROUGH { Duration::from_millis(400) } else { Duration::from_secs(2) };
    let saturation = Saturation::measure(&course, time);
    let per_second = saturation.lower() * PERCENT / 100.0;
    let changes = race(&course, options, per_second);
    let mut counts = Counts { requests: saturation.requests, failed: saturation.failed, wrong: 0 };
    changes.iter().for_each(|change| counts.add(change.counts));
    let measured = Measured { release: course.release(), saturation, per_second, changes, counts };
    table::outcome(options, &measured)
}

/// Makes the changes of both ways, in an order of which every one is as likely.
fn race(course: &Course, options: &Options, per_second: f64) -> Vec<Change> {
    let mut random = Random::new(options.seed);
    let mut order: Vec<_> = Way::ALL.into_iter().flat_map(|way| vec![way; options.changes]).collect();
    random.shuffle(&mut order);
    let mut numbers = [0; 2];
    let change = |way: Way| {
        course.traffic.set(Pace::Open { lane: way.lane(), per_second });
        // Each connection twice: what is measured begins on a way that is in use.
        course.traffic.await_more(2 * options.connections * course::WORKERS);
        let pause = PAUSE + Duration::from_micros(random.below(DRAWN));
        let number = &mut numbers[way.lane()];
        *number += 1;
        trial::change(course, way, *number, pause)
    };
    order.into_iter().map(change).collect()
}
