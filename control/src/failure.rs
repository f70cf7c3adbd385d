//! Why a command ended early.

use std::{fmt::Display, io, process::ExitCode};

use crate::finding::one_line;

/// What a command says on stderr when it gives up, and with which exit code.
#[derive(Debug)]
pub struct Failure {
    exit: u8,
    /// Empty where there is nobody to tell.
    message: String,
}

impl Failure {
    /// What the command was given to judge is wrong: exit code 1.
    pub fn refused(message: impl Display) -> Self {
        Self { exit: 1, message: message.to_string() }
    }

    /// The command could not do its work, or was asked for something it cannot do: exit code 2.
    pub fn unable(message: impl Display) -> Self {
        Self { exit: 2, message: message.to_string() }
    }

    /// The output could not be written: exit code 2. Whoever stopped reading it (`| head`) need not be told.
    pub fn unwritten(output: &str, why: &io::Error) -> Self {
        let gone = why.kind() == io::ErrorKind::BrokenPipe;
        Self { exit: 2, message: if gone { String::new() } else { format!("{output}: {why}") } }
    }

    /// Both of them, with the graver exit code.
    pub fn and(self, other: &Self) -> Self {
        let message = format!("{}\n{}", self.message, other.message);
        Self { exit: self.exit.max(other.exit), message }
    }

    /// The exit code.
    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// Writes the message to stderr.
    pub fn report(&self) {
        if !self.message.is_empty() {
            // Line by line: the message may quote what somebody else wrote.
            let lines: Vec<String> = self.message.lines().map(one_line).collect();
            eprintln!("error: {}", lines.join("\n"));
        }
    }
}
