//! `graylane import`: rule sets from what other systems are configured with.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use graylane_rules::{DOCUMENT_LIMIT, Format, Source, compile};

use super::form::Form;
use crate::{
    failure::Failure,
    import::{
        Broken, Choices, Imported,
        document::RuleSet,
        higress,
        identity::{self, Identity},
        nginx,
        report::Report,
    },
    json, owned,
};

/// Write rule sets from the configuration of another system.
///
/// The documents go to stdout, with `---` between them where there are several, or each into a file of its own below
/// --out. A report goes to stderr: what could not be carried over and why (lost), what now decides differently (changed),
/// and what is to be known (note), each with its place in the source. A line of it is
/// `FILE:LINE:COLUMN KIND CODE ABOUT: SAYS`; with --report json it is an array of {kind, file, line, column, code, about,
/// says}.
///
/// Nothing that was read wrongly is left out in silence: where a part of a condition cannot be said, the condition is
/// not written at all, so that no rule ever matches more than the source did.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubectl get ingress -A -o yaml > all.yaml
  graylane import ingress-nginx --identity cookie:uid --out rules/ all.yaml
  graylane import higress-traffic-tag traffic-tag.yaml > rules/shop.yaml

Exit codes:
  0  written, nothing lost; the report may say what changed
  1  the source is wrong in itself; nothing is written
  2  wrong usage, or a file that cannot be read or written
  3  written, and the report says what was lost")]
pub struct Arguments {
    #[command(subcommand)]
    source: From,
}

#[derive(Debug, clap::Subcommand)]
enum From {
    IngressNginx(IngressNginx),
    HigressTrafficTag(HigressTrafficTag),
}

/// From Kubernetes manifests with the canary annotations of ingress-nginx.
///
/// A main and a canary Ingress belong together by host, path and path type, whatever files they stand in. Each canary
/// becomes a rule set with the variants stable and canary; the Services behind them stand in its comments.
#[derive(Debug, clap::Args)]
struct IngressNginx {
    #[command(flatten)]
    common: Common,
    /// Where the variant goes.
    #[arg(long, value_name = "NAME", default_value = "x-gray-variant", value_parser = owned::parse_name)]
    variant_header: String,
    /// The prefix of the annotations, where the controller was given another.
    #[arg(long, value_name = "PREFIX", default_value = "nginx.ingress.kubernetes.io")]
    annotations_prefix: String,
}

/// From the configuration of Higress's traffic-tag plugin, or a WasmPlugin resource that has one.
///
/// The header that the plugin sets becomes the variant header, and its values the variants, wherever that can be said;
/// else each rule sets the header itself.
#[derive(Debug, clap::Args)]
struct HigressTrafficTag {
    #[command(flatten)]
    common: Common,
    /// The name of the rule set.
    #[arg(long, value_name = "NAME", default_value = "traffic-tag")]
    name: String,
    /// The variant of requests that get no tag.
    #[arg(long, value_name = "VARIANT", default_value = "base")]
    default: String,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Files to read together; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A directory for the documents, NAME.yaml each; a file that is there already is not overwritten.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What buckets requests, header:NAME or cookie:NAME, where the source draws lots. Repeat it for a second choice.
    #[arg(long, value_name = "SOURCE", value_parser = identity::parse)]
    identity: Vec<Identity>,
    /// How to report on stderr.
    #[arg(long, value_name = "FORM", default_value = "text")]
    report: Form,
}

/// Writes the documents and the report.
///
/// # Errors
/// A source that is wrong, files that cannot be read or written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (common, imported) = match &arguments.source {
        From::IngressNginx(given) => {
            let choices =
                Choices { identity: given.common.identity.clone(), variant_header: given.variant_header.clone() };
            (&given.common, nginx::import(&read(&given.common.files)?, &given.annotations_prefix, &choices))
        }
        From::HigressTrafficTag(given) => {
            let choices = higress::Choices {
                name: given.name.clone(),
                default: given.default.clone(),
                identity: given.common.identity.clone(),
            };
            (&given.common, higress::import(&read(&given.common.files)?, &choices))
        }
    };
    let Imported { rule_sets, report } = imported.map_err(|broken: Broken| Failure::refused(broken))?;
    let documents: Vec<(&RuleSet, String)> = rule_sets.iter().map(|set| (set, set.to_string())).collect();
    prove(&documents)?;
    match &common.out {
        Some(directory) => write_files(directory, &documents)?,
        None => write_stdout(&documents).map_err(|why| Failure::unwritten("stdout", &why))?,
    }
    tell(&report, common.report).map_err(|why| Failure::unwritten("stderr", &why))?;
    Ok(ExitCode::from(if report.has_losses() { 3 } else { 0 }))
}

fn read(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    files.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<(String, String), Failure> {
    let is_stdin = path.as_os_str() == "-";
    let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
    let unable = |why: &dyn std::fmt::Display| Failure::unable(format!("{name}: {why}"));
    let mut bytes = Vec::new();
    let most = DOCUMENT_LIMIT.saturating_add(1) as u64;
    let read = if is_stdin {
        io::Read::read_to_end(&mut io::Read::take(io::stdin().lock(), most), &mut bytes)
    } else {
        File::open(path).and_then(|file| io::Read::read_to_end(&mut io::Read::take(file, most), &mut bytes))
    };
    read.map_err(|why| unable(&why))?;
    if bytes.len() > DOCUMENT_LIMIT {
        return Err(unable(&format!("found more than {DOCUMENT_LIMIT} bytes, expected at most that much")));
    }
    String::from_utf8(bytes).map(|text| (name.clone(), text)).map_err(|why| unable(&why))
}

/// What was written must be what `serve` takes; if not, that is a fault of this command and not of the source.
fn prove(documents: &[(&RuleSet, String)]) -> Result<(), Failure> {
    let sources: Vec<_> =
        documents.iter().map(|(_, text)| Source { format: Format::Yaml, text: text.as_bytes() }).collect();
    let Err(problems) = compile(&sources) else { return Ok(()) };
    let lines = problems.iter().map(|problem| {
        let name = documents.get(problem.source).map_or("", |(set, _)| set.name.as_str());
        format!("  {name}: {problem}")
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    Err(Failure::unable(format!("the rule sets of this source cannot be used as they would be written\n{lines}")))
}

fn write_stdout(documents: &[(&RuleSet, String)]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for (at, (_, text)) in documents.iter().enumerate() {
        if at > 0 {
            writeln!(stdout, "---")?;
        }
        stdout.write_all(text.as_bytes())?;
    }
    stdout.flush()
}

fn write_files(directory: &Path, documents: &[(&RuleSet, String)]) -> Result<(), Failure> {
    let unwritten = |path: &Path, why: &io::Error| Failure::unwritten(&path.display().to_string(), why);
    std::fs::create_dir_all(directory).map_err(|why| unwritten(directory, &why))?;
    for (set, text) in documents {
        let path = directory.join(format!("{}.yaml", set.name));
        let written = File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|why| match why.kind() {
            io::ErrorKind::AlreadyExists => Failure::unable(format!(
                "found {}, expected no such file: nothing is overwritten; move it away, or give another --out",
                path.display()
            )),
            _ => unwritten(&path, &why),
        })?;
    }
    Ok(())
}

fn tell(report: &Report, form: Form) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    match form {
        Form::Json => json::write(&report.remarks, &mut stderr),
        Form::Text => {
            for remark in &report.remarks {
                writeln!(stderr, "{remark}")?;
            }
            writeln!(stderr, "{}", report.summary())
        }
    }
}
