//! `graylane`: the control plane that serves rule sets to Envoys, and the commands around them.

mod access;
mod client;
mod clock;
mod commands;
mod connections;
mod curl;
mod delivery;
mod difference;
mod directory;
mod documents;
mod duration;
mod encode;
mod events;
mod excerpt;
mod explanation;
mod failure;
mod finding;
mod found;
mod gates;
mod identities;
mod import;
mod json;
mod keeping;
mod keys;
mod lock;
mod memory;
mod metrics;
mod movement;
mod mutex;
mod namespace;
mod nodes;
mod overrides;
mod owned;
mod page;
mod place;
mod plural;
mod publication;
mod reload;
mod replace;
mod request;
mod revisions;
mod schema;
#[cfg(test)]
mod scratch;
mod sealer;
mod secret;
mod share;
mod sharing;
mod shell;
mod status;
mod subject;
mod switch_changes;
mod terminal;
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
