//! What a new revision of many rules costs those who serve: how long each VM is kept from requests, and how much memory a
//! worker has more.
//!
//! The shipped Envoy with two workers gets [workload W](crate::workload) with 10,000 rules again and again, each time changed in one
//! rule, by the whole update path, while requests flow; what is printed is the filter's own metric. Then Envoys with one worker and
//! with three are weighed: with and without these rules, and with the same rules as Envoy's own routes.

mod histogram;
mod memory;
mod table;

use std::time::Duration;

use crate::{
    Control, Mesh, Running, eventually,
    load::{Latencies, Load},
    program::Outcome,
    workload::Workload,
};
use histogram::Quantiles;
use memory::Weights;

/// How many workers Envoy has.
const WORKERS: usize = 2;
/// How many requests a second.
const PER_SECOND: u32 = 400;
/// The metric.
const METRIC: &str = "graylane_swap_microseconds";

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many revisions, at least 10.
    pub swaps: usize,
    /// How many rules each has, at least 10.
    pub rules: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { swaps: 300, rules: 10_000 }
    }
}

/// What was measured.
struct Measured {
    /// The size of a snapshot, in bytes.
    snapshot: usize,
    quantiles: Quantiles,
    latencies: Latencies,
    requests: usize,
    weights: Weights,
}

/// Measures, and gives the report to print, and whether the bars are met.
///
/// # Panics
/// Where an artefact is missing, something does not start, a revision is not used, or a request fails.
pub fn run(options: &Options) -> Outcome {
    let workload = Workload::of(options.rules);
    let first = workload.numbered(0);
    let snapshot = crate::control::compiled(std::slice::from_ref(&first)).snapshot.len();
    let mesh = Mesh::new("swap").rules(&first).workers(WORKERS).quiet().start();
    let load = Load::of(PER_SECOND).over(16).users(8).start(mesh.envoy().address());
    for number in 1..=options.swaps {
        swap(&mesh, &workload.numbered(number));
        if number % 50 == 0 {
            eprintln!("{number} of {} revisions", options.swaps);
        }
    }
    // The first revision was taken as well.
    let quantiles = Quantiles::await_count(mesh.admin(), METRIC, (options.swaps + 1) * mesh.vms());
    let report = load.stop();
    report.assert_none_failed(options.swaps);
    let (latencies, requests) = (report.latencies(), report.latencies().count());
    drop(mesh);
    let weights = Weights::measure(options.rules, &first, &workload.numbered(1));
    table::outcome(options, &Measured { snapshot, quantiles, latencies, requests, weights })
}

/// Publishes `document` and waits until every VM uses it.
fn swap(mesh: &Running<Control>, document: &str) {
    let revision = || mesh.control.status().ok()?.revision;
    let before = revision();
    // News that a fetcher gets within 20 ms of its question may be 20 a second.
    std::thread::sleep(Duration::from_millis(25));
    mesh.control.rules().write(&[document.to_owned()]);
    eventually("the revision in every VM", || {
        let status = mesh.control.status()?;
        if status.revision == before {
            return Err(format!("found {before:?} still, and the problems {:?}", status.problems));
        }
        status.on_it(mesh.vms())
    });
}
