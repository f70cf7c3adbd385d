//! Crashes: a publisher is killed at random moments, and so are members of etcd; after each time the history is compared with
//! what the publisher was told.
//!
//! The publisher is a process of its own, which says on its standard output what was acknowledged. The model is small: every
//! acknowledged revision is there with its digest, in one chain; what else is there is at most the one revision that each
//! publisher was about to hear of, and those of which it said itself that it does not know.

mod keeper;
mod model;
mod publishing;
mod rounds;

use std::path::PathBuf;

use crate::program::{Outcome, machine};
use rounds::Tally;

pub use publishing::publish_for_ever;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often somebody is killed, for each store.
    pub kills: usize,
    /// Only the store of this scheme: `redb` or `etcd`.
    pub only: Option<String>,
    /// What victims and moments are drawn by.
    pub seed: u64,
    /// The program that publishes.
    pub publisher: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        // It lies beside whatever program asks.
        let own = std::env::current_exe().unwrap_or_default();
        Self { kills: 500, only: None, seed: 1, publisher: own.with_file_name("publisher") }
    }
}

/// Kills, and gives the report to print.
///
/// # Errors
/// Where there is no such store.
///
/// # Panics
/// Where an artefact is missing, or something does not start.
pub fn run(options: &Options) -> Result<Outcome, String> {
    let all: [(&str, Kill); 2] = [("redb", rounds::in_redb), ("etcd", rounds::in_etcd)];
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| only == name);
    let stores: Vec<_> = all.into_iter().filter(|(name, _)| wanted(name)).collect();
    if stores.is_empty() {
        return Err("found no store of that name, expected redb or etcd".to_owned());
    }
    let mut report = heading(options.seed);
    let mut passed = true;
    for (name, kill) in stores {
        let tally = kill(options);
        passed &= tally.broken.is_none();
        report.push_str(&tally.row(name));
    }
    report.push_str(if passed { "\nPASSED\n" } else { "\nFAILED\n" });
    Ok(Outcome { report, passed })
}

/// Kills as often as the options say.
type Kill = fn(&Options) -> Tally;

fn heading(seed: u64) -> String {
    let columns = ["kills", "members", "acknowledged", "unsaid", "unknown", "revisions"];
    let columns = columns.map(|name| format!("{name:>13}")).concat();
    format!(
        "A publisher is killed at random moments; with etcd, half of the time one of three members before it\n{}; seed {seed}\n\n\
         unsaid: found there, though nobody lived to say so; unknown: found there, though the publisher was not sure\n\n\
         {:<8}{columns}  verdict\n",
        machine(),
        "store"
    )
}
