//! `graylane check`: every problem of the documents, for people and for machines.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use graylane_rules::{Risk, Snapshot};
use serde::Serialize;

use super::{paths::Paths, sources::Reaching};
use crate::{
    documents::{self, Document, Gathered, ParsedDocument},
    excerpt,
    failure::Failure,
    finding::Finding,
    gates::{Judged, Listed, Unlisted},
    json, overrides, owned,
    plural::counted,
    terminal,
};

/// The exit code where everything is sound and a gate is refused: what a shell says of a command that may not be run.
const REFUSED: u8 = 126;

/// Report every problem of rule sets, each with its place.
///
/// All files and directories given are one namespace, as `serve` would read them from one directory: two rule sets of
/// the same name are a problem. The lock beside a file, `checkout.lock.yaml` of `checkout.yaml`, belongs to it without being
/// named. Every error is reported at once, not the first alone; a file that cannot be read is one of them. Of what is
/// published in a store or by a control plane, each document is named with its revision: `checkout.yaml#1732450000.41`.
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
///
/// Every switch of a rule set is a gate. With --allow-list each must be on a list that gives it a mode, `allow`, `audit` or
/// `deny`, and a risk; one that is not is refused, as one that is denied is. One to be audited is a warning. In JSON such
/// findings have gate: {ruleSet, name, mode, risk} besides. Gates are judged where there are no errors.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane check rules/
  graylane check checkout.yaml search.json
  graylane check redb:///var/lib/graylane/store.redb#41
  graylane check --owned x-gray-variant,x-feature-flags rules/
  graylane check -o json rules/ | jq -r '.[].code'
  graylane check -o documents rules/ | jq -r '.[] | [.name, .parser] | @tsv'
  graylane check --allow-list production.yaml rules/
  graylane check --allow-list production.yaml --max-risk medium rules/

Exit codes:
  0    the documents can be used; warnings may be reported
  1    there are errors in the documents or the allow-list; no such revision
  2    wrong usage, or a file that cannot be read; the others are checked; or
       no answer from a store or a control plane
  126  there are no errors, and a gate is refused")]
pub struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// A header in the filter's ownedHeaders; setting one that is not named is an error. Repeat it, or put commas
    /// between. Not given: the rules may set any.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = owned::parse_name)]
    owned: Vec<String>,
    /// An AllowList document that says which switches the rule sets may have. docs/allow-list.md has its fields.
    #[arg(long, value_name = "FILE")]
    allow_list: Option<PathBuf>,
    /// The highest risk that may pass, besides the list's own bound: low, medium, high or critical.
    #[arg(long, value_name = "RISK", requires = "allow_list", value_parser = risk)]
    max_risk: Option<Risk>,
    #[command(flatten)]
    switches: overrides::Switches,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// Leave the lines of the document out: a line for each problem, for grep and editors.
    #[arg(long)]
    no_excerpt: bool,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
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
    let mut gathered = arguments.paths.gathered(&arguments.reaching)?;
    let (mut findings, snapshot, parsed) = match documents::compiled_with(&gathered, &arguments.owned, &overriding) {
        Ok(compiled) => (compiled.warnings, Some(compiled.snapshot), compiled.parsed),
        Err(findings) => (findings, None, Vec::new()),
    };
    let (listed, unlisted) = arguments.listed();
    // Of documents that cannot be used nobody knows the gates.
    let judged = listed.filter(|_| snapshot.is_some()).map(|listed| listed.judge(&gathered.documents));
    let missing = usize::from(unlisted.as_ref().is_some_and(Unlisted::is_unreadable));
    let unreadable = gathered.unreadable.len().saturating_add(missing);
    let Unlisted { findings: about_list, document: list } = unlisted.unwrap_or_default();
    findings.extend(about_list);
    let summary = summary(&findings, &gathered, unreadable, judged.as_ref());
    // Excerpts of the list are wanted, too.
    gathered.documents.extend(list);
    findings.extend(judged.map(|judged| judged.findings).unwrap_or_default());
    let exit = exit(unreadable > 0, &findings);
    let parsed = if exit == 0 { parsed } else { Vec::new() };
    arguments.write(&findings, &gathered.documents, &parsed).map_err(|why| Failure::unwritten("stdout", &why))?;
    if matches!(arguments.output, Form::Text) {
        let set = snapshot.filter(|_| arguments.owned.is_empty()).map(|snapshot| headers(&snapshot));
        eprintln!("{summary}{}", set.unwrap_or_default());
    }
    Ok(ExitCode::from(exit))
}

impl Arguments {
    /// The allow-list, where there is one; or else why it cannot be used, where one was named.
    fn listed(&self) -> (Option<Listed>, Option<Unlisted>) {
        match self.allow_list.as_ref().map(|path| Listed::read(path, self.max_risk)) {
            None => (None, None),
            Some(Ok(listed)) => (Some(listed), None),
            Some(Err(unlisted)) => (None, Some(unlisted)),
        }
    }

    fn write(&self, findings: &[Finding], documents: &[Document], parsed: &[ParsedDocument]) -> io::Result<()> {
        match self.output {
            Form::Text => write_text(findings, documents, !self.no_excerpt),
            Form::Json => write_json(findings),
            Form::Documents => {
                findings.iter().for_each(|finding| eprintln!("{finding}"));
                write_json(parsed)
            }
        }
    }
}

/// The risk of this name.
fn risk(name: &str) -> Result<Risk, String> {
    let known = || Risk::ALL.map(Risk::name).join(", ");
    Risk::ALL.into_iter().find(|risk| risk.name() == name).ok_or_else(|| format!("expected one of {}", known()))
}

fn exit(unreadable: bool, findings: &[Finding]) -> u8 {
    let errors = || findings.iter().filter(|finding| finding.is_error());
    match errors().next() {
        _ if unreadable => 2,
        None => 0,
        Some(_) if errors().all(|error| error.gate.is_some()) => REFUSED,
        Some(_) => 1,
    }
}

pub(super) fn write_text(findings: &[Finding], documents: &[Document], excerpts: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let colours = terminal::colours(&stdout);
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

fn summary(findings: &[Finding], gathered: &Gathered, unreadable: usize, judged: Option<&Judged>) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len().saturating_sub(errors);
    let documents = counted(gathered.documents.len(), "document");
    let revision = gathered.revision.as_ref().map(|revision| format!(" of revision {revision}")).unwrap_or_default();
    let unreadable = if unreadable == 0 { String::new() } else { format!(", {unreadable} unreadable") };
    let gates = judged.map(Judged::summary).unwrap_or_default();
    format!("{documents}{revision}{unreadable}: {}, {}{gates}", counted(errors, "error"), counted(warnings, "warning"))
}

pub(super) fn write_json(items: &(impl Serialize + ?Sized)) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    json::write(items, &mut stdout)?;
    stdout.flush()
}
