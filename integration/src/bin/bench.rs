//! `bench`: what a filter costs, printed as a table. `make bench` builds what it needs and runs it.

use std::process::ExitCode;

use graylane_integration::{
    bench::{Options, run},
    program::{self, Outcome},
};

const USAGE: &str = "usage: bench [--rounds N] [--requests N] [--only FILTER[,FILTER]]
Measures CPU time of Envoy for each request. `make bench` builds the modules it needs.
  --rounds N     rounds, at least 2 (default 10)
  --requests N   requests in a round for each filter, at least 100 (default 10000)
  --only NAMES   only these beside `no filter`: sdk empty, floor, graylane, lua";

fn main() -> ExitCode {
    program::main(USAGE, option, |options| Ok(Outcome { report: run(options), passed: true }))
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--rounds" => options.rounds = program::number(name, value, 2)?,
        "--requests" => options.requests = program::number(name, value, 100)?,
        "--only" => options.only = value.split(',').map(str::to_owned).collect(),
        _ => return Ok(false),
    }
    Ok(true)
}
