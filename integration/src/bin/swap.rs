//! `swap`: what a new revision of many rules costs those who serve, printed as a table.
//!
//! Ends with status 0 if the pauses are within their bars, else with 1; a wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    program,
    swap::{Options, run},
};

const USAGE: &str = "usage: swap [--swaps N] [--rules N]
Publishes revisions under load and prints how long the VMs pause for them, and what they weigh. Needs what `make tools build` makes.
  --swaps N   revisions, at least 10 (default 300)
  --rules N   rules in each: a size of workload W (default 10000)";

fn main() -> ExitCode {
    program::main(USAGE, option, |options| Ok(run(options)))
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--swaps" => options.swaps = program::number(name, value, 10)?,
        "--rules" => options.rules = program::number(name, value, 10)?,
        _ => return Ok(false),
    }
    Ok(true)
}
