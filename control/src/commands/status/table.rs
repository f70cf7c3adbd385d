//! A status as text.

use std::{fmt, time::Duration};

use graylane_store::{Freeze, SwitchedOff};
use jiff::Timestamp;

use crate::{
    clock::second,
    commands::columns,
    duration::spoken,
    finding::one_line,
    nodes::{Fetcher, Role},
    plural::count,
    status::{NodeStatus, Origin, Status, WorkerStatus},
};

/// The headings of the table; the last column is as wide as it has to be.
const HEADINGS: [&str; 8] = ["NODE", "CLUSTER", "FETCHER", "WORKER", "ROLE", "REVISION", "SINCE", "STATE"];

/// A fetcher that hears of none most likely looks in the shared data of another `vm_id`.
const NO_WORKER: &str = "no worker: is there a filter of the fetcher's vm_id?";

/// A status for people: what is published, a line for each worker, the sums, the problems.
pub struct Shown<'s>(pub &'s Status);

type Row = [String; HEADINGS.len()];

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0;
        published(status, f)?;
        above(status, f)?;
        if !status.nodes.is_empty() {
            writeln!(f)?;
            table(status, f)?;
            unknown(status).iter().try_for_each(|unknown| writeln!(f, "{unknown}"))?;
        }
        writeln!(f, "\n{}", sums(status))?;
        status.problems.iter().try_for_each(|problem| writeln!(f, "problem: {problem}"))
    }
}

fn published(status: &Status, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = one_line(&status.namespace);
    let (Some(revision), Some(at)) = (&status.revision, status.published_at) else {
        return writeln!(f, "namespace {name}: nothing is published");
    };
    writeln!(f, "namespace {name}: revision {} published {} ago, {}", one_line(revision), age(at, status), second(at))?;
    if let Some(Origin { action, actor, at, reason, .. }) = &status.origin {
        writeln!(f, "{} by {}, {}: {}", one_line(action), one_line(actor), second(*at), one_line(reason))?;
    }
    let formats: Vec<_> = status.formats.iter().map(u16::to_string).collect();
    write!(f, "format {}; rule sets: {}; ", formats.join(" and "), one_line(&status.rule_sets.join(", ")))?;
    match status.expires {
        Some(expires) => writeln!(f, "signed by {} until {}", one_line(&status.signed_by.join(", ")), second(expires))?,
        None => writeln!(f, "not signed")?,
    }
    let effect = &status.time_to_effect;
    let last = effect.last_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let last = last.map_or_else(|| "none timed yet".to_owned(), |last| format!("{} for the last one", spoken(last)));
    writeln!(f, "time to effect: {last}; {} in effect, {} superseded before", effect.count, effect.superseded)
}

/// What stands above the documents: whoever looks for why nothing happens is to see it soon.
fn above(status: &Status, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = |rule_set: &Option<String>| rule_set.as_deref().map_or_else(|| "all rule sets".to_owned(), one_line);
    for SwitchedOff { rule_set, actor, at, reason } in &status.off {
        let (name, actor, reason) = (name(rule_set), one_line(actor), one_line(reason));
        writeln!(f, "off: {name}, by {actor}, {}: {reason}; everybody has the default", second(*at))?;
    }
    for Freeze { rule_set, actor, at, reason } in &status.frozen {
        let (name, actor, reason) = (name(rule_set), one_line(actor), one_line(reason));
        writeln!(f, "frozen: {name}, by {actor}, {}: {reason}", second(*at))?;
    }
    match status.overrides {
        0 => Ok(()),
        1 => writeln!(f, "1 switch is overridden"),
        more => writeln!(f, "{more} switches are overridden"),
    }
}

