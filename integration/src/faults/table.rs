//! The report: a row for each fault, and what is to be said about it.

use std::{
    fmt::{self, Write},
    fs,
    time::Duration,
};

use super::{
    Options, Outcome,
    stage::WORKERS,
    trial::{Failures, Row},
};
use crate::load::Latencies;

/// Everything that was found, as text, and whether it is good enough.
pub(super) fn outcome(options: &Options, rows: &[Row]) -> Outcome {
    let mut report = String::new();
    write(&mut report, options, rows).expect("a String takes everything");
    let passed = rows.iter().all(Row::passed);
    writeln!(report, "\n{}", if passed { "PASSED" } else { "FAILED" }).expect("a String takes everything");
    Outcome { report, passed }
}

impl Row {
    /// Whether every promise was kept, and no request failed that was not to.
    fn passed(&self) -> bool {
        let spared = self.about.harms.is_some() || self.verdict.counted.failed == 0;
        spared && self.verdict.is_kept() && self.verdict.counted.wrong == 0 && self.verdict.counted.numbered > 0
    }

    fn verdict(&self) -> String {
        if self.verdict.is_kept() {
            return "kept".to_owned();
        }
        let broken: Vec<_> =
            self.verdict.broken.iter().map(|(promise, times)| format!("{promise}: {times} times")).collect();
        format!("BROKEN: {}", broken.join("; "))
    }
}

fn write(out: &mut String, options: &Options, rows: &[Row]) -> fmt::Result {
    let Options { times, per_second, seed, .. } = options;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    writeln!(out, "Each fault {times} times under {per_second} requests a second, open loop, {WORKERS} workers")?;
    writeln!(out, "{cores} cores; Linux {}; seed {seed}", kernel.trim())?;
    writeln!(out, "converged: ms from the end of the fault to the sending of the last request decided by older rules")?;
    writeln!(out)?;
    let [requests, failed, wrong] = ["requests", "failed", "wrong variant"];
    writeln!(
        out,
        "{:<24} {requests:>9} {failed:>7} {wrong:>14} {:>9} {:>9} {:>9}  verdict",
        "fault", "conv. p50", "max", "within"
    )?;
    rows.iter().try_for_each(|row| line(out, row))?;
    rows.iter().try_for_each(|row| remarks(out, row))
}

/// What is said about a fault as soon as it is over.
pub(super) fn progress(row: &Row) -> String {
    let mut out = String::new();
    line(&mut out, row).expect("a String takes everything");
    out
}

fn line(out: &mut String, row: &Row) -> fmt::Result {
    let counted = &row.verdict.counted;
    let taken: Latencies = row.converged.iter().copied().collect();
    let [median, most] = [taken.median(), row.converged.iter().max().copied().unwrap_or_default()].map(milliseconds);
    writeln!(
        out,
        "{:<24} {:>9} {:>7} {:>14} {median:>9.1} {most:>9.1} {:>9.0}  {}",
        row.about.name,
        counted.responses,
        counted.failed,
        counted.wrong,
        milliseconds(row.about.within),
        row.verdict()
    )
}

/// How requests failed and why they may, what else was noted, and the proof of what was broken.
fn remarks(out: &mut String, row: &Row) -> fmt::Result {
    if row.failures.is_empty() && row.notes.is_empty() && row.verdict.is_kept() {
        return Ok(());
    }
    writeln!(out, "\n{}", row.about.name)?;
    if let Some(why) = row.about.harms {
        writeln!(out, "  {why}")?;
    }
    for (how, Failures { count, first, last }) in &row.failures {
        let [first, last] = [first, last].map(|seconds| seconds * 1e3);
        writeln!(out, "  {count:>6} × {how}, sent {first:.1} to {last:.1} ms after the beginning")?;
    }
    for (what, count) in &row.notes {
        writeln!(out, "  {count:>6} × {what}")?;
    }
    if !row.verdict.is_kept() {
        writeln!(out, "{}", row.verdict)?;
    }
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
