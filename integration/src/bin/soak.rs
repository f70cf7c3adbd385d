//! `soak`: thousands of updates under load; whether memory, metrics and times stay flat, printed as a table.
//!
//! Ends with status 0 if they do and no request failed or was answered wrongly, else with 1; a wrong command line is
//! status 2.

use std::{env, process::ExitCode};

use graylane_integration::{
    arguments,
    soak::{Options, run},
};

const USAGE: &str = "usage: soak [--updates N] [--rate N] [--connections N] [--seed N]
Makes updates under load and holds the last ones against the first. Needs what `make tools build` makes.
  --updates N      updates, at least 20 (default 10000)
  --rate N         requests a second, at least 100 (default 1000)
  --connections N  connections to each worker, at least 1 (default 8)
  --seed N         what the order of the last comparison is drawn by (default 1)";

fn main() -> ExitCode {
    let mut options = Options::default();
    let read = arguments::read(env::args().skip(1), |name, value| option(&mut options, name, value));
    match read {
        Ok(()) => {
            let outcome = run(&options);
            print!("{}", outcome.report);
            if outcome.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
        "--updates" => options.updates = arguments::number(name, value, 20)?,
        "--rate" => options.per_second = f64::from(arguments::number(name, value, 100_u32)?),
        "--connections" => options.connections = arguments::number(name, value, 1)?,
        "--seed" => options.seed = arguments::number(name, value, 0)?,
        _ => return Ok(false),
    }
    Ok(true)
}
