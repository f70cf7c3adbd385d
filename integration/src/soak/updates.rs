//! One update, made and watched.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::script::{Step, document, upstream};
use crate::{
    Control, Running, Status, eventually,
    race::{
        traffic::{Answer, Traffic},
        trial::{Counts, judge, last_old, turns},
        ways::Folder,
    },
};

/// The pause before an update: news that a fetcher gets within 20 ms of its question may be 20 a second, which is a limit
/// on how often, not on how soon.
const PAUSE: Duration = Duration::from_millis(25);
/// How many requests are served while a refused revision is the newest.
const SERVED: usize = 20;

/// What became of an update.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) step: Step,
    /// From the rename to the sending of the last request by the rules before; none where it was refused.
    pub(super) last_old: Option<Duration>,
    /// From the change that control accepted to the last worker's report, as it measured.
    pub(super) reported: Option<Duration>,
    /// Of every request that was finished since the update before, from when it was due.
    pub(super) latencies: Vec<Duration>,
    pub(super) counts: Counts,
}

/// Makes updates, in their order.
pub(super) struct Updates<'m> {
    pub(super) mesh: &'m Running<Control>,
    pub(super) traffic: &'m Traffic,
    pub(super) folder: &'m Folder,
    /// The last one that was used.
    pub(super) used: u32,
}

impl Updates<'_> {
    /// Makes the update `number` and waits until it is in effect, or refused by everyone.
    pub(super) fn make(&mut self, number: u32) -> Update {
        let step = Step::of(number);
        let before = status(self.mesh);
        self.folder.prepare(&document(number).to_string());
        std::thread::sleep(PAUSE);
        let renamed = self.folder.swap();
        let reported = match step {
            Step::Used => {
                self.traffic.await_number(0, number);
                Some(await_report(self.mesh, &before))
            }
            Step::NotOwned => self.await_refusal(&before, refused_by_everyone),
            Step::TooManyHeaders => self.await_refusal(&before, refused_by_control),
        };
        self.judged(number, step, renamed, reported)
    }

    fn await_refusal(&self, before: &Status, refused: fn(&Status, &Status) -> bool) -> Option<Duration> {
        eventually("the revision to be refused", || {
            let now = status(self.mesh);
            refused(before, &now).then_some(()).ok_or_else(|| format!("found {now:?}"))
        });
        self.traffic.await_more(SERVED);
        None
    }

    fn judged(&mut self, number: u32, step: Step, renamed: Instant, reported: Option<Duration>) -> Update {
        let records = self.traffic.take();
        let allowed = [self.used, if step == Step::Used { number } else { self.used }];
        let expected = |answer: &Answer| {
            let found = answer.number.filter(|found| allowed.contains(found))?;
            (answer.upstream == upstream(found)).then_some(found)
        };
        let counts = judge(&records, expected);
        let last_old = (step == Step::Used).then(|| last_old(&turns(&records, number, renamed)));
        if step == Step::Used {
            self.used = number;
        }
        let latencies = records.iter().map(|record| record.latency()).collect();
        Update { step, last_old, reported, latencies, counts }
    }
}

fn status(mesh: &Running<Control>) -> Status {
    mesh.control.status().expect("control answers")
}

/// Waits until control has seen one revision more in effect than `before`; gives how long it took.
fn await_report(mesh: &Running<Control>, before: &Status) -> Duration {
    eventually("control to hear of the last worker", || {
        let effect = mesh.control.status()?.time_to_effect;
        let last = effect.last_seconds.filter(|_| effect.count > before.time_to_effect.count);
        last.map(Duration::from_secs_f64).ok_or_else(|| format!("found {effect:?}"))
    })
}

/// Whether something newer is published, and every VM says that it refuses it.
fn refused_by_everyone(before: &Status, now: &Status) -> bool {
    let mut workers = now.nodes.iter().flat_map(|node| &node.workers).peekable();
    let newer = now.revision.is_some() && now.revision != before.revision;
    newer && workers.peek().is_some() && workers.all(|worker| worker.refused == now.revision)
}

/// Whether nothing newer is published, and a document is said to be wrong. A warning refuses nothing.
fn refused_by_control(before: &Status, now: &Status) -> bool {
    let of_a_document = |problem: &Value| problem["file"].as_str().is_some_and(|file| file.ends_with(".json"));
    let refuses = |problem: &Value| problem["severity"] == "error" && of_a_document(problem);
    now.revision == before.revision && now.problems.iter().any(refuses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(revision: &str, refused: &[Option<&str>], file: &str) -> Status {
        let worker = |refused: &Option<&str>| serde_json::json!({"id": "a", "refused": refused});
        let workers: Vec<_> = refused.iter().map(worker).collect();
        serde_json::from_value(serde_json::json!({
            "namespace": "default",
            "revision": revision,
            "problems": [{"file": file, "severity": "error"}],
            "nodes": [{"id": "envoy", "workers": workers}],
            "timeToEffect": {"count": 0},
        }))
        .expect("a status")
    }

    #[test]
    fn everyone_refuses_only_once_the_last_does_and_means_the_newest() {
        let before = told("1.1", &[], "envoy");
        let now = |refused: &[Option<&str>]| refused_by_everyone(&before, &told("1.2", refused, "envoy"));
        assert!(now(&[Some("1.2"), Some("1.2")]));
        assert!(!now(&[Some("1.2"), None]) && !now(&[Some("1.2"), Some("1.1")]) && !now(&[]));
        assert!(!refused_by_everyone(&before, &told("1.1", &[Some("1.1")], "envoy")));
    }

    #[test]
    fn control_refuses_a_document_and_publishes_nothing() {
        let before = told("1.1", &[], "envoy");
        assert!(refused_by_control(&before, &told("1.1", &[], "rules/00.json")));
        assert!(!refused_by_control(&before, &told("1.1", &[], "envoy")));
        assert!(!refused_by_control(&before, &told("1.2", &[], "rules/00.json")));
    }
}
