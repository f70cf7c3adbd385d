//! Slots and allocations, measured: are slots uniform and independent, how many identities does a change of weights move,
//! and how many ranges does a long history leave.
//!
//! Everything is drawn from fixed seeds, so two runs print the same. A figure that cannot be chance, and a law that is
//! broken, end it with status 1.

mod chi_square;
mod families;
mod histories;
mod independence;
mod reassignment;
mod uniformity;

use crate::program::Outcome;

/// What can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Identities of each family.
    pub identities: usize,
    /// Changes of each history.
    pub changes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { identities: 1_000_000, changes: 2_000 }
    }
}

/// What one table says, and whether that is as promised.
struct Part {
    text: String,
    passed: bool,
}

/// Measures everything.
///
/// # Errors
/// None: what is not as promised is in the report.
pub fn run(options: &Options) -> Result<Outcome, String> {
    let parts = [
        uniformity::measured(options.identities),
        independence::measured(options.identities),
        reassignment::measured(),
        histories::measured(options.changes),
    ];
    let passed = parts.iter().all(|part| part.passed);
    let verdict = if passed { "as promised" } else { "NOT AS PROMISED: see the lines marked with !" };
    let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
    Ok(Outcome { report: format!("{}\n{verdict}\n", texts.join("\n")), passed })
}
