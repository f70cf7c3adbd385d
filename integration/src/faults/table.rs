//! The report: a row for each fault, and what is to be said about it.

use std::fmt::{self, Write};

use super::{Options, stage::WORKERS, trial::Row};
use crate::{
    load::{Latencies, milliseconds},
    program::{Outcome, machine},
};

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
    writeln!(out, "Each fault {times} times under {per_second} requests a second, open loop, {WORKERS} workers")?;
    writeln!(out, "{}; seed {seed}", machine())?;
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
    for (how, sent) in &row.failures {
        let first = sent.iter().copied().fold(f64::INFINITY, f64::min) * 1e3;
        let last = sent.iter().copied().fold(f64::NEG_INFINITY, f64::max) * 1e3;
        writeln!(out, "  {:>6} × {how}, sent {first:.1} to {last:.1} ms after the beginning", sent.len())?;
    }
    for (what, count) in &row.notes {
        writeln!(out, "  {count:>6} × {what}")?;
    }
    if !row.verdict.is_kept() {
        writeln!(out, "{}", row.verdict)?;
    }
    Ok(())
}
