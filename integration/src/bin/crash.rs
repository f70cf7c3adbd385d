//! `crash`: publishers and members of etcd are killed at random moments, and what is lost by that, printed as a table.
//!
//! Ends with status 0 if every acknowledged revision was there each time, else with 1; a wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    crash::{Options, run},
    program,
};

const USAGE: &str = "usage: crash [--kills N] [--store NAME] [--seed N]
Kills whoever publishes, or a member of etcd, and compares the history with what was acknowledged. Takes half an hour.
  --kills N     how often, for each store, at least 1 (default 500)
  --store NAME  redb or etcd only
  --seed N      what victims and moments are drawn by (default 1)";

fn main() -> ExitCode {
    program::main(USAGE, option, run)
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--kills" => options.kills = program::number(name, value, 1)?,
        "--store" => options.only = Some(value.to_owned()),
        "--seed" => options.seed = program::number(name, value, 0)?,
        _ => return Ok(false),
    }
    Ok(true)
}
