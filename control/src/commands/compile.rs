//! `graylane compile`: documents to the bytes Envoys load.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use graylane_rules::{SNAPSHOT_FORMAT, envelope};

use super::{paths::Paths, sources::Reaching};
use crate::{documents, failure::Failure, overrides, replace::replace};

/// Compile rule sets into a snapshot file.
///
/// A snapshot is what the filter in each Envoy loads; `serve` compiles and delivers it by itself, so nothing has to be
/// done with the file. It shows how large the rules become (a snapshot may have 2 MiB), and whether a change of the
/// documents changes anything: the same rules give the same bytes, on every machine.
///
/// The file is written beside its place and renamed, so that nobody reads half of it. One line about it, with its size
/// and SHA-256, goes to stderr.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane compile rules/ -o namespace.snapshot
  graylane compile checkout.yaml search.yaml -o - | sha256sum
  graylane compile redb://graylane.redb -o published.snapshot
  graylane compile rules/ -o new.snapshot && cmp old.snapshot new.snapshot

Exit codes:
  0  written
  1  there are errors in the documents, or no such revision
  2  wrong usage, or a file, store or control plane that cannot be read or
     written")]
pub struct Arguments {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    switches: overrides::Switches,
    /// Where to write; `-` is stdout.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
}

/// Writes the snapshot.
///
/// # Errors
/// Documents that do not compile, files that cannot be read or written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let snapshot = documents::snapshot(&arguments.paths.gathered(&arguments.reaching)?, &arguments.switches.read()?)?;
    let bytes = snapshot.bytes();
    let output = &arguments.output;
    let written = if output.as_os_str() == "-" { io::stdout().lock().write_all(bytes) } else { replace(output, bytes) };
    written.map_err(|why| Failure::unwritten(&output.display().to_string(), &why))?;
    let (length, digest) = (bytes.len(), envelope::digest(bytes));
    eprintln!("{}: {length} bytes, format {SNAPSHOT_FORMAT}, sha256 {digest}", output.display());
    Ok(ExitCode::SUCCESS)
}
