//! The report: line by line, then the first line beside the last, with a verdict on each figure.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use super::{Cost, Line, Options, Step, Update, Vitals, WORKERS};
use crate::{
    bench::statistics::median,
    load::{Latencies, milliseconds},
    program::{Outcome, machine},
    race::trial::Counts,
};

const MIB: f64 = 1024.0 * 1024.0;
/// The series of decisions that a VM counts apart; one more stands for all others.
const SERIES_A_WORKER: usize = 1000;

/// What a series costs Envoy's heap at most, in MiB; it is never freed.
const SERIES_COSTS: f64 = 640.0 / MIB;

/// How much more the last line may have than the first: so many percent, so much besides, and so much for each series
/// that came meanwhile.
#[derive(Clone, Copy)]
struct Tolerance {
    percent: f64,
    plus: f64,
    a_series: f64,
}

/// A figure of a line, and how much it may grow.
struct Figure {
    name: &'static str,
    of: fn(&Line) -> f64,
    tolerance: Tolerance,
}

const fn within(percent: f64, plus: f64) -> Tolerance {
    Tolerance { percent, plus, a_series: 0.0 }
}

/// The same for Envoy's memory, which holds the metrics, too.
const fn with_series(percent: f64, plus: f64) -> Tolerance {
    Tolerance { percent, plus, a_series: SERIES_COSTS }
}

/// Every figure that must stay flat. The timings get room for what else a machine does.
const FIGURES: [Figure; 12] = [
    Figure {
        name: "Envoy: resident memory, MiB",
        of: |line| vital(line, |one| one.envoy / MIB),
        tolerance: with_series(2.0, 2.0),
    },
    Figure {
        name: "Envoy: heap in use (shared data, queues, metrics), MiB",
        of: |line| vital(line, |one| one.heap / MIB),
        tolerance: with_series(0.0, 0.5),
    },
    Figure { name: "Envoy: VMs alive", of: |line| vital(line, |one| one.vms), tolerance: within(0.0, 0.0) },
    Figure {
        name: "Envoy: VMs ever created",
        of: |line| vital(line, |one| one.vms_created),
        tolerance: within(0.0, 0.0),
    },
    Figure {
        name: "Envoy: metrics but the series of decisions",
        of: |line| vital(line, |one| one.metrics),
        tolerance: within(0.0, 8.0),
    },
    Figure {
        name: "control: resident memory, MiB",
        of: |line| vital(line, |one| one.control / MIB),
        tolerance: within(5.0, 2.0),
    },
    Figure {
        name: "rename to the last request by the old rules, p50, ms",
        of: |line| effect(line, 50.0),
        tolerance: within(25.0, 1.0),
    },
    Figure { name: "the same, p99, ms", of: |line| effect(line, 99.0), tolerance: within(100.0, 10.0) },
    Figure {
        name: "accepted to the last worker's report, by control, p50, ms",
        of: |line| reported(line, 50.0),
        tolerance: within(25.0, 1.0),
    },
    Figure { name: "the same, p99, ms", of: |line| reported(line, 99.0), tolerance: within(100.0, 10.0) },
    Figure { name: "latency of the requests, p50, ms", of: |line| latency(line, 50.0), tolerance: within(25.0, 0.2) },
    Figure { name: "the same, p99, ms", of: |line| latency(line, 99.0), tolerance: within(100.0, 5.0) },
];
/// How much dearer a request may be than in a fresh Envoy.
const DEARER: Tolerance = within(10.0, 2.0);

fn vital(line: &Line, of: impl Fn(&Vitals) -> f64) -> f64 {
    median(line.vitals.iter().map(of))
}

fn percentile(taken: impl Iterator<Item = Duration>, percent: f64) -> f64 {
    milliseconds(taken.collect::<Latencies>().percentile(percent))
}

fn effect(line: &Line, percent: f64) -> f64 {
    percentile(line.updates.iter().filter_map(|update| update.last_old), percent)
}

fn reported(line: &Line, percent: f64) -> f64 {
    percentile(line.updates.iter().filter_map(|update| update.reported), percent)
}

fn latency(line: &Line, percent: f64) -> f64 {
    percentile(line.updates.iter().flat_map(|update| update.latencies.iter().copied()), percent)
}

fn counts<'u>(updates: impl Iterator<Item = &'u Update>) -> Counts {
    updates.fold(Counts::default(), |mut counts, update| {
        counts.add(update.counts);
        counts
    })
}

/// Everything that was seen, as text, and whether it is good enough.
pub(super) fn outcome(options: &Options, lines: &[Line], cost: Cost) -> Outcome {
    let mut report = String::new();
    let passed = write(&mut report, options, lines, cost).expect("a String takes everything");
    Outcome { report, passed }
}

