//! How many requests a second this Envoy serves on this machine, and what it looks like on the way there.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{
    course::Course,
    traffic::{Pace, Record},
    trial::failures,
    ways::Way,
};
use crate::{bench::statistics::median, load::Latencies};

/// Percent of the saturation that are tried with an open loop.
const STEPS: [f64; 4] = [30.0, 60.0, 90.0, 110.0];
/// How often each way is saturated: the ways in turns.
const TURNS: usize = 3;

/// What was found, for each way.
pub(super) struct Saturation {
    /// Answers a second with a closed loop on every connection: the median of the turns.
    most: [f64; 2],
    steps: Vec<Step>,
    pub(super) requests: usize,
    pub(super) failed: usize,
}

struct Step {
    way: Way,
    percent: f64,
    offered: f64,
    answered: f64,
    latencies: Latencies,
}

impl Saturation {
    /// Measures it; each turn and each step takes `time`.
    pub(super) fn measure(course: &Course, time: Duration) -> Self {
        let mut found = Self { most: [0.0; 2], steps: Vec::new(), requests: 0, failed: 0 };
        let mut turns = Way::ALL.map(|_| Vec::new());
        for _ in 0..TURNS {
            for way in Way::ALL {
                turns[way.lane()].push(found.rate(course, Pace::Closed { lane: way.lane() }, time).0);
            }
        }
        found.most = turns.map(median);
        for percent in STEPS {
            for way in Way::ALL {
                let offered = found.most[way.lane()] * percent / 100.0;
                let (answered, records) =
                    found.rate(course, Pace::Open { lane: way.lane(), per_second: offered }, time);
                let latencies = records.iter().map(Record::latency).collect();
                found.steps.push(Step { way, percent, offered, answered, latencies });
            }
        }
        found
    }

    /// The saturation of the way that saturates first.
    pub(super) fn lower(&self) -> f64 {
        self.most.into_iter().fold(f64::INFINITY, f64::min)
    }

    /// Answers a second while requests are sent at `pace`, and the requests.
    fn rate(&mut self, course: &Course, pace: Pace, time: Duration) -> (f64, Vec<Record>) {
        course.traffic.set(pace);
        let begin = Instant::now();
        std::thread::sleep(time);
        let records = course.traffic.take();
        let rate = records.len() as f64 / begin.elapsed().as_secs_f64();
        course.traffic.set(Pace::Idle);
        // What is under way ends before the next one begins.
        std::thread::sleep(time / 10);
        let rest = course.traffic.take();
        self.requests += records.len() + rest.len();
        self.failed += failures(&records) + failures(&rest);
        (rate, records)
    }
}

impl fmt::Display for Saturation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "saturation, closed loop, requests a second (Envoy, load, upstreams and control share the cores)")?;
        for way in Way::ALL {
            writeln!(f, "  {:<10} {:>7.0}", way.name(), self.most[way.lane()])?;
        }
        writeln!(f, "open loop, in percent of that")?;
        for Step { way, percent, offered, answered, latencies } in &self.steps {
            let name = way.name();
            writeln!(
                f,
                "  {name:<10} {percent:>4.0} %   offered {offered:>6.0}   answered {answered:>6.0}   {latencies}"
            )?;
        }
        Ok(())
    }
}
