//! `graylane istio`: what Istio makes of what is written for it.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use graylane_istio::lint::{Mesh, Outcome, lint};
use serde::Serialize;
use serde_json::json;

use super::{check, form::Form, paths::Manifests};
use crate::{
    documents::Document,
    failure::Failure,
    finding::{self, Finding, Lines},
    plural::counted,
};

/// See what Istio makes of EnvoyFilters and plugins.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane istio lint sidecar.yaml bootstrap.yaml

Exit codes:
  those of the command, which `graylane help istio lint` tells")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Lint(Lint),
}

/// Say what EnvoyFilters and plugins will do, and what they will not.
///
/// Istio accepts patches that have no effect and says nothing: BOOTSTRAP, a match that is nowhere, an operation without code
/// behind it, fields that Envoy's API does not have. This reads EnvoyFilter, WasmPlugin, TrafficExtension, VirtualService and
/// the ConfigMaps of sidecar.istio.io/bootstrapOverride, applies them to a sidecar and a gateway as istiod sends them, and
/// says where each patch lands. It knows istiod 1.24 to 1.32 and the API of Envoy 1.40; it asks no cluster. Documents of other
/// kinds are passed by. What belongs together should be given together: a filter and the extension it asks for.
///
/// Whatever any file says is told at once, as `graylane check` tells it: `FILE:LINE:COLUMN CODE PATH: found …, expected …`, with
/// `warning` for what has an effect, but perhaps not the one that is meant. What patches do follows: `FILE:LINE:COLUMN does PATH:
/// …`. JSON is {findings, effects}.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane istio lint sidecar.yaml bootstrap.yaml routes.yaml
  graylane istio lint --istio 1.30.2 filters/
  graylane istio lint -o json all.yaml | jq -r '.findings[].code'

Exit codes:
  0  no errors; warnings may be reported
  1  there are errors: something has no effect, or breaks a proxy
  2  wrong usage, or a file that cannot be read; the others are looked at")]
struct Lint {
    #[command(flatten)]
    paths: Manifests,
    /// The version of Istio whose proxies are looked at.
    #[arg(long, value_name = "VERSION", default_value = "1.31.0", value_parser = version)]
    istio: String,
    /// The namespace whose objects Istio applies to all namespaces.
    #[arg(long, value_name = "NAME", default_value = "istio-system")]
    root_namespace: String,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// Leave the lines of the files out: a line for each problem, for grep and editors.
    #[arg(long)]
    no_excerpt: bool,
}

fn version(text: &str) -> Result<String, String> {
    match graylane_istio::plugin::minor(text) {
        Some(24..=32) => Ok(if text.matches('.').count() == 1 { format!("{text}.0") } else { text.to_owned() }),
        _ => Err("found no version of Istio that is known, expected one from 1.24 to 1.32, such as 1.31.0".to_owned()),
    }
}

/// What a patch does, and its place.
#[derive(Serialize)]
struct Effect {
    file: String,
    line: usize,
    column: usize,
    path: String,
    effect: String,
}

/// Does what was asked for.
///
/// # Errors
/// Where stdout cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Command::Lint(arguments) = &arguments.command;
    let mut gathered = arguments.paths.gathered();
    gathered.documents.truncate(gathered.named);
    let mesh = Mesh { version: arguments.istio.clone(), root_namespace: arguments.root_namespace.clone() };
    let mut findings = gathered.unreadable.clone();
    let documents: Vec<_> = gathered.documents.iter().filter(|document| is_text(document, &mut findings)).collect();
    let texts: Vec<_> = documents.iter().filter_map(|document| std::str::from_utf8(&document.text).ok()).collect();
    let outcome = lint(&texts, &mesh);
    let lines: Vec<_> = documents.iter().map(|document| Lines::of(&document.text)).collect();
    findings.extend(outcome.problems.iter().filter_map(|problem| {
        let (document, lines) = (documents.get(problem.source)?, lines.get(problem.source)?);
        Some(Finding::of(problem.clone(), &document.file, lines))
    }));
    let effects = effects(&outcome, &documents, &lines);
    let written = match arguments.output {
        Form::Text => text(&findings, &effects, &gathered.documents, !arguments.no_excerpt),
        Form::Json => check::write_json(&json!({"findings": findings, "effects": effects})),
    };
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    if matches!(arguments.output, Form::Text) {
        eprintln!("{}", summary(&findings, outcome.objects));
    }
    let worst = u8::from(findings.iter().any(Finding::is_error));
    Ok(ExitCode::from(if gathered.unreadable.is_empty() { worst } else { 2 }))
}

fn is_text(document: &Document, findings: &mut Vec<Finding>) -> bool {
    let is_text = std::str::from_utf8(&document.text).is_ok();
    if !is_text {
        findings.push(Finding::about(&document.file, "syntax", "bytes that are not UTF-8", "a file in UTF-8"));
    }
    is_text
}

fn effects(outcome: &Outcome, documents: &[&Document], lines: &[Lines<'_>]) -> Vec<Effect> {
    let effect = |told: &graylane_istio::lint::Told| {
        let document = documents.get(told.source)?;
        let (line, column) = lines.get(told.source)?.place(told.span.start);
        let (file, path, effect) = (document.file.clone(), told.path.clone(), told.text.clone());
        Some(Effect { file, line, column, path, effect })
    };
    outcome.effects.iter().filter_map(effect).collect()
}

fn text(findings: &[Finding], effects: &[Effect], documents: &[Document], excerpts: bool) -> io::Result<()> {
    check::write_text(findings, documents, excerpts)?;
    let mut stdout = io::stdout().lock();
    for Effect { file, line, column, path, effect } in effects {
        let line = format!("{file}:{line}:{column} does {path}: {effect}");
        writeln!(stdout, "{}", finding::one_line(&line))?;
    }
    stdout.flush()
}

fn summary(findings: &[Finding], objects: usize) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len().saturating_sub(errors);
    format!("{}: {}, {}", counted(objects, "object"), counted(errors, "error"), counted(warnings, "warning"))
}
