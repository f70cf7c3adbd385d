//! `soak`: thousands of updates under load; whether memory, metrics and times stay flat, printed as a table.
//!
//! Ends with status 0 if they do and no request failed or was answered wrongly, else with 1; a wrong command line is
//! status 2.

use std::{env, process::ExitCode};

use graylane_integration::soak::{Options, run};

const USAGE: &str = "usage: soak [--updates N] [--rate N] [--connections N] [--seed N]
Makes updates under load and holds the last ones against the first. Needs what `make tools build` makes.
  --updates N      updates, at least 20 (default 10000)
  --rate N         requests a second, at least 100 (default 1000)
  --connections N  connections to each worker, at least 1 (default 8)
  --seed N         what the order of the last comparison is drawn by (default 1)";

fn main() -> ExitCode {
    match options(env::args().skip(1)) {
        Ok(options) => {
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

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name}: found no value, expected one"))?;
        match name.as_str() {
            "--updates" => options.updates = number(&name, &value, 20)?,
            "--rate" => options.per_second = f64::from(number(&name, &value, 100)?),
            "--connections" => options.connections = number(&name, &value, 1)? as usize,
            "--seed" => options.seed = number(&name, &value, 0)?.into(),
            _ => return Err(format!("found {name}, expected one of the options")),
        }
    }
    Ok(options)
}

fn number(name: &str, value: &str, least: u32) -> Result<u32, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("{name}: found {value:?}, expected a number of at least {least}"))
}
