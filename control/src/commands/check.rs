//! `graylane check`: every problem of the documents, for people and for machines.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use graylane_rules::Snapshot;
use serde::Serialize;

use super::paths::Paths;
use crate::{
    documents::{self, Document, Gathered},
    excerpt,
    failure::Failure,
    finding::Finding,
    overrides, owned,
};

/// Report every problem of rule sets, each with its place.
///
/// All files and directories given are one namespace, as `serve` would read them from one directory: two rule sets of
/// the same name are a problem. The lock beside a file, `checkout.lock.yaml` of `checkout.yaml`, belongs to it without being
/// named. Every error is reported at once, not the first alone; a file that cannot be read is one of them.
///
/// A line of text is `FILE:LINE:COLUMN CODE PATH: found …, expected …`, with the lines of the document below it. That
/// of a warning is `FILE:LINE:COLUMN warning CODE PATH: found …, better …`. JSON is an array of {file, line, column,
/// severity, code, path, found, expected, span}; the span counts bytes. Lines count from 1, and so do columns, in
/// characters.
///
/// With -o documents stdout says which parser read each document, an array of {file, kind, name, tag, parser} that is empty
/// where there are errors; the problems go to stderr.
///
/// Every header that the rules set must be among the `ownedHeaders` of the filter in each Envoy, which otherwise
/// refuses all the rules. Say which those are with --owned, and the documents are checked against them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane check rules/
  graylane check checkout.yaml search.json
  graylane check --owned x-gray-variant,x-feature-flags rules/
  graylane check -o json rules/ | jq -r '.[].code'
  graylane check -o documents rules/ | jq -r '.[] | [.name, .parser] | @tsv'

Exit codes:
  0  the documents can be used; warnings may be reported
  1  there are errors in the documents
  2  wrong usage, or a file that cannot be read; the others are checked")]
pub struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// A header in the filter's ownedHeaders; setting one that is not named is an error. Repeat it, or put commas
    /// between. Not given: the rules may set any.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = owned::parse_name)]
    owned: Vec<String>,
    #[command(flatten)]
    switches: overrides::Switches,
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
    Documents,
}

/// Reports the problems on stdout.
///
/// # Errors
/// Where stdout cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let overriding = arguments.switches.read()?;
    let gathered = Gathered::of(&arguments.paths.all());
    let (findings, snapshot, parsed) = match documents::compiled_with(&gathered, &arguments.owned, &overriding) {
        Ok(compiled) => (compiled.warnings, Some(compiled.snapshot), compiled.parsed),
        Err(findings) => (findings, None, Vec::new()),
    };
    let written = match arguments.output {
        Form::Text => write_text(&findings, &gathered.documents, !arguments.no_excerpt),
        Form::Json => write_json(&findings),
        Form::Documents => {
            findings.iter().for_each(|finding| eprintln!("{finding}"));
            write_json(&parsed)
        }
    };
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    if matches!(arguments.output, Form::Text) {
        let set = snapshot.filter(|_| arguments.owned.is_empty()).map(|snapshot| headers(&snapshot));
        eprintln!("{}{}", summary(&findings, &gathered), set.unwrap_or_default());
    }
    Ok(ExitCode::from(if !gathered.unreadable.is_empty() {
        2
    } else {
        u8::from(findings.iter().any(Finding::is_error))
    }))
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
    stdout.flush()
}

/// What has to be owned, for whoever did not say what is.
fn headers(snapshot: &Snapshot) -> String {
    let names: Vec<_> = snapshot.header_names().map(String::from_utf8_lossy).collect();
    if names.is_empty() {
        return String::new();
    }
    format!("; sets {}: each must be in the filter's ownedHeaders", names.join(", "))
}

fn summary(findings: &[Finding], gathered: &Gathered) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len().saturating_sub(errors);
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let unreadable = match gathered.unreadable.len() {
        0 => String::new(),
        more => format!(", {more} unreadable"),
    };
    let documents = count(gathered.documents.len(), "document");
    format!("{documents}{unreadable}: {}, {}", count(errors, "error"), count(warnings, "warning"))
}

fn write_json(items: &[impl Serialize]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, items)?;
    writeln!(stdout)?;
    stdout.flush()
}
