//! The command line: one file a command.

mod allocate;
mod change;
mod check;
mod columns;
mod compile;
mod completions;
mod decide;
mod diff;
mod embed;
#[cfg(test)]
mod examples;
mod explain;
mod form;
mod history;
mod import;
mod istio;
mod keeping;
mod keys;
mod made;
mod paths;
mod plane;
mod probe;
mod publish;
mod schema;
mod serve;
mod simulate;
mod sources;
mod status;
mod tips;
mod tokens;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Decide which variant of a service each request reaches, and change that everywhere within a fraction of a second.
#[derive(Debug, Parser)]
#[command(name = "graylane", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Run `graylane help COMMAND` for what a command does, with examples and exit codes.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

impl Arguments {
    /// Reads the process's own command line; ends the process where it is wrong, or asks for help.
    pub fn read() -> Self {
        let words = explain::separated(std::env::args_os().collect());
        Self::try_parse_from(&words).unwrap_or_else(|why| tips::with_tip(why, &words).exit())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Status(status::Arguments),
    Watch(watch::Arguments),
    Publish(publish::Arguments),
    Rollback(change::Rollback),
    Off(change::Off),
    On(change::On),
    Freeze(change::Freeze),
    Unfreeze(change::Unfreeze),
    History(history::Listing),
    Show(history::Show),
    Backup(keeping::Backup),
    Restore(keeping::Restore),
    Verify(keeping::Verify),
    Compact(keeping::Compact),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Decide(decide::Arguments),
    Allocate(allocate::Arguments),
    Diff(diff::Arguments),
    Simulate(simulate::Arguments),
    Compile(compile::Arguments),
    Embed(embed::Arguments),
    Import(import::Arguments),
    Istio(istio::Arguments),
    Keys(keys::Arguments),
    Probe(probe::Arguments),
    Schema(schema::Arguments),
    Tokens(tokens::Arguments),
    Completions(completions::Arguments),
}

/// Runs the command that was asked for.
///
/// # Errors
/// Why it gave up.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Publish(arguments) => publish::run(&arguments),
        Command::Rollback(arguments) => change::rollback(&arguments),
        Command::Off(arguments) => change::off(&arguments),
        Command::On(arguments) => change::on(&arguments),
        Command::Freeze(arguments) => change::freeze(&arguments),
        Command::Unfreeze(arguments) => change::unfreeze(&arguments),
        Command::History(arguments) => history::list(&arguments),
        Command::Show(arguments) => history::show(&arguments),
        Command::Backup(arguments) => keeping::backup(&arguments),
        Command::Restore(arguments) => keeping::restore(&arguments),
        Command::Verify(arguments) => keeping::verify(&arguments),
        Command::Compact(arguments) => keeping::compact(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Decide(arguments) => decide::run(&arguments),
        Command::Allocate(arguments) => allocate::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Compile(arguments) => compile::run(&arguments),
        Command::Embed(arguments) => embed::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Istio(arguments) => istio::run(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Tokens(arguments) => tokens::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
