//! `graylane embed`: rule sets as a filter's own configuration takes them.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use graylane_rules::{Automaton, to_json};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{paths::Paths, sources::Reaching};
use crate::{
    documents::{self, Gathered},
    encode,
    failure::Failure,
    json,
};

/// The most bytes a filter's configuration may have.
const CONFIGURATION_LIMIT: usize = 256 << 10;

/// Write rule sets for the filter's own configuration.
///
/// Rules in a plugin configuration decide until the first revision has been fetched, or for good where none is. They are
/// written there as JSON, and the filter compiles them; but it compiles no regular expressions, so their automata have to
/// stand beside them. This prints what to put into the configuration: the fields ruleSets, locks, audiences and automata.
///
/// What stands above the documents of a revision has no place there: where rule sets are off it is refused, and overrides of
/// switches are told on stderr and left out.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane embed -f rules/
  graylane embed checkout.yaml | jq '. + {ownedHeaders: [\"x-gray-variant\"]}'
  graylane embed http://127.0.0.1:8460

Exit codes:
  0  written
  1  there are errors in the documents, or they are too large; no such
     revision, or one in which something is switched off
  2  wrong usage, or a file, store or control plane that cannot be read")]
pub struct Arguments {
    #[command(flatten)]
    paths: Paths,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Embedded {
    rule_sets: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locks: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    automata: Vec<EmbeddedAutomaton>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmbeddedAutomaton {
    regex: String,
    ignore_case: bool,
    automaton: String,
}

impl From<&Automaton> for EmbeddedAutomaton {
    fn from(automaton: &Automaton) -> Self {
        let Automaton { pattern, ignore_case, bytes } = automaton;
        Self { regex: pattern.clone(), ignore_case: *ignore_case, automaton: encode::base64(bytes) }
    }
}

/// Prints the fields.
///
/// # Errors
/// Documents that do not compile, that the filter does not read, or that are too large for it.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let gathered = arguments.paths.gathered(&arguments.reaching)?;
    refuse_above(&gathered)?;
    let compiled = documents::sound(&gathered)?;
    for warning in &compiled.warnings {
        eprintln!("{warning}");
    }
    let mut embedded =
        Embedded { automata: compiled.automata.iter().map(EmbeddedAutomaton::from).collect(), ..Embedded::default() };
    for document in &gathered.documents {
        let parsed = compiled.parsed.iter().find(|parsed| parsed.file == document.file);
        let (kind, parser) = parsed.map_or(("", ""), |parsed| (&parsed.kind, &parsed.parser));
        let list = match kind {
            "RuleSet" => &mut embedded.rule_sets,
            "AllocationLock" => &mut embedded.locks,
            "Audience" => &mut embedded.audiences,
            other => return Err(unread(&document.file, &format!("a document of kind {other}"))),
        };
        if !parser.starts_with("v1-") {
            return Err(unread(&document.file, &format!("a document for the parser {parser}")));
        }
        let raw = to_json(&document.source()).ok().and_then(|json| RawValue::from_string(json).ok());
        list.push(raw.ok_or_else(|| unread(&document.file, "a document that cannot be written as JSON"))?);
    }
    let mut json = Vec::new();
    json::write(&embedded, &mut json).map_err(|why| Failure::unwritten("stdout", &why))?;
    if json.len() > CONFIGURATION_LIMIT {
        return Err(Failure::refused(format!(
            "found {} bytes, expected at most {CONFIGURATION_LIMIT}: a plugin configuration has no room for more",
            json.len()
        )));
    }
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&json).and_then(|()| stdout.flush());
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}

/// Rules that are switched off must not come on because somebody embeds them.
fn refuse_above(gathered: &Gathered) -> Result<(), Failure> {
    let overlay = &gathered.overlay;
    let off: Vec<_> = overlay.off_names().into_iter().map(|name| name.unwrap_or("every rule set")).collect();
    if !off.is_empty() {
        let expected = "expected it on, or its files: a plugin configuration cannot say that it is off";
        return Err(Failure::refused(format!("found that {} is off, {expected}", off.join(", "))));
    }
    if !overlay.switches.is_empty() {
        eprintln!("{}: left out, the filter's own configuration has a place for them", gathered.overriding().name);
    }
    Ok(())
}

fn unread(file: &str, found: &str) -> Failure {
    Failure::refused(format!(
        "{file}: found {found}, expected a RuleSet, an AllocationLock or an Audience of graylane.dev/v1: the filter reads no other"
    ))
}
