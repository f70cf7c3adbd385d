//! `graylane`: the control plane that serves rule sets to Envoys, and the commands around them.

mod commands;
mod curl;
mod delivery;
mod directory;
mod documents;
mod encode;
mod excerpt;
mod failure;
mod finding;
mod json;
mod namespace;
mod nodes;
mod owned;
mod request;
#[cfg(test)]
mod scratch;
mod url;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = commands::run(commands::Arguments::read());
    outcome.unwrap_or_else(|failure| {
        failure.report();
        failure.exit()
    })
}
