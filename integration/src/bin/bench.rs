//! `bench`: what a filter costs, printed as a table. `make bench` builds what it needs and runs it.

use std::{env, process::ExitCode};

use graylane_integration::{
    arguments,
    bench::{Options, run},
};

const USAGE: &str = "usage: bench [--rounds N] [--requests N] [--only FILTER[,FILTER]]
Measures CPU time of Envoy for each request. `make bench` builds the modules it needs.
  --rounds N     rounds, at least 2 (default 10)
  --requests N   requests in a round for each filter, at least 100 (default 10000)
  --only NAMES   only these beside `no filter`: sdk empty, floor, graylane, lua";

fn main() -> ExitCode {
    let mut options = Options::default();
    let read = arguments::read(env::args().skip(1), |name, value| option(&mut options, name, value));
    match read {
        Ok(()) => {
            print!("{}", run(&options));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--rounds" => options.rounds = arguments::number(name, value, 2)?,
        "--requests" => options.requests = arguments::number(name, value, 100)?,
        "--only" => options.only = value.split(',').map(str::to_owned).collect(),
        _ => return Ok(false),
    }
    Ok(true)
}
