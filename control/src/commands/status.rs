//! `graylane status`: who runs what, asked of a control plane.

mod table;

use std::{
    io::Write as _,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use graylane_rules::Revision;
use hyper::Method;
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;

use super::{form::Form, plane::remote::below};
use crate::{
    client::{Client, ControlPlane, refused, unanswered},
    duration,
    failure::Failure,
    finding::{Finding, one_line},
    status::{NodeStatus, Status},
};

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
/// main thread serves no request, so it may be `behind`. `unknown` in ROLE is
/// a VM of which it is not known yet whether it is that one, which requests show; it counts as a worker.
///
/// An Envoy that ended is not known to have: it is silent after a minute and counted until ten have passed; `--wait`
/// does not succeed before.
///
/// Nothing is well while the documents in the directory are refused: what runs everywhere then is not what stands there.
/// No waiting helps against that, so --wait ends as soon as a look at the directory that began after it has seen it,
/// within a second or two; it goes on only where nothing is published yet and no --newer-than is given. stderr says
/// which problem it is, and where there is nothing newer than REVISION, what is published still. A change that means the
/// same, such as of comments alone, makes no revision: do not wait for one.
///
/// Nor is anything well while there is a problem that is an error, such as a store that does not answer. One that is a warning changes
/// nothing about that.
///
/// An Envoy that has just started may tell of one VM before the others are there. With --wait it is not complete yet while
/// it has one alone of which nobody knows that it is a worker's: an Envoy has one on its main thread and one for each
/// worker.
///
/// Of what is published from a store it says who made it, when and why, what is switched off or frozen and by whom, and how
/// many switches are overridden.
///
/// All of it, and more, is in the JSON.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane status
  graylane status --control https://control.internal:8460 --ca ca.pem \\
    --token-file ci.token -o json | jq .tally
  # change the rules, then wait until every worker runs the new revision
  before=$(graylane status -o json | jq -r .revision)
  cp shop.yaml rules/
  graylane status --newer-than $before --wait 30s

Exit codes:
  0  every worker runs the published revision, the documents in the
     directory are not refused, and no problem is an error
  1  the documents are refused, or there is nothing newer than REVISION:
     stderr says which; something is stale, refusing, silent or in trouble,
     or an Envoy has no worker; there is no Envoy; Envoys share a node id, so
     that one hides the other; nothing is published; a problem is an error,
     such as a store that does not answer; with --wait, an Envoy is not
     complete
  2  wrong usage, or no answer that is a status")]
pub struct Arguments {
    #[command(flatten)]
    control: ControlPlane,
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
    #[arg(long, value_name = "REVISION", value_parser = whole)]
    newer_than: Option<Revision>,
}

fn parse_wait(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "expected a number and one of ms, s, m, h, such as 30s".to_owned())
}

fn whole(text: &str) -> Result<Revision, String> {
    // A number alone is newer than all of earlier epochs, or older than all of this one: nobody could tell.
    let wrong = "expected EPOCH.NUMBER, such as 1732450000.7, as `graylane status -o json | jq -r .revision` tells it";
    text.parse().map_err(|_| wrong.to_owned())
}

/// Asks, and shows the answer on stdout.
///
/// # Errors
/// Where there is no answer, or none that is a status.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (client, began) = (arguments.control.client()?, Instant::now());
    let mut since = None;
    let (text, status) = loop {
        let asked = ask(&client, &arguments.namespace);
        let left = arguments.wait.unwrap_or_default().saturating_sub(began.elapsed());
        let is_decided = asked.as_ref().is_ok_and(|(_, status)| {
            let since = *since.get_or_insert(status.at);
            arguments.is_well(status) || arguments.is_hopeless(status, since)
        });
        if left.is_zero() || is_decided {
            break asked?;
        }
        thread::sleep(left.min(PAUSE));
    };
    // As it was told, and not as it was understood: a later control may say more.
    arguments.output.report(&text, |output| write!(output, "{}", table::Shown(&status)))?;
    if let Some(why) = arguments.complaint(&status) {
        eprintln!("{}", one_line(&why));
    }
    Ok(ExitCode::from(u8::from(!arguments.is_well(&status))))
}

