//! What was measured of one thing, in milliseconds.

use std::fmt::{self, Write as _};

use super::Measured;
use crate::bench::statistics::percentile;

/// The upper ends of the histogram's rows, in milliseconds.
const ROWS: [f64; 12] = [2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 1_000.0, f64::INFINITY];

/// What was measured of one thing.
#[derive(Debug, Default)]
pub(super) struct Series {
    acks: Vec<f64>,
    commands: Vec<f64>,
    /// How often a worker was missing in the end.
    missing: usize,
}

impl Series {
    pub(super) fn with(mut self, measured: &Measured) -> Self {
        match measured.acks {
            Some(acks) => self.acks.push(acks),
            None => self.missing += 1,
        }
        self.commands.push(measured.command);
        self.acks.sort_by(f64::total_cmp);
        self.commands.sort_by(f64::total_cmp);
        self
    }

    /// Whether nothing was missing, and 99 of a hundred took at most `bar` milliseconds.
    pub(super) fn is_within(&self, bar: f64) -> bool {
        self.missing == 0 && !self.acks.is_empty() && percentile(&self.acks, 0.99) <= bar
    }

    /// A row for each width, with as many marks as there are percent.
    pub(super) fn histogram(&self) -> String {
        let (mut text, mut from) = (String::new(), 0.0);
        for to in ROWS {
            let count = self.acks.iter().filter(|took| **took > from && **took <= to).count();
            if count > 0 {
                let marks = (count * 100).div_ceil(self.acks.len().max(1));
                // Writing into a string does not fail.
                let _ = writeln!(text, "  {from:>6} to {to:<6} ms {count:>5}  {}", "#".repeat(marks));
            }
            from = to;
        }
        text
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |all: &[f64], part: f64| if all.is_empty() { f64::NAN } else { percentile(all, part) };
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|part| of(&self.acks, part));
        let [command, slow] = [0.5, 0.99].map(|part| of(&self.commands, part));
        write!(f, "acks p50 {p50:6.1} p99 {p99:6.1} max {max:6.1}; command p50 {command:6.1} p99 {slow:6.1}")?;
        if self.missing > 0 {
            write!(f, "; {} not everywhere", self.missing)?;
        }
        Ok(())
    }
}