fn write(out: &mut String, options: &Options, lines: &[Line], cost: Cost) -> Result<bool, fmt::Error> {
    let Options { updates, per_second, connections, .. } = options;
    writeln!(out, "{updates} updates, one after another, under {per_second} requests a second, open loop")?;
    writeln!(out, "{}; {WORKERS} workers, {connections} connections to each", machine())?;
    line_by_line(out, lines)?;
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(false) };
    writeln!(out, "\n{:<58} {:>9} {:>9}  may grow to", "", "first", "last")?;
    let new_series = (vital(last, |one| one.series) - vital(first, |one| one.series)).max(0.0);
    let mut passed = true;
    for Figure { name, of, tolerance } in FIGURES {
        passed &= verdict(out, name, of(first), of(last), tolerance, new_series)?;
    }
    passed &= series(out, first, last)?;
    writeln!(out, "\n{:<58} {:>9} {:>9}", "", "a fresh", "this one")?;
    passed &=
        verdict(out, "Envoy: CPU time for each request, deciding and all, µs", cost.fresh, cost.soaked, DEARER, 0.0)?;
    writeln!(out, "  ratio {:.3} (95 % interval {:.3} to {:.3})", cost.ratio.value, cost.ratio.low, cost.ratio.high)?;
    passed &= faults(out, lines)?;
    writeln!(out, "\n{}", if passed { "PASSED" } else { "FAILED" })?;
    Ok(passed)
}

fn line_by_line(out: &mut String, lines: &[Line]) -> fmt::Result {
    let heads = [
        "updates",
        "Envoy MiB",
        "heap MiB",
        "control",
        "metrics",
        "series",
        "old p50",
        "old p99",
        "req p50",
        "req p99",
    ];
    writeln!(out, "\n{}", heads.map(|head| format!("{head:>9}")).join(" "))?;
    for line in lines {
        let memory = [vital(line, |one| one.envoy), vital(line, |one| one.heap), vital(line, |one| one.control)];
        let [envoy, heap, control] = memory.map(|bytes| format!("{:>9.2}", bytes / MIB));
        let [metrics, series] =
            [vital(line, |one| one.metrics), vital(line, |one| one.series)].map(|count| format!("{count:>9}"));
        let times = [effect(line, 50.0), effect(line, 99.0), latency(line, 50.0), latency(line, 99.0)];
        let times = times.map(|time| format!("{time:>9.2}")).join(" ");
        writeln!(out, "{:>9} {envoy} {heap} {control} {metrics} {series} {times}", line.updates.len())?;
    }
    Ok(())
}

/// Says whether `last` is no more than `first` with its `tolerance`, when there are so many `new_series`.
fn verdict(
    out: &mut String,
    name: &str,
    first: f64,
    last: f64,
    tolerance: Tolerance,
    new_series: f64,
) -> Result<bool, fmt::Error> {
    let Tolerance { percent, plus, a_series } = tolerance;
    let most = first * (1.0 + percent / 100.0) + plus + a_series * new_series;
    let flat = last <= most;
    let word = if flat { "flat" } else { "NOT FLAT" };
    let besides = if a_series > 0.0 { " + new series" } else { "" };
    writeln!(out, "{name:<58} {first:>9.2} {last:>9.2} {most:>9.2} (+{percent} % + {plus}{besides})  {word}")?;
    Ok(flat)
}

/// These grow with every new name, up to a bound.
fn series(out: &mut String, first: &Line, last: &Line) -> Result<bool, fmt::Error> {
    let [first, last] = [first, last].map(|line| vital(line, |one| one.series));
    let most = (WORKERS * SERIES_A_WORKER + 1) as f64;
    let word = if last <= most { "bounded" } else { "NOT BOUNDED" };
    let name = "Envoy: series of decisions";
    writeln!(out, "{name:<58} {first:>9.2} {last:>9.2} {most:>9.2} ({SERIES_A_WORKER} a worker + 1)  {word}")?;
    Ok(last <= most)
}

fn faults(out: &mut String, lines: &[Line]) -> Result<bool, fmt::Error> {
    let all = || lines.iter().flat_map(|line| &line.updates);
    let of = |step| all().filter(|update| update.step == step).count();
    let (used, workers, control) = (of(Step::Used), of(Step::NotOwned), of(Step::TooManyHeaders));
    writeln!(out, "\nupdates: {used} used, {workers} refused by every VM, {control} refused by control")?;
    let Counts { requests, failed, wrong } = counts(all());
    let passed = failed + wrong == 0 && requests > 0;
    writeln!(out, "requests {requests}, failed {failed}, answered wrongly {wrong}")?;
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_beyond_the_tolerance_is_not_flat() {
        let mut out = String::new();
        let flat = |out: &mut String, last| verdict(out, "x", 100.0, last, within(5.0, 1.0), 1000.0).unwrap();
        assert!(flat(&mut out, 50.0) && flat(&mut out, 106.0) && !flat(&mut out, 106.1));
        let with_series =
            |out: &mut String, last| verdict(out, "x", 100.0, last, with_series(0.0, 0.0), 1000.0).unwrap();
        assert!(with_series(&mut out, 100.6) && !with_series(&mut out, 100.7));
        assert!(out.contains("NOT FLAT"), "{out}");
    }
}
