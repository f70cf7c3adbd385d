//! `promise`: how soon a revision is in every worker, and how soon it is taken back, printed as histograms.
//!
//! Ends with status 0 if the promises are kept, else with 1; a wrong command line is status 2.

use std::process::ExitCode;

use graylane_integration::{
    program,
    promise::{Options, run},
};

const USAGE: &str = "usage: promise [--rounds N] [--rule-sets N] [--rollbacks N]
Publishes to two Envoys of two workers and rolls back, over a store in a file and over three replicas on three etcd members, in
turns, and prints how long each took to the ack of the last worker. Needs what `make tools etcd build` makes.
  --rounds N     publications and rollbacks on each store, at least 5 (default 200)
  --rule-sets N  rule sets of the large namespace, at least 2 (default 1000)
  --rollbacks N  rollbacks of the large namespace on each store, at least 1 (default 10)";

fn main() -> ExitCode {
    program::main(USAGE, option, |options| Ok(run(options)))
}

/// Sets the option `name`; false where there is none of that name.
fn option(options: &mut Options, name: &str, value: &str) -> Result<bool, String> {
    match name {
        "--rounds" => options.rounds = program::number(name, value, 5)?,
        "--rule-sets" => options.rule_sets = program::number(name, value, 2)?,
        "--rollbacks" => options.rollbacks = program::number(name, value, 1)?,
        _ => return Ok(false),
    }
    Ok(true)
}
