//! Faults: what each of them does to requests and to changes, many times over, under load.
//!
//! Each fault has a mesh of its own, with two workers and an open-loop load through both. Every time, rules change while
//! the fault lasts (or, where wrong answers are the fault, right ones come at its end), and it is waited until every VM
//! says that it runs the new ones. Everything is recorded, and the [promises](crate::history) are proved on the record.

mod deliveries;
mod envoys;
mod list;
mod replies;
mod rules;
mod stage;
mod table;
mod trial;

use std::time::Duration;

use crate::program::Outcome;
use list::Fault;
use trial::Watched;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often each fault happens, at least 1.
    pub times: usize,
    /// Only the faults whose names contain this.
    pub only: Option<String>,
    /// How many requests a second.
    pub per_second: u32,
    /// What the lengths of the faults are drawn by.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { times: 20, only: None, per_second: 300, seed: 1 }
    }
}

/// Has every fault happen, and gives the report to print.
///
/// # Errors
/// Where no fault has such a name: which there are.
///
/// # Panics
/// Where an artefact is missing, something does not start, or the rules never arrive.
pub fn run(options: &Options) -> Result<Outcome, String> {
    let wanted = |fault: &&Fault| options.only.as_ref().is_none_or(|only| fault.about.name.contains(only.as_str()));
    let all = list::all();
    let faults: Vec<_> = all.iter().filter(wanted).collect();
    if faults.is_empty() {
        let names: Vec<_> = all.iter().map(|fault| fault.about.name).collect();
        return Err(format!("found no fault of that name, expected a part of one of: {}", names.join(", ")));
    }
    let happen = |fault: &&Fault| {
        let mut watched = Watched::new(fault.about, options);
        fault.happen(&mut watched);
        let row = watched.row();
        eprint!("{}", table::progress(&row));
        row
    };
    let rows: Vec<_> = faults.iter().map(happen).collect();
    Ok(table::outcome(options, &rows))
}

/// How long a fetcher that is refused waits at most before it asks again, and half a second.
const USUAL: Duration = Duration::from_millis(2500);
