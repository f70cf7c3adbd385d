//! `faults`: what each fault does to requests and to changes of rules, printed as a table.
//!
//! Ends with status 0 if every promise was kept and no request failed but where that is explained, else with 1; a wrong
//! command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    faults::{Options, run},
    program,
};

const USAGE: &str = "usage: faults [--times N] [--fault NAME] [--rate N] [--seed N]
Has each fault happen many times under load. Needs what `make tools build build-tests` makes; takes 15 minutes.
  --times N     how often each fault happens, at least 1 (default 20)
  --fault NAME  only the faults whose names contain this
  --rate N      requests a second, at least 50 (default 300)
  --seed N      what the lengths of the faults are drawn by (default 1)";

fn main() -> ExitCode {
    program::main(USAGE, option, run)
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--times" => options.times = program::number(name, value, 1)?,
        "--fault" => options.only = Some(value.to_owned()),
        "--rate" => options.per_second = program::number(name, value, 50)?,
        "--seed" => options.seed = program::number(name, value, 0)?,
        _ => return Ok(false),
    }
    Ok(true)
}