impl Arguments {
    fn is_well(&self, status: &Status) -> bool {
        let is_wrong = status.documents_refused || status.problems.iter().any(Finding::is_error);
        status.is_everywhere() && !is_wrong && self.is_new(status) && self.incomplete(status).is_none()
    }

    /// An Envoy of which more is to come, where that is waited for.
    fn incomplete<'s>(&self, status: &'s Status) -> Option<&'s NodeStatus> {
        self.wait?;
        status.nodes.iter().find(|node| !node.silent && node.is_beginning())
    }

    fn is_new(&self, status: &Status) -> bool {
        let published = status.revision.as_deref().and_then(|revision| revision.parse::<Revision>().ok());
        self.newer_than.is_none_or(|old| published.is_some_and(|published| published > old))
    }

    /// Whether waiting is in vain: the documents are refused as they stood after `since`. An earlier look says nothing of a
    /// change that was made just before. Where nothing is published yet, the documents may only be on their way.
    fn is_hopeless(&self, status: &Status, since: Timestamp) -> bool {
        let expected = self.newer_than.is_some() || status.revision.is_some();
        expected && status.documents_refused && status.looked_at.is_some_and(|looked| looked >= since)
    }

    /// What the table does not say of why all is not well.
    fn complaint(&self, status: &Status) -> Option<String> {
        let revision = status.revision.as_deref();
        if status.documents_refused {
            let stays = revision.map(|revision| format!(", revision {revision} stays")).unwrap_or_default();
            let first = status.problems.iter().find(|problem| problem.is_error()).map(Finding::to_string);
            let first = first.unwrap_or_else(|| "no problem given".to_owned());
            return Some(format!("found documents that are refused{stays}, expected sound ones: {first}"));
        }
        let Some(old) = self.newer_than.filter(|_| !self.is_new(status)) else {
            let id = &self.incomplete(status)?.id;
            return Some(format!(
                "found one VM alone of {id:?}, of unknown role, expected its main thread's and workers'"
            ));
        };
        let found = revision.map_or_else(|| "nothing published".to_owned(), |now| format!("revision {now} still"));
        Some(format!("found {found}, expected one newer than {old}"))
    }
}

fn ask(client: &Client, namespace: &str) -> Result<(Value, Status), Failure> {
    let path = below(namespace, "status");
    let place = client.place(&path);
    let unable = |why: String| Failure::unable(format!("{place}: {why}"));
    let (code, body) = client.ask(Method::GET, &path, None, ANSWER).map_err(|why| unanswered(&place, &why))?;
    if !code.is_success() {
        return Err(unable(refused(code, &body)));
    }
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let status = Status::deserialize(&answer)
        .map_err(|why| unable(format!("found no status ({why}), expected that of graylane serve")))?;
    Ok((answer, status))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::{clock::Clock, keys::Keyring, namespace::Namespace, sealer::Sealer};

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn only_a_look_that_began_later_ends_the_waiting() {
        let sealer = Sealer::new(Keyring::default(), Duration::from_secs(1));
        let namespace = Namespace::new("default", 7, sealer, Clock::system());
        let mut answer = serde_json::to_value(Status::of(&namespace)).unwrap();
        let mut hopeless = |words: &[&str], refused: bool, looked: &str, revision: Option<&str>| {
            answer["documentsRefused"] = json!(refused);
            answer["lookedAt"] = json!(looked);
            answer["revision"] = json!(revision);
            let Line { arguments } = Line::parse_from(std::iter::once(&"status").chain(words));
            arguments.is_hopeless(&Status::deserialize(&answer).unwrap(), "2026-12-24T18:00:00Z".parse().unwrap())
        };
        let (early, late) = ("2026-12-24T17:59:59.999Z", "2026-12-24T18:00:00.001Z");
        assert!(!hopeless(&[], true, early, Some("7.1")), "a change may have been made since");
        assert!(hopeless(&[], true, late, Some("7.1")));
        assert!(!hopeless(&[], false, late, Some("7.1")));
        assert!(!hopeless(&[], true, late, None), "the directory may not be there yet");
        assert!(hopeless(&["--newer-than", "6.1"], true, late, None));
    }
}
