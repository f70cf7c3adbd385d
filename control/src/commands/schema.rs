//! `graylane schema`: what editors need to know of documents.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use crate::{failure::Failure, schema};

/// Print the JSON Schema of documents, for editors
///
/// It has every field, match and operator with what it means, and refuses what
/// it does not have. What concerns several places of a document, such as
/// variants that do not exist, only `check` sees.
///
/// Editors with the YAML language server use it where a document begins with
///
///   # yaml-language-server: $schema=graylane.schema.json
///
/// with the path or the URL of the schema.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  graylane schema > graylane.schema.json

Exit codes:
  0  printed
  2  wrong usage, or stdout cannot be written"
)]
pub struct Arguments {}

/// Prints the schema.
///
/// # Errors
/// Where stdout cannot be written.
pub fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{:#}", schema::of_documents()).and_then(|()| stdout.flush());
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}
