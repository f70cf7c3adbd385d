//! Who runs a revision, and since when.

use std::time::Instant;

use graylane_rules::Revision;
use serde::{Deserialize, Serialize};

use super::{Known, Node, Nodes, history::History};

/// Who runs a revision, of the workers that serve requests in Envoys that were heard of within a minute.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acks {
    /// The revision.
    pub revision: String,
    /// Whether every one of them runs it, or a later one, and there is one at all.
    pub everywhere: bool,
    /// Seconds from when the revision was asked for to the last ack; None where one is missing.
    pub seconds: Option<f64>,
    /// The workers, by Envoy.
    pub workers: Vec<WorkerAck>,
    /// How many Envoys were not heard of for a minute: they are not waited for.
    pub silent: usize,
}

/// A worker, and whether it runs a revision.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerAck {
    /// Its Envoy's `--service-node`.
    pub node: String,
    /// Its Envoy's `--service-cluster`.
    pub cluster: String,
    /// Its own name.
    pub worker: String,
    /// What it runs.
    pub runs: Option<String>,
    /// Seconds from when the revision was asked for to its ack; None: it did not say so yet. 0 where it said so before.
    pub seconds: Option<f64>,
    /// Why it does not run it, where it says.
    pub why: Option<String>,
}

impl Nodes {
    /// Who runs `revision`, which was asked for at `asked`.
    pub fn acks(&self, revision: Revision, asked: Instant, now: Instant) -> Acks {
        let heard = || self.nodes.iter().filter(|(_, node)| !node.is_silent(now));
        let workers: Vec<_> = heard()
            .flat_map(|(id, node)| {
                let of = move |known| WorkerAck::of(id, node, known, revision, asked, &self.history);
                node.serving().map(of)
            })
            .collect();
        let everywhere = !workers.is_empty() && workers.iter().all(|worker| worker.seconds.is_some());
        let last = workers.iter().filter_map(|worker| worker.seconds).fold(0.0, f64::max);
        let silent = self.iter(now).filter(|(_, node)| node.is_silent(now)).count();
        Acks { revision: revision.to_string(), everywhere, seconds: everywhere.then_some(last), workers, silent }
    }
}

impl WorkerAck {
    fn of(id: &str, node: &Node, known: &Known, revision: Revision, asked: Instant, history: &History) -> Self {
        let worker = &known.worker;
        let runs = worker.revision.filter(|runs| history.has(*runs, revision));
        let seconds = runs.map(|_| known.since.steady.saturating_duration_since(asked).as_secs_f64());
        let later = worker.revision.filter(|runs| *runs >= revision && !history.has(*runs, revision));
        let later = later.map(|_| "of a later epoch than what is published: it takes nothing from here".to_owned());
        // What it says of a revision before this one is no reason.
        let refuses = worker.refused.is_some_and(|refused| refused >= revision);
        let refused = if refuses { worker.error.clone().or(Some("it refuses this revision".to_owned())) } else { None };
        let why = later.or(refused).or_else(|| node.trouble.clone());
        Self {
            node: id.to_owned(),
            cluster: node.cluster.clone(),
            worker: worker.id.clone(),
            runs: worker.revision.map(|runs| runs.to_string()),
            seconds,
            why: why.filter(|_| seconds.is_none()),
        }
    }
}