fn rows(node: &NodeStatus, status: &Status) -> Vec<Row> {
    let fetcher = match node.fetcher {
        Some(Fetcher::Bootstrap) => "bootstrap",
        Some(Fetcher::Elected) => "elected",
        None => "-",
    };
    let row = |[worker, role, revision, since, state]: [String; 5]| {
        [text(&node.id), text(&node.cluster), fetcher.to_owned(), worker, role, revision, since, state]
    };
    let silent = node.silent.then(|| format!("silent for {}", age(node.last_report, status)));
    if node.workers.is_empty() {
        let state = silent.unwrap_or_else(|| NO_WORKER.to_owned());
        return vec![row(["-", "-", "-", "-", &state].map(str::to_owned))];
    }
    node.workers.iter().map(|worker| row(cells(worker, silent.as_deref()))).collect()
}

/// The cells that are about the worker itself.
fn cells(worker: &WorkerStatus, silent: Option<&str>) -> [String; 5] {
    let role = match worker.role {
        Some(Role::Main) => "main",
        Some(Role::Worker) => "worker",
        None => "unknown",
    };
    let revision = worker.revision.as_deref().map_or_else(|| "none".to_owned(), one_line);
    let state = silent.map(str::to_owned).into_iter().chain([state(worker)]).collect::<Vec<_>>().join("; ");
    [one_line(&worker.id), role.to_owned(), revision, second(worker.since), state]
}

/// `current`, `catching up`, `behind …`, `stale: …`, and what it refuses.
fn state(worker: &WorkerStatus) -> String {
    let far = worker.behind_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map(|time| {
        let revisions = match worker.behind {
            Some(1) => "1 revision, ".to_owned(),
            Some(more) => format!("{more} revisions, "),
            None => String::new(),
        };
        format!("{revisions}{}", spoken(time))
    });
    let state = match far {
        None => "current".to_owned(),
        Some(far) if worker.stale => format!("stale: {far} behind"),
        Some(far) if worker.role == Some(Role::Main) => format!("{far} behind"),
        Some(_) => "catching up".to_owned(),
    };
    let why = one_line(worker.error.as_deref().unwrap_or("no reason given"));
    match &worker.refused {
        Some(revision) => format!("{state}; refusing {}: {why}", one_line(revision)),
        None if worker.error.is_some() => format!("{state}; refusing: {why}"),
        None => state,
    }
}

/// The lines of all Envoys; what troubles one stands below its own.
fn table(status: &Status, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let headings = (vec![HEADINGS.map(str::to_owned)], None);
    let nodes = status.nodes.iter().map(|node| (rows(node, status), node.trouble.as_deref()));
    let blocks: Vec<_> = std::iter::once(headings).chain(nodes).collect();
    let widths = columns::widths(blocks.iter().flat_map(|(rows, _)| rows));
    for (rows, trouble) in &blocks {
        for row in rows {
            writeln!(f, "{}", columns::line(row, &widths))?;
        }
        trouble.iter().try_for_each(|trouble| writeln!(f, "  trouble: {}", one_line(trouble)))?;
    }
    Ok(())
}

fn sums(status: &Status) -> String {
    let tally = status.tally;
    if tally.nodes == 0 {
        return "no Envoy has reported".to_owned();
    }
    let (nodes, workers) = (count(tally.nodes, "node"), count(tally.workers, "worker"));
    let silent = if tally.silent == 0 { String::new() } else { format!(" ({} silent)", tally.silent) };
    format!("{nodes}{silent}, {workers}: {} current, {} stale, {} refusing", tally.current, tally.stale, tally.refusing)
}

/// Why there seem to be more workers than Envoy has.
fn unknown(status: &Status) -> Option<String> {
    let workers = status.nodes.iter().flat_map(|node| &node.workers);
    let unknown = workers.filter(|worker| worker.role.is_none()).count();
    let words = "one of each Envoy may be its main thread's, which serves no request; requests show which are workers";
    (unknown > 0).then(|| format!("unknown: {unknown} counted among the workers; {words}"))
}

fn text(found: &str) -> String {
    if found.is_empty() { "-".to_owned() } else { one_line(found) }
}

/// By the clock of whoever told it.
fn age(at: Timestamp, status: &Status) -> String {
    spoken(Duration::try_from(status.at.duration_since(at)).unwrap_or_default())
}
