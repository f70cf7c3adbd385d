//! `race`: how soon a change reaches the last worker, Graylane beside Envoy's own file-based RDS, printed as a table.
//!
//! Ends with status 0 if Graylane's p99 is within 50 ms and no request failed or was answered wrongly, else with 1; a
//! wrong command line is status 2.

use std::{env, process::ExitCode};

use graylane_integration::race::{Options, run};

const USAGE: &str = "usage: race [--changes N] [--connections N] [--watch file|directory] [--seed N]
Measures how soon a change reaches the last worker. Needs what `make tools build` makes.
  --changes N      changes each way, at least 2 (default 300)
  --connections N  connections to each worker and listener, at least 1 (default 16)
  --watch WHAT     what Envoy watches for RDS: the file or its directory (default file)
  --seed N         what the order and the pauses are drawn by (default 1)";

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
            "--changes" => options.changes = number(&name, &value, 2)?,
            "--connections" => options.connections = number(&name, &value, 1)?,
            "--seed" => options.seed = number(&name, &value, 0)? as u64,
            "--watch" => options.watch_directory = watched(&value)?,
            _ => return Err(format!("found {name}, expected one of the options")),
        }
    }
    Ok(options)
}

fn number(name: &str, value: &str, least: usize) -> Result<usize, String> {
    let number = value.parse().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("{name}: found {value:?}, expected a number of at least {least}"))
}

fn watched(value: &str) -> Result<bool, String> {
    match value {
        "file" => Ok(false),
        "directory" => Ok(true),
        _ => Err(format!("--watch: found {value:?}, expected file or directory")),
    }
}
