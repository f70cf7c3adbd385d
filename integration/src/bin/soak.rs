//! `soak`: thousands of updates under load; whether memory, metrics and times stay flat, printed as a table.
//!
//! Ends with status 0 if they do and no request failed or was answered wrongly, else with 1; a wrong command line is
//! status 2.

use std::process::ExitCode;

use graylane_integration::{
    program,
    soak::{Options, run},
};

const USAGE: &str = "usage: soak [--updates N] [--rate N] [--connections N] [--seed N]
Makes updates under load and holds the last ones against the first. Needs what `make tools build` makes.
  --updates N      updates, at least 20 (default 10000)
  --rate N         requests a second, at least 100 (default 1000)
  --connections N  connections to each worker, at least 1 (default 8)
  --seed N         what the order of the last comparison is drawn by (default 1)";

fn main() -> ExitCode {
    program::main(USAGE, option, |options| Ok(run(options)))
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--updates" => options.updates = program::number(name, value, 20)?,
        "--rate" => options.per_second = f64::from(program::number(name, value, 100_u32)?),
        "--connections" => options.connections = program::number(name, value, 1)?,
        "--seed" => options.seed = program::number(name, value, 0)?,
        _ => return Ok(false),
    }
    Ok(true)
}
