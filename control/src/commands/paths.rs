//! The documents that a command is about.

use std::path::PathBuf;

use super::sources::{self, Reaching, Source};
use crate::{documents::Gathered, failure::Failure};

// No doc comment: clap would take it for the description of the command.
#[derive(Debug, clap::Args)]
pub struct Paths {
    /// Documents, and directories of them; or redb://PATH, etcd://HOST:PORT or http://CONTROL for what is published there,
    /// perhaps with a revision: redb://PATH#41. Not given: what the environment has as GRAYLANE_STORE,
    /// or else as GRAYLANE_CONTROL.
    #[arg(value_name = "FILE|DIR|URL", value_parser = Source::parser())]
    paths: Vec<Source>,
    /// The same as without `-f`.
    #[arg(short, long = "file", num_args = 1.., value_name = "FILE|DIR|URL", value_parser = Source::parser())]
    files: Vec<Source>,
}

// No doc comment, as above.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// Documents, and directories of them; or redb://PATH, etcd://HOST:PORT or http://CONTROL for what is published there,
    /// perhaps with a revision: redb://PATH#41. Not given: what the environment has as GRAYLANE_STORE,
    /// or else as GRAYLANE_CONTROL.
    #[arg(short, long = "file", num_args = 1.., value_name = "FILE|DIR|URL", value_parser = Source::parser())]
    files: Vec<Source>,
}

// No doc comment, as above.
#[derive(Debug, clap::Args)]
pub struct Manifests {
    /// Documents, and directories of them.
    #[arg(required_unless_present = "files", value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Documents, and directories of them: the same as without `-f`.
    #[arg(short, long = "file", num_args = 1.., value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
}

impl Manifests {
    /// All of them, those behind `-f` first. No store keeps any.
    pub fn gathered(&self) -> Gathered {
        Gathered::of(&self.files.iter().chain(&self.paths).cloned().collect::<Vec<_>>())
    }
}

impl Paths {
    /// All documents, those behind `-f` first.
    ///
    /// # Errors
    /// As [`sources::gathered`].
    pub fn gathered(&self, reaching: &Reaching) -> Result<Gathered, Failure> {
        let all: Vec<_> = self.files.iter().chain(&self.paths).cloned().collect();
        sources::gathered(&all, reaching)
    }
}

impl Files {
    /// All documents.
    ///
    /// # Errors
    /// As [`sources::gathered`].
    pub fn gathered(&self, reaching: &Reaching) -> Result<Gathered, Failure> {
        sources::gathered(&self.files, reaching)
    }
}
