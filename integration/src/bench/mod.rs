//! Measures what deciding costs: CPU time of the Envoy process for each request, one way beside the other.
//!
//! Every round starts new Envoys, with one worker, all pinned to one core, and the load pinned to another. They get the
//! same requests, in short turns whose order is drawn anew. What is compared are differences to the Envoy without a
//! filter within one round, so that a machine that is slower for a while is slower for all. New Envoys for each round,
//! because where a process happens to lie in memory makes it a microsecond faster or slower for as long as it lives:
//! more requests to the same process would only measure that more precisely.
//!
//! Two questions are asked. What does one rule cost: beside the least that a filter can do, the SDK, and Lua. And what do
//! many cost: [workload W](crate::workload) at each size, brought by the update path, beside Envoy's own routes and Lua.

pub(crate) mod arena;
mod bars;
pub(crate) mod contestants;
pub(crate) mod cpu;
mod listener;
pub(crate) mod load;
mod lua;
mod probes;
mod rounds;
mod routes;
pub(crate) mod statistics;
mod table;

use contestants::Contestant;
use cpu::Cores;

use crate::program::Outcome;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many rounds, at least 2.
    pub rounds: usize,
    /// How many requests each way gets in a round, at least 100, and slow ones fewer; half as many warm it up before.
    pub requests: usize,
    /// Names of the ways to measure beside `no filter`; empty means all of them.
    pub only: Vec<String>,
    /// Files of other builds of the filter, measured with the one rule as well.
    pub candidates: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 30, requests: 8_000, only: Vec::new(), candidates: Vec::new() }
    }
}

/// Measures, and gives the report to print, and whether all bars are met.
///
/// # Panics
/// Where an artefact is missing, an Envoy does not start, or a way answers otherwise than it must: then nothing
/// that was measured is worth printing.
pub fn run(options: &Options) -> Outcome {
    let cores = Cores::allowed();
    let mut contestants = Contestant::choose(&options.only);
    // Before those of many rules, which have a table of their own.
    let small = contestants.iter().take_while(|contestant| contestant.rules.is_none()).count();
    contestants.splice(small..small, options.candidates.iter().map(|file| Contestant::candidate(file)));
    let samples = rounds::measure(options, &contestants, &cores);
    let bars = bars::judge(&contestants, &samples);
    let report = table::report(options, &contestants, &samples, &bars, &cores);
    Outcome { report, passed: bars.iter().all(bars::Verdict::is_met) }
}
