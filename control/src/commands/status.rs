//! `graylane status`: who runs what, asked of a control plane.

mod table;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use graylane_rules::Revision;
use serde::Deserialize as _;
use serde_json::Value;

use crate::{duration, encode, failure::Failure, http, status::Status, url::Url};

/// So long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// So often it is asked while it is waited.
const PAUSE: Duration = Duration::from_millis(100);

/// Show who runs what: Envoys, their workers, revisions, and what is not as it should be.
///
/// Asks a running `graylane serve`. There is a line for each worker of each Envoy: what it runs and since when. It is
/// `current` where that is what is published; `stale` where a second passed since it should run that; `refusing` where
/// it said why it will not; and its Envoy is `silent` where that has not reported for a minute, so that nobody knows.
/// An Envoy that has not for ten minutes is gone. A line `trouble: …` below the workers of an Envoy says why what
/// fetches for it takes nothing at present, such as a signature that is not trusted. The VM that each Envoy has on its
/// main thread serves no request, so it may be `behind`. `-` in ROLE is a VM of which that is not known yet; it counts
/// as a worker.
///
/// An Envoy that ended is not known to have: it is silent after a minute and counted until ten have passed; `--wait`
/// does not succeed before.
///
/// All of it, and more, is in the JSON.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane status
  graylane status --control http://control.internal:8460 -o json | jq .tally
  # change the rules, then wait until every worker runs the new revision
  before=$(graylane status -o json | jq -r .revision)
  cp shop.yaml rules/
  graylane status --newer-than $before --wait 30s

Exit codes:
  0  every worker runs the published revision
  1  something is stale, refusing, silent or in trouble, or an Envoy has no
     worker; there is no Envoy; Envoys share a node id, so that one hides the
     other; nothing is published, or nothing newer than REVISION
  2  wrong usage, or no answer that is a status")]
pub struct Arguments {
    /// The control plane: `http://HOST:PORT`.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8460", value_parser = http::plain_url)]
    control: Url,
    /// The namespace it serves.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// How to show it.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// Ask again until every worker runs what is published, or so long: 500ms, 30s, 5m. Not given: ask once.
    #[arg(long, value_name = "DURATION", value_parser = parse_wait)]
    wait: Option<Duration>,
    /// Not well before something later than this is published: a change that is not noticed yet leaves everything well.
    #[arg(long, value_name = "REVISION")]
    newer_than: Option<Revision>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    Text,
    Json,
}

fn parse_wait(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "expected a number and one of ms, s, m, h, such as 30s".to_owned())
}

/// Asks, and shows the answer on stdout.
///
/// # Errors
/// Where there is no answer, or none that is a status.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let (text, status) = loop {
        let asked = ask(arguments);
        let left = arguments.wait.unwrap_or_default().saturating_sub(began.elapsed());
        if left.is_zero() || asked.as_ref().is_ok_and(|(_, status)| arguments.is_well(status)) {
            break asked?;
        }
        thread::sleep(left.min(PAUSE));
    };
    show(&text, &status, arguments.output).map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::from(u8::from(!arguments.is_well(&status))))
}

impl Arguments {
    fn is_well(&self, status: &Status) -> bool {
        let published = status.revision.as_deref().and_then(|revision| revision.parse::<Revision>().ok());
        status.is_everywhere() && self.newer_than.is_none_or(|old| published.is_some_and(|published| published > old))
    }
}

fn ask(arguments: &Arguments) -> Result<(Value, Status), Failure> {
    let Url { authority, target, .. } = &arguments.control;
    let path = target.trim_end_matches('/');
    let target = format!("{path}/v1/namespaces/{}/status", encode::percent(&arguments.namespace));
    let place = format!("http://{authority}{target}");
    let unable = |why: String| Failure::unable(format!("{place}: {why}"));
    let url = Url { target, ..arguments.control.clone() };
    let (code, body) = http::get(&url, ANSWER).map_err(unable)?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !code.is_success() {
        let detail = answer.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
        return Err(unable(format!("found the status {code} ({detail}), expected 200")));
    }
    let status = Status::deserialize(&answer)
        .map_err(|why| unable(format!("found no status ({why}), expected that of graylane serve")))?;
    Ok((answer, status))
}

fn show(answer: &Value, status: &Status, form: Form) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match form {
        Form::Text => write!(stdout, "{}", table::Shown(status))?,
        // As it was told, and not as it was understood: a later control may say more.
        Form::Json => writeln!(stdout, "{answer:#}")?,
    }
    stdout.flush()
}
