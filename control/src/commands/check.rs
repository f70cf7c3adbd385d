//! `graylane check`: every problem of the documents, for people and for machines.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use crate::{
    documents::{self, Document},
    excerpt,
    failure::Failure,
    finding::Finding,
};

/// Report every problem of rule sets, each with its place.
///
/// All files and directories given are one namespace, as `serve` would read them from one directory: two rule sets of
/// the same name are a problem. Every error is reported at once, not the first alone.
///
/// A line of text is `FILE:LINE:COLUMN CODE PATH: found …, expected …`, with the lines of the document below it. JSON
/// is an array of {file, line, column, severity, code, path, found, expected, span}; the span counts bytes.
/// Lines count from 1, and so do columns, in characters.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane check rules/
  graylane check checkout.yaml search.json
  graylane check -o json rules/ | jq -r '.[].code'

Exit codes:
  0  the documents can be used; warnings may be reported
  1  there are errors in the documents
  2  wrong usage, or a file that cannot be read")]
pub struct Arguments {
    /// Documents, and directories of them.
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// Leave the lines of the document out: a line for each problem, for grep and editors.
    #[arg(long)]
    no_excerpt: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

/// Reports the problems on stdout.
///
/// # Errors
/// A file that cannot be read.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let documents = documents::gather(&arguments.paths)?;
    let findings = match documents::compiled(&documents) {
        Ok(compiled) => compiled.warnings,
        Err(findings) => findings,
    };
    let written = match arguments.output {
        Form::Text => write_text(&findings, &documents, !arguments.no_excerpt),
        Form::Json => write_json(&findings),
    };
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    let broken = findings.iter().any(Finding::is_error);
    Ok(ExitCode::from(u8::from(broken)))
}

fn write_text(findings: &[Finding], documents: &[Document], excerpts: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let colours = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    for finding in findings {
        writeln!(stdout, "{finding}")?;
        let document = documents.iter().find(|document| document.file == finding.file);
        if let Some(excerpt) =
            document.filter(|_| excerpts).and_then(|document| excerpt::of(finding, document, colours))
        {
            writeln!(stdout, "{excerpt}\n")?;
        }
    }
    stdout.flush()?;
    eprintln!("{}", summary(findings, documents.len()));
    Ok(())
}

fn summary(findings: &[Finding], documents: usize) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len().saturating_sub(errors);
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!("{}: {}, {}", count(documents, "document"), count(errors, "error"), count(warnings, "warning"))
}

fn write_json(findings: &[Finding]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, findings)?;
    writeln!(stdout)?;
    stdout.flush()
}
