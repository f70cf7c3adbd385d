//! `race`: how soon a change reaches the last worker, Graylane beside Envoy's own file-based RDS, printed as a table.
//!
//! Ends with status 0 if Graylane's p99 is within 50 ms and no request failed or was answered wrongly, else with 1; a
//! wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    program,
    race::{Options, run},
};

const USAGE: &str = "usage: race [--changes N] [--connections N] [--watch file|directory] [--seed N]
Measures how soon a change reaches the last worker. Needs what `make tools build` makes.
  --changes N      changes each way, at least 2 (default 300)
  --connections N  connections to each worker and listener, at least 1 (default 16)
  --watch WHAT     what Envoy watches for RDS: the file or its directory (default file)
  --seed N         what the order and the pauses are drawn by (default 1)";

fn main() -> ExitCode {
    program::main(USAGE, option, |options| Ok(run(options)))
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--changes" => options.changes = program::number(name, value, 2)?,
        "--connections" => options.connections = program::number(name, value, 1)?,
        "--seed" => options.seed = program::number(name, value, 0)?,
        "--watch" => options.watch_directory = watched(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn watched(value: &str) -> Result<bool, String> {
    match value {
        "file" => Ok(false),
        "directory" => Ok(true),
        _ => Err(format!("--watch: found {value:?}, expected file or directory")),
    }
}
