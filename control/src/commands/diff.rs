//! `graylane diff`: who moves between two states of the documents.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use crate::{
    difference::{compare, text},
    documents,
    failure::Failure,
};

/// Compare two states of the rule sets: which rules differ, and exactly who moves.
///
/// Each side is what `serve` would read: a file, or a directory of documents with their locks. For each split that differs
/// it says how many slots move from which variant to which; a slot is 0.001 percent of the identities. For each percentage,
/// how many slots come in and fall out, and for each audience how many identities. All are exact, to the slot, among the
/// identities that the split or the percentage is asked about; who is asked depends on the requests, so there is no sum over rules. Where the salt, the list of
/// identities or the name that the salt is made of differ, slots say nothing, and it says that up to 100 % may move.
///
/// JSON is an array of {name, change, fields, reordered, splits, rules}: a split {name, change, experimentChanged, moves}, a
/// rule {id, change, percents, audiences, moves}, an audience {name, enter, leave}, moves {slots, why, transfers: [{from, to, slots}]}, a percentage {before, after,
/// enter, leave}. Slots are null where they are unknowable.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane diff running/ rules/
  git worktree add ../running && graylane diff ../running/rules rules
  graylane diff -o json running/ rules/ | jq '.[].splits[].moves.slots'

Exit codes:
  0  compared, whether or not anything differs
  1  there are errors in the documents
  2  wrong usage, or a file that cannot be read")]
pub struct Arguments {
    /// What was: a document, or a directory of them.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// What is to be.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Compares on stdout.
///
/// # Errors
/// Documents that do not compile, locks that do not fit, stdout that cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let outline = |side: &PathBuf| documents::compiled_outline(std::slice::from_ref(side));
    let (old, new) = match (outline(&arguments.old), outline(&arguments.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(old), Err(new)) => return Err(old.and(&new)),
        (Err(why), _) | (_, Err(why)) => return Err(why),
    };
    let differences = compare(&old, &new);
    let mut stdout = io::stdout().lock();
    let written = match arguments.output {
        Form::Text => text::write(&differences, &mut stdout),
        Form::Json => serde_json::to_writer_pretty(&mut stdout, &differences)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(stdout)),
    };
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}
