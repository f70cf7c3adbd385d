//! The report: what it was measured on, the table, what each line means.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use super::{
    Measured, Options, PERCENT,
    course::WORKERS,
    trial::{Change, first_new, last_old},
    ways::Way,
};
use crate::{
    bench::statistics::{Estimate, bootstrap, median},
    load::{Latencies, milliseconds},
    program::{Outcome, machine},
};

/// How soon the last worker must have a change made through Graylane, 99 times of 100.
const BAR: Duration = Duration::from_millis(50);

/// Everything that was measured, as text, and whether it is good enough.
pub(super) fn outcome(options: &Options, measured: &Measured) -> Outcome {
    let mut report = String::new();
    write(&mut report, options, measured).expect("a String takes everything");
    let high = percentile(&taken(measured, Way::Graylane, |change| Some(last_old(&change.turns))), 99.0);
    let faults = measured.counts.failed + measured.counts.wrong;
    let passed = high <= BAR && faults == 0;
    let soon = if high <= BAR { "within" } else { "NOT within" };
    let verdict = format!("graylane's p99 of {:.1} ms is {soon} {BAR:?}; faults: {faults}", milliseconds(high));
    writeln!(report, "\n{}: {verdict}", if passed { "PASSED" } else { "FAILED" }).expect("a String takes everything");
    Outcome { report, passed }
}

fn write(out: &mut String, options: &Options, measured: &Measured) -> fmt::Result {
    let Measured { release, saturation, per_second, .. } = measured;
    let watched = if options.watch_directory { "directory" } else { "file" };
    writeln!(
        out,
        "From the rename of a file to the last worker: Graylane beside Envoy's file-based RDS (its {watched} watched)"
    )?;
    writeln!(out, "{}; Envoy {release}, {WORKERS} workers", machine())?;
    writeln!(out, "\n{saturation}")?;
    load(out, options, measured, *per_second)?;
    writeln!(out, "{} changes each way, in random order, seed {}", options.changes, options.seed)?;
    rows(out, measured)?;
    medians(out, measured)?;
    let counts = measured.counts;
    writeln!(out, "\nrequests {}, failed {}, answered wrongly {}", counts.requests, counts.failed, counts.wrong)
}

/// The load, and how finely it sees.
fn load(out: &mut String, options: &Options, measured: &Measured, per_second: f64) -> fmt::Result {
    let each = per_second / WORKERS as f64;
    let connections = options.connections;
    write!(out, "load: {PERCENT:.0} % of the lower one, {per_second:.0} requests a second, open loop, ")?;
    writeln!(out, "{each:.0} through each worker over {connections} connections of its own")?;
    let gaps: Vec<_> = measured.changes.iter().flat_map(|change| change.gaps.iter().copied()).collect();
    let [usual, most] = [50.0, 99.0].map(|percent| milliseconds(percentile(&gaps, percent)));
    let due = 1e3 / each;
    writeln!(out, "resolution: a request of each worker every {due:.2} ms; found {usual:.2} ms, p99 {most:.2} ms")
}

fn rows(out: &mut String, measured: &Measured) -> fmt::Result {
    writeln!(out, "\n{:<58} {:>8} {:>8} {:>8} {:>8}", "ms from the rename", "p50", "p90", "p99", "max")?;
    for way in Way::ALL {
        let name = way.name();
        let last_old = taken(measured, way, |change| Some(last_old(&change.turns)));
        row(out, &format!("{name}: last request by the old value"), &last_old)?;
        let first_new = taken(measured, way, |change| Some(first_new(&change.turns)));
        row(out, &format!("{name}: the last worker's first by the new value"), &first_new)?;
    }
    let reported = taken(measured, Way::Graylane, |change| change.reported);
    row(out, "graylane, by control: accepted to last worker's report", &reported)
}

fn row(out: &mut String, name: &str, taken: &[Duration]) -> fmt::Result {
    write!(out, "{name:<58}")?;
    for percent in [50.0, 90.0, 99.0, 100.0] {
        write!(out, " {:>8.2}", milliseconds(percentile(taken, percent)))?;
    }
    writeln!(out)
}

/// Medians finer than the resolution: the middles between a worker's last old request and its first new one are as
/// often too early as too late.
fn medians(out: &mut String, measured: &Measured) -> fmt::Result {
    let [ours, theirs] = Way::ALL.map(|way| {
        let changes = measured.changes.iter().filter(|change| change.way == way);
        changes.map(|change| change.turns.iter().map(|turn| turn.middle()).collect::<Vec<_>>()).collect::<Vec<_>>()
    });
    let of = |middles: &[Vec<f64>], drawn: &[usize]| median(drawn.iter().flat_map(|&at| middles[at].iter().copied()));
    writeln!(out, "\nmedian moment of a worker's turn, in the middle between its two requests")?;
    for (way, middles) in Way::ALL.into_iter().zip([&ours, &theirs]) {
        let Estimate { value, low, high } = bootstrap(middles.len(), |drawn| of(middles, drawn) * 1e3);
        writeln!(out, "{:<9} {value:>6.2} ms (95 % interval {low:.2} to {high:.2})", way.name())?;
    }
    let rounds = ours.len().min(theirs.len());
    let Estimate { value, low, high } = bootstrap(rounds, |drawn| of(&ours, drawn) / of(&theirs, drawn));
    writeln!(out, "ratio     {value:>6.2} (95 % interval {low:.2} to {high:.2}): graylane's median in rds's")
}

fn taken(measured: &Measured, way: Way, what: impl Fn(&Change) -> Option<Duration>) -> Vec<Duration> {
    measured.changes.iter().filter(|change| change.way == way).filter_map(what).collect()
}

fn percentile(taken: &[Duration], percent: f64) -> Duration {
    taken.iter().copied().collect::<Latencies>().percentile(percent)
}
