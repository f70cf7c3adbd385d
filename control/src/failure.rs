//! Why a command ended early.

use std::{fmt::Display, io, path::Path, process::ExitCode};

use crate::{
    documents::Document,
    excerpt,
    finding::{Finding, one_line},
    found::said,
    terminal,
};

/// What a command says on stderr when it gives up, and with which exit code.
#[derive(Debug)]
pub struct Failure {
    exit: u8,
    /// Empty where there is nobody to tell.
    message: String,
    /// What is wrong with documents, and the lines of them.
    findings: Vec<(Finding, Option<String>)>,
}

impl Failure {
    /// What the command was given to judge is wrong: exit code 1.
    pub fn refused(message: impl Display) -> Self {
        Self { exit: 1, message: message.to_string(), findings: Vec::new() }
    }

    /// The command could not do its work, or was asked for something it cannot do: exit code 2.
    pub fn unable(message: impl Display) -> Self {
        Self { exit: 2, message: message.to_string(), findings: Vec::new() }
    }

    /// The output could not be written: exit code 2. Whoever stopped reading it (`| head`) need not be told.
    pub fn unwritten(output: &str, why: &io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::BrokenPipe => Self::unable(""),
            io::ErrorKind::NotFound => {
                let directory = Path::new(output).parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = directory.unwrap_or(Path::new(".")).display();
                Self::unable(format!("{output}: found no directory {directory}, expected one that is there"))
            }
            _ => {
                let expected = if output == "stdout" { "an output" } else { "a file" };
                Self::unable(format!("{output}: found {}, expected {expected} that can be written", said(why)))
            }
        }
    }

    /// The same because of these.
    pub fn because_of(mut self, findings: Vec<Finding>) -> Self {
        self.findings.extend(findings.into_iter().map(|finding| (finding, None)));
        self
    }

    /// The same to whoever has the documents, which the findings know only by the names of their files: as he names them, and
    /// with the lines that they are about. `own` is his document that a finding is about, where it is about one.
    pub fn shown_in<'d>(mut self, own: impl Fn(&Finding) -> Option<&'d Document>) -> Self {
        let colours = terminal::colours(&io::stderr());
        for (finding, lines) in &mut self.findings {
            if let Some(document) = own(finding) {
                finding.file.clone_from(&document.file);
                *lines = excerpt::of(finding, document, colours);
            }
        }
        self
    }

    /// Both of them, with the graver exit code.
    pub fn and(mut self, other: Self) -> Self {
        self.message = format!("{}\n{}", self.message, other.message);
        self.exit = self.exit.max(other.exit);
        self.findings.extend(other.findings);
        self
    }

    /// The exit code.
    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }

    /// Writes the message to stderr.
    pub fn report(&self) {
        if self.message.is_empty() {
            return;
        }
        // Line by line: the message may quote what somebody else wrote.
        let lines: Vec<String> = self.message.lines().map(one_line).collect();
        eprintln!("error: {}", lines.join("\n"));
        for (finding, lines) in &self.findings {
            match lines {
                // As `graylane check` shows it.
                Some(lines) => eprintln!("{finding}\n{lines}\n"),
                None => eprintln!("  {finding}"),
            }
        }
    }
}
