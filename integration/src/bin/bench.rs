//! `bench`: what a filter costs, printed as a table. `make bench` builds what it needs and runs it.

use std::{env, process::ExitCode};

use graylane_integration::bench::{Options, run};

const USAGE: &str = "usage: bench [--rounds N] [--requests N] [--only FILTER[,FILTER]]
Measures CPU time of Envoy for each request. `make bench` builds the modules it needs.
  --rounds N     rounds, at least 2 (default 10)
  --requests N   requests in a round for each filter, at least 100 (default 10000)
  --only NAMES   only these beside `no filter`: sdk empty, floor, graylane, lua";

fn main() -> ExitCode {
    match options(env::args().skip(1)) {
        Ok(options) => {
            print!("{}", run(&options));
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name}: found no value, expected one"))?;
        match name.as_str() {
            "--rounds" => options.rounds = number(&name, &value, 2)?,
            "--requests" => options.requests = number(&name, &value, 100)?,
            "--only" => options.only = value.split(',').map(str::to_owned).collect(),
            _ => return Err(format!("found {name}, expected one of the options")),
        }
    }
    Ok(options)
}

fn number(name: &str, value: &str, least: usize) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("{name}: found {value:?}, expected a number of at least {least}"))
}
