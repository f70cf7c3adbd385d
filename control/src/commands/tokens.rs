//! `graylane tokens`: the tokens by which callers are known.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Subcommand;
use serde_json::json;

use crate::{
    access::{Digest, Role, Token},
    failure::Failure,
    keys,
};

/// Make the tokens by which callers are known to `graylane serve --callers`.
///
/// A token is 256 random bits. It is shown once and kept nowhere: the file of callers has its SHA-256, from which nobody can
/// make it. Roles: a fetcher takes snapshots and reports for an Envoy; a reader sees status, events and metrics; a
/// publisher may publish besides; an operator may everything.
///
/// To replace a token, losing nothing: add the entry of a new one under the same name and send `serve` SIGHUP, and both are
/// known. Give the new one to whoever calls; then remove the old entry and send SIGHUP again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane tokens new --name ci --role publisher
  # the token into a file that is nobody else's, the entry to the terminal
  (umask 077; graylane tokens new --name edge --role fetcher >edge.token)
  graylane serve --rules rules/ --callers callers.yaml
  graylane status --token-file ci.token

A whole callers.yaml; the entry of each caller is what `tokens new` prints:
  apiVersion: graylane.dev/v1
  kind: Callers
  spec:
    callers:
      - {name: \"ci\", role: publisher, tokenSha256: \"…\"}
      - {name: \"edge\", role: fetcher, tokenSha256: \"…\"}

Exit codes:
  0  done
  2  wrong usage")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
}

/// Make a token: for the caller the token itself, on stdout; for the file of callers its entry, on stderr.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  (umask 077; graylane tokens new --name ci --role publisher >ci.token)
  graylane tokens new --name grafana --role reader -o json | jq -r .token

Exit codes:
  0  the token is made
  2  wrong usage")]
struct New {
    /// The caller's name, by which logs and revisions name him: 1 to 63 lower-case letters, digits, '_', '.' and '-', a
    /// letter or digit first.
    #[arg(long, value_name = "NAME", value_parser = keys::parse_id)]
    name: String,
    /// What the caller may: fetcher, reader, publisher or operator.
    #[arg(long, value_name = "ROLE", value_parser = parse_role)]
    role: Role,
    /// How to print it.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// The token on stdout, the entry on stderr.
    Text,
    /// Both on stdout, as a JSON object.
    Json,
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| "expected fetcher, reader, publisher or operator".to_owned())
}

/// Makes a token.
///
/// # Errors
/// Where there are no random bits, or nobody takes the token.
pub fn run(Arguments { command: Command::New(new) }: &Arguments) -> Result<ExitCode, Failure> {
    let token = Token::draw().map_err(|why| Failure::unable(format!("no random bytes: {why}")))?;
    let digest = Digest::of(token.text().as_bytes()).to_string();
    let mut stdout = io::stdout().lock();
    let written = match new.output {
        Form::Text => writeln!(stdout, "{}", token.text()),
        Form::Json => {
            let entry = json!({"name": new.name, "role": new.role.name(), "tokenSha256": digest});
            writeln!(stdout, "{:#}", json!({"token": token.text(), "entry": entry}))
        }
    };
    written.and_then(|()| stdout.flush()).map_err(|why| Failure::unwritten("stdout", &why))?;
    if matches!(new.output, Form::Text) {
        eprintln!("# for spec.callers of graylane serve --callers; the token itself is not shown again");
        // In quotation marks: a name may look like a number.
        eprintln!("- {{name: \"{}\", role: {}, tokenSha256: \"{digest}\"}}", new.name, new.role.name());
    }
    Ok(ExitCode::SUCCESS)
}
