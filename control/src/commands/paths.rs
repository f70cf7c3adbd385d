//! The documents that a command is about.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

// No doc comment: clap would take it for the description of the command.
#[derive(Debug, clap::Args)]
pub struct Paths {
    /// Documents, and directories of them.
    #[arg(required_unless_present = "files", value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Documents, and directories of them: the same as without `-f`.
    #[arg(short, long = "file", num_args = 1.., value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
}

impl Paths {
    /// All of them, those behind `-f` first.
    pub fn all(&self) -> Vec<PathBuf> {
        self.files.iter().chain(&self.paths).cloned().collect()
    }
}

/// Places before a request, which `-f` takes for another of them where `--` is forgotten.
pub fn before_request() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.to_string_lossy().contains("://") {
        true => Err("found a URL, expected a file or a directory: put -- before the request"),
        false => Ok(path),
    })
}
