//! `waiting`: what ten thousand waiting fetchers cost a control plane, and how soon they have a revision, printed as tables.
//!
//! Ends with status 0 if none fails and the bars are met, else with 1; a wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    program,
    waiting::{MOST, Options, run},
};

const USAGE: &str = "usage: waiting [--fetchers N] [--rounds N] [--rules N] [--members N] [--tls yes|no]
Has fetchers wait on one control plane and publishes again and again. Needs as many open files (ulimit -Hn), and what `cargo build`
makes, or the binary that GRAYLANE_BIN names.
  --fetchers N  how many wait, 1 to 10000 (default 10000)
  --rounds N    how many revisions they are sent, at least 1 (default 10)
  --rules N     how many rules each has, at least 10 (default 500)
  --members N   over an etcd of so many members, at least 1, which needs `make etcd` (default: over redb)
  --tls yes|no  whether everybody encrypts and shows a certificate (default no)";

fn main() -> ExitCode {
    program::main(USAGE, option, run)
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--fetchers" => {
            options.fetchers = program::number(name, value, 1)?;
            if options.fetchers > MOST {
                return Err(format!("{name}: found {value}, expected at most {MOST}: so many polls may wait"));
            }
        }
        "--rounds" => options.rounds = program::number(name, value, 1)?,
        "--rules" => options.rules = program::number(name, value, 10)?,
        "--members" => options.members = program::number(name, value, 1)?,
        "--tls" => {
            options.tls = match value {
                "yes" => true,
                "no" => false,
                _ => return Err(format!("{name}: found {value:?}, expected yes or no")),
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}
