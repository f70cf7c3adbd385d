//! `slots`: are slots uniform and independent, whom does a change of weights move, how many ranges are left: as tables.
//!
//! Ends with status 0 if everything is as promised, else with 1; a wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    program,
    slots::{Options, run},
};

const USAGE: &str = "usage: slots [--identities N] [--changes N]
Measures slots and allocations. Needs nothing but itself; the same in every run.
  --identities N  of each family, at least 100000 (default 1000000)
  --changes N     of each history, at least 1 (default 2000)";

fn main() -> ExitCode {
    program::main(USAGE, option, run)
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--identities" => options.identities = program::number(name, value, 100_000)?,
        "--changes" => options.changes = program::number(name, value, 1)?,
        _ => return Ok(false),
    }
    Ok(true)
}
