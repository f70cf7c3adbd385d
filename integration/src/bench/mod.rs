//! Measures what a filter costs: CPU time of the Envoy process for each request, filter beside filter.
//!
//! Every round starts one Envoy for each filter, with one worker, all pinned to one core, and the load pinned to
//! another. They get the same requests, in short turns whose order is drawn anew. What is compared are differences to
//! the Envoy without a filter within one round, so that a machine that is slower for a while is slower for all. New
//! Envoys for each round, because where a process happens to lie in memory makes it a microsecond faster or slower
//! for as long as it lives: more requests to the same process would only measure that more precisely.

mod arena;
pub(crate) mod cpu;
mod filters;
mod load;
mod rounds;
mod snapshot;
pub(crate) mod statistics;
mod table;

use cpu::Cores;
use filters::Filter;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many rounds, at least 2.
    pub rounds: usize,
    /// How many requests each Envoy gets in a round, at least 100; half as many warm it up before.
    pub requests: usize,
    /// Names of the filters to measure beside `no filter`; empty means all of them, and the snapshot's loading time.
    pub only: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 10, requests: 10_000, only: Vec::new() }
    }
}

/// Measures, and gives the report to print.
///
/// # Panics
/// Where an artefact is missing, an Envoy does not start, or a filter answers otherwise than it must: then nothing
/// that was measured is worth printing.
pub fn run(options: &Options) -> String {
    let cores = Cores::allowed();
    let filters = Filter::choose(&options.only);
    let samples = rounds::measure(options, &filters, &cores);
    let mut report = table::report(options, &filters, &samples, &cores);
    if options.only.is_empty() {
        report.push_str(&snapshot::loading_time().to_string());
    }
    report
}
