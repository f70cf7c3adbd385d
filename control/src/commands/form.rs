//! How commands report.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::{failure::Failure, finding::one_line, json};

/// How to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Form {
    /// Writes a report to stdout: what `text` writes for people, `value` for programs. Much of either was said by somebody
    /// else, and nothing of it acts on the terminal.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn report(
        self,
        value: &(impl Serialize + ?Sized),
        text: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let written = match self {
            Self::Text => {
                let mut bytes = Vec::new();
                text(&mut bytes).and_then(|()| {
                    let text = String::from_utf8_lossy(&bytes);
                    text.lines().try_for_each(|line| writeln!(stdout, "{}", one_line(line)))
                })
            }
            Self::Json => json::write(value, &mut stdout),
        };
        written.and_then(|()| stdout.flush()).map_err(|why| Failure::unwritten("stdout", &why))
    }
}
