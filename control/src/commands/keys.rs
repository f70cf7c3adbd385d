//! `graylane keys`: the keys that sign what is served.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::{
    failure::Failure,
    keys::{self, SigningKey},
};

/// Make the keys that sign what is served, and show their public halves.
///
/// `graylane serve --signing-key` signs every envelope with Ed25519, and a fetcher whose configuration has `keys` takes
/// none but those that one of its keys signed. The private half stays with `serve`; the public half, which is no
/// secret, is what `keys new` and `keys show` print, as the line for the fetcher's configuration.
///
/// To replace a key, losing nothing: make a new one in the directory that `serve` reads and send it SIGHUP, and both
/// sign. Add the new public half beside the old one to the configuration of every fetcher. When all know it, remove the
/// old file and send SIGHUP again; then the old public half can go.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane keys new release-1 --out /etc/graylane/keys
  graylane keys show /etc/graylane/keys/release-1.pem
  graylane serve --rules rules/ --signing-key /etc/graylane/keys

Exit codes:
  0  done
  2  wrong usage; keys new: the file cannot be written, above all because
     there is one of that name; keys show: a file has no key in it")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
    Show(Show),
}

/// Make a key pair: a file for `serve`, a line for fetchers.
///
/// The private key is written to DIR/ID.pem as PKCS#8 PEM, which openssl reads, too. Only its owner may read it, and a
/// file that is there already is never overwritten. What goes to stdout is for the fetcher's configuration.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane keys new release-1
  graylane keys new release-1 --out /etc/graylane/keys -o json | jq .keys

Exit codes:
  0  the key is made
  2  wrong usage, or the file cannot be written, above all because there is
     one of that name")]
struct New {
    /// By what fetchers know the key: 1 to 63 lower-case letters, digits, '_', '.' and '-', a letter or digit first.
    #[arg(value_name = "ID", value_parser = keys::parse_id)]
    id: String,
    /// The directory for ID.pem.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// How to print the public half.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Print the public halves of keys, for fetchers.
///
/// The id of a key is the name of its file without .pem.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane keys show /etc/graylane/keys/release-1.pem
  graylane keys show -o json keys/*.pem | jq .keys

Exit codes:
  0  all of them are printed
  2  wrong usage, or a file that cannot be read, has no Ed25519 key in it, a
     name that is no id, or the name of another")]
struct Show {
    /// Private keys as PKCS#8 PEM.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How to print the public halves.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// A line for the fetcher's configuration: "keys": {"ID": "…"}.
    Text,
    /// The same as a JSON object.
    Json,
}

/// Makes a key, or shows keys.
///
/// # Errors
/// Files that cannot be written or read, and those that are no keys.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::New(new) => make(new),
        Command::Show(show) => tell(show),
    }
}

fn make(new: &New) -> Result<ExitCode, Failure> {
    let key = SigningKey::draw(new.id.clone()).map_err(|why| Failure::unable(format!("no random bytes: {why}")))?;
    let path = keys::write_new(&key, &new.out).map_err(Failure::unable)?;
    print(&[key], new.output)?;
    eprintln!("{}: the private key, for graylane serve --signing-key", path.display());
    Ok(ExitCode::SUCCESS)
}

fn tell(show: &Show) -> Result<ExitCode, Failure> {
    let mut keys = Vec::<SigningKey>::new();
    for file in &show.files {
        let key = keys::read(file).map_err(Failure::unable)?;
        if keys.iter().any(|known| known.id() == key.id()) {
            let found = format!("{}: found a second key {:?}", file.display(), key.id());
            return Err(Failure::unable(format!("{found}, expected one of each id")));
        }
        keys.push(key);
    }
    print(&keys, show.output)?;
    Ok(ExitCode::SUCCESS)
}

fn print(keys: &[SigningKey], form: Form) -> Result<(), Failure> {
    let keys: Map<String, Value> = keys.iter().map(|key| (key.id().to_owned(), key.public().into())).collect();
    let mut stdout = io::stdout().lock();
    let written = match form {
        Form::Text => writeln!(stdout, "\"keys\": {}", line(&keys)),
        Form::Json => writeln!(stdout, "{:#}", json!({ "keys": keys })),
    };
    written.and_then(|()| stdout.flush()).map_err(|why| Failure::unwritten("stdout", &why))
}

/// A JSON object in one line, with the spaces that people put in.
fn line(keys: &Map<String, Value>) -> String {
    let pairs: Vec<_> = keys.iter().map(|(id, public)| format!("\"{id}\": {public}")).collect();
    format!("{{{}}}", pairs.join(", "))
}
