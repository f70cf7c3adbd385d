//! `graylane completions`: what a shell needs to know to complete command lines.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::failure::Failure;

/// Write completions of commands and options for a shell.
///
/// The script goes to stdout; each shell has its own place for it, or reads it where it starts.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  source <(graylane completions bash)
  graylane completions bash > /etc/bash_completion.d/graylane
  graylane completions zsh > \"${fpath[1]}/_graylane\"
  graylane completions fish > ~/.config/fish/completions/graylane.fish

Exit codes:
  0  written
  2  wrong usage, or stdout cannot be written")]
pub struct Arguments {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Writes the script to stdout.
///
/// # Errors
/// Where stdout cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    // Into memory first: writing elsewhere may fail, which `generate` does not tell.
    let mut script = Vec::new();
    generate(arguments.shell, &mut super::Arguments::command(), "graylane", &mut script);
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&script).and_then(|()| stdout.flush());
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}
