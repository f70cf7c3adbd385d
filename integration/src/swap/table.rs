//! The report: the pauses beside their bars, and what Envoys weigh.

use std::fmt::{self, Write};

use super::{
    Measured, Options, PER_SECOND, WORKERS,
    memory::{FEW, MANY, Weight},
};
use crate::program::{Outcome, machine};

/// How long a VM may be kept from requests, in microseconds: half of the times, and 99 times of 100.
const MEDIAN_BAR: f64 = 1000.0;
const HIGH_BAR: f64 = 2000.0;

/// Everything that was measured, as text, and whether it is good enough.
pub(super) fn outcome(options: &Options, measured: &Measured) -> Outcome {
    let mut report = String::new();
    write(&mut report, options, measured).expect("a String takes everything");
    let passed = measured.quantiles.median <= MEDIAN_BAR && measured.quantiles.high <= HIGH_BAR;
    Outcome { report, passed }
}

fn write(out: &mut String, options: &Options, measured: &Measured) -> fmt::Result {
    let Measured { snapshot, quantiles, latencies, requests, .. } = measured;
    let Options { swaps, rules } = options;
    writeln!(out, "A new revision of {rules} rules of workload W, whose snapshot has {snapshot} bytes")?;
    writeln!(out, "{}; {WORKERS} workers that swap at once, and behind them the main thread's VM", machine())?;
    writeln!(out, "\n{swaps} revisions by the update path, {} pauses as the filter measured them", quantiles.count)?;
    bar(out, "p50", quantiles.median, Some(MEDIAN_BAR))?;
    bar(out, "p99", quantiles.high, Some(HIGH_BAR))?;
    bar(out, "max", quantiles.most, None)?;
    writeln!(out, "meanwhile {requests} requests, {PER_SECOND} a second, none failed: {latencies}")?;
    weights(out, options, measured)
}

fn bar(out: &mut String, name: &str, microseconds: f64, bar: Option<f64>) -> fmt::Result {
    write!(out, "  {name} {:6.2} ms", microseconds / 1e3)?;
    if let Some(bar) = bar {
        let met = if microseconds <= bar { "met" } else { "missed" };
        write!(out, "   bar {met}: at most {:.2} ms", bar / 1e3)?;
    }
    writeln!(out)
}

fn weights(out: &mut String, options: &Options, measured: &Measured) -> fmt::Result {
    let weights = &measured.weights;
    let rules = options.rules;
    writeln!(out, "\nresident memory of Envoy, in MB, with {FEW} worker and with {MANY}")?;
    writeln!(out, "{:<44} {FEW:>8} {MANY:>8} {:>12}", "", "each worker")?;
    row(out, "no filter, three routes", weights.no_filter)?;
    row(out, &format!("no filter, {rules} routes"), weights.routes)?;
    row(out, "Graylane without rules", weights.no_rules)?;
    row(out, &format!("Graylane, {rules} rules, after a swap"), weights.rules)?;
    let more = |with: Weight, without: Weight| Weight { few: with.few - without.few, many: with.many - without.many };
    row(out, "the routes alone", more(weights.routes, weights.no_filter))?;
    row(out, "the rules alone", more(weights.rules, weights.no_rules))
}

fn row(out: &mut String, name: &str, weight: Weight) -> fmt::Result {
    let Weight { few, many } = weight;
    writeln!(out, "{name:<44} {:>8.1} {:>8.1} {:>12.2}", few / 1e6, many / 1e6, weight.each() / 1e6)
}
