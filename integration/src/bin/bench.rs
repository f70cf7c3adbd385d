//! `bench`: what deciding costs, printed as a table. `make bench` builds what it needs and runs it.

use std::process::ExitCode;

use graylane_integration::{
    bench::{Options, run},
    program,
};

const USAGE: &str = "usage: bench [--rounds N] [--requests N] [--only NAME[,NAME]] [--candidates FILE[,FILE]]
Measures CPU time of Envoy for each request, and holds it against the bars; status 1 where one is missed. `make bench` builds
the modules it needs.
  --rounds N     rounds, at least 2 (default 30)
  --requests N   requests in a round for each way, at least 100, slow ones get fewer (default 8000)
  --only NAMES   only these beside `no filter`: sdk empty, floor, graylane, lua, routes, tree; `graylane 1000` is one size
  --candidates F other builds of the filter, by their files below the root of the repository, with the one rule";

fn main() -> ExitCode {
    program::main(USAGE, option, |options| Ok(run(options)))
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--rounds" => options.rounds = program::number(name, value, 2)?,
        "--requests" => options.requests = program::number(name, value, 100)?,
        "--only" => options.only = value.split(',').map(str::to_owned).collect(),
        "--candidates" => options.candidates = value.split(',').map(str::to_owned).collect(),
        _ => return Ok(false),
    }
    Ok(true)
}
