//! `graylane publish`: documents into a new revision.

use std::{
    cell::LazyCell,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use super::{
    form::Form,
    made,
    plane::{self, Plane},
};
use crate::{
    documents::{self, Document, Gathered},
    duration,
    failure::Failure,
    finding::Finding,
    identities::Identities,
    overrides,
    revisions::json::{Asked, LONGEST_WAIT, Text, Verb},
};

/// Publish rule sets as a new revision.
///
/// What stands in the files takes the place of all that is published, or with --rule-set of one rule set and its lock. It is
/// compiled and compared before anything is written; with errors nothing changes. The revision is numbered, says who made it,
/// when, why and from what, and holds the digest of the one it follows. Envoys have it within milliseconds.
///
/// Of a split of three variants or more the lock is made here, from what is published: as few identities move as the
/// weights require. A lock that stands beside its rule set is taken as it is.
///
/// Where somebody else published meanwhile, nothing is written, and it says who, why and what. With --expect that holds from
/// the revision you have seen.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane publish rules/ --dry-run
  graylane publish rules/ -m 'canary for a fifth' --wait
  graylane publish rules/ --dry-run --identities users.txt
  graylane publish checkout.yaml --rule-set checkout -m 'fix the header'
  graylane publish rules/ -m \"$before\" --expect 41 -o json
  graylane publish rules/ -m first --store redb://graylane.redb

Exit codes:
  0  published, or nothing differs from what is
  1  refused: errors in the documents, frozen, or somebody else was first
  2  wrong usage, a file that cannot be read, or no control plane
  3  published, and not everywhere in time")]
pub struct Arguments {
    /// Documents, and directories of them.
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Why: it stands in the history.
    #[arg(
        short = 'm',
        long = "reason",
        value_name = "WHY",
        required_unless_present = "dry_run",
        default_value_if("dry_run", "true", "(a dry run)")
    )]
    reason: Option<String>,
    /// Publish only this rule set of the documents, with its lock; all others stay as they are published.
    #[arg(long, value_name = "NAME")]
    rule_set: Option<String>,
    /// Tell what would change, and who would move, and publish nothing.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// With --dry-run, tell how many of the identities in this file, one a line, get another variant; - is stdin.
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    identities: Option<PathBuf>,
    /// What these ask for [default: http://localhost/]
    #[arg(long, value_name = "URL", requires = "identities")]
    url: Option<String>,
    /// Return when every known worker runs it, or after so long; --wait alone is 30s. A path behind it would be taken for how
    /// long: put --wait last, or --wait=30s.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "30s", value_parser = wait)]
    wait: Option<Duration>,
    /// The revision that you have seen: where another one is published by now, publish nothing.
    #[arg(long, value_name = "REVISION")]
    expect: Option<String>,
    /// Who publishes, where the control plane does not know. Not given: you, at this host.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    switches: overrides::Switches,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Reads a duration to wait.
///
/// # Errors
/// What would be right.
pub fn wait(text: &str) -> Result<Duration, String> {
    let found = duration::parse(text).filter(|found| *found <= LONGEST_WAIT);
    found.ok_or_else(|| "expected a number and one of ms, s, m, such as 30s, and at most 5m".to_owned())
}

/// Publishes, and shows what came of it.
///
/// # Errors
/// Why nothing was published.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let switches = arguments.switches.origin()?;
    let switches = match switches {
        overrides::Origin::Nowhere => None,
        given => Some(given.read().map_err(Failure::unable)?.text),
    };
    let gathered = Gathered::of(&arguments.paths);
    let asked = Asked {
        documents: texts(&gathered)?,
        rule_set: arguments.rule_set.clone(),
        switches,
        actor: Some(arguments.actor.clone().unwrap_or_else(plane::actor)),
        reason: arguments.reason.clone().unwrap_or_default(),
        source: source(&arguments.paths),
        expect: arguments.expect.clone(),
        dry_run: arguments.dry_run,
        identities: arguments.identities.as_deref().map(named).transpose()?.unwrap_or_default(),
        url: arguments.url.clone(),
        wait_millis: arguments.wait.map(millis),
        ..Asked::default()
    };
    let judged = LazyCell::new(|| judged(&gathered));
    let own = |finding: &Finding| {
        let document = finding.document_of(&gathered.documents)?;
        let is_same =
            |other: &Finding| (&other.file, &other.code, other.line) == (&document.file, &finding.code, finding.line);
        (arguments.rule_set.is_none() || judged.iter().any(is_same)).then_some(document)
    };
    let mut made = arguments.plane.make(Verb::Publish, asked).map_err(|why| why.shown_in(own))?;
    for warning in &mut made.told.warnings {
        if let Some(document) = own(warning) {
            warning.file.clone_from(&document.file);
        }
    }
    made::show(&made, arguments.output, None)
}

/// What is found in the documents alone. With --rule-set others that are published are compiled beside them, which may have the
/// same names: only what is found here as well is certain to be about these.
fn judged(gathered: &Gathered) -> Vec<Finding> {
    match documents::compiled(gathered, &[]) {
        Ok(compiled) => compiled.warnings,
        Err(findings) => findings,
    }
}

/// The identities in a file.
fn named(file: &Path) -> Result<Vec<String>, Failure> {
    let identities = Identities::read(file)?;
    let texts = identities.iter().map(|identity| String::from_utf8(identity.to_vec()));
    texts
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::unable(format!("{}: found bytes that are not UTF-8, expected text", file.display())))
}

/// A duration as the API takes it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn source(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let mut source = paths.join(" ");
    let end = (0..=500).rev().find(|end| source.is_char_boundary(*end)).unwrap_or(0);
    source.truncate(end);
    source
}

/// What stands in the files, by the names that they have in their directories.
fn texts(gathered: &Gathered) -> Result<Vec<Text>, Failure> {
    if let [_, ..] = gathered.unreadable.as_slice() {
        return Err(Failure::unable("the documents cannot all be read").because_of(gathered.unreadable.clone()));
    }
    let text = |document: &Document| {
        let path = PathBuf::from(&document.file);
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = String::from_utf8(document.text.clone());
        let text = text.map_err(|_| {
            Failure::refused(format!("{}: found bytes that are not UTF-8, expected text", document.file))
        })?;
        Ok(Text { file, text })
    };
    let texts = gathered.documents.iter().map(text).collect::<Result<Vec<_>, Failure>>()?;
    let mut names: Vec<_> = texts.iter().map(|text| text.file.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[_]>::first) {
        Some(twice) => Err(Failure::unable(format!("found two documents {twice}, expected names that differ"))),
        None => Ok(texts),
    }
}
