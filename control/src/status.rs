//! How a namespace stands: what `/status` answers, and `graylane status` reads.

use std::time::Duration;

use graylane_rules::{Revision, SNAPSHOT_FORMAT, SNAPSHOT_FORMATS, switches::Overrides};
use graylane_store::{Freeze, Manifest, SwitchedOff};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Moment,
    documents::ParsedDocument,
    finding::Finding,
    namespace::{About, Namespace},
    nodes::{Fetcher, Known, Node, Nodes, Role, Tally},
    revisions,
};

/// How a namespace stands. Revisions are `EPOCH.NUMBER`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The namespace.
    pub namespace: String,
    /// When it stood so, by the clock that all other times here are of.
    pub at: Timestamp,
    /// What is published.
    pub revision: Option<String>,
    /// When it was.
    pub published_at: Option<Timestamp>,
    /// The SHA-256 of its snapshot in the newest format.
    pub sha256: Option<String>,
    /// The newest format it is delivered in.
    pub format: Option<u16>,
    /// All of them, the newest first.
    pub formats: Vec<u16>,
    /// The ids of the keys that sign its envelope.
    pub signed_by: Vec<String>,
    /// Until when that envelope may be accepted; None: for ever. It is made anew in time.
    pub expires: Option<Timestamp>,
    /// The names of its rule sets.
    pub rule_sets: Vec<String>,
    /// What made it what it is; None where a directory is served, which does not tell.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// What is switched off: everybody has the default there.
    #[serde(default)]
    pub off: Vec<SwitchedOff>,
    /// Of what changes are refused.
    #[serde(default)]
    pub frozen: Vec<Freeze>,
    /// How many switches are overridden by what is published.
    #[serde(default)]
    pub overrides: usize,
    /// Which parser read each document of it.
    #[serde(default)]
    pub documents: Vec<ParsedDocument>,
    /// Whether what stands in the directory is refused; the errors are the first of the problems. What is published stays.
    #[serde(default)]
    pub documents_refused: bool,
    /// When the look at the directory began from which that is known; one follows every second at least.
    #[serde(default)]
    pub looked_at: Option<Timestamp>,
    /// What is wrong, or odd.
    pub problems: Vec<Finding>,
    /// How many long polls wait.
    pub waiting: usize,
    /// How many of what there are.
    pub tally: Tally,
    /// The Envoys, by id.
    pub nodes: Vec<NodeStatus>,
    /// How long changes take.
    pub time_to_effect: TimeToEffect,
}

/// What made a revision: as its manifest has it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// What was done, in words: `publish of checkout`.
    pub action: String,
    /// Who did it.
    pub actor: String,
    /// When, by the clock of whoever made it.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Where the documents came from.
    pub source: String,
}

/// How an Envoy stands.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    /// Its `--service-node`.
    pub id: String,
    /// Its `--service-cluster`.
    pub cluster: String,
    /// What fetches for it, where it says so.
    pub fetcher: Option<Fetcher>,
    /// Why that takes nothing at present; not there where it does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Whether another Envoy reported under its id within a minute, so that it is not known how either stands.
    #[serde(default)]
    pub shared: bool,
    /// When it last reported.
    pub last_report: Timestamp,
    /// Whether that is more than a minute ago.
    pub silent: bool,
    /// Its VMs.
    pub workers: Vec<WorkerStatus>,
}

/// How a VM stands.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerStatus {
    /// A random name.
    pub id: String,
    /// What it runs.
    pub revision: Option<String>,
    /// When it was first seen there.
    pub since: Timestamp,
    /// Whether it should run what is published and does not. Never so on the main thread, which serves no request.
    pub stale: bool,
    /// So many revisions are between it and what is published; None where that is no number.
    pub behind: Option<u64>,
    /// For so many seconds it is behind; None where it is not.
    pub behind_seconds: Option<f64>,
    /// The snapshot formats it reads.
    pub formats: Vec<u16>,
    /// Why it refused the last snapshot, or cannot use its own everywhere.
    pub error: Option<String>,
    /// The revision it refused.
    pub refused: Option<String>,
    /// What it does.
    pub role: Option<Role>,
}

/// From the change of a file to the ack of the last live worker that was there when it was published.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeToEffect {
    /// How many revisions came into effect everywhere.
    pub count: u64,
    /// How many were followed by another before.
    pub superseded: u64,
    /// How long the last one took, in seconds, that found a worker to wait for when it was published.
    pub last_seconds: Option<f64>,
}

impl Status {
    /// How `namespace` stands now.
    pub fn of(namespace: &Namespace) -> Self {
        let now = namespace.clock.now();
        let published = namespace.published();
        let sealed = published.as_ref().and_then(|published| namespace.envelope(published, SNAPSHOT_FORMAT));
        let expires = sealed.as_ref().map(|sealed| sealed.head.expires).filter(|expires| *expires != 0);
        // In this order: the problems are not older than the look.
        let looked_at = namespace.looked();
        let problems = namespace.problems();
        let nodes = namespace.nodes();
        let published = published.as_deref();
        let manifest = published.and_then(|published| published.manifest.as_ref());
        let overlay = manifest.map(|manifest| manifest.overlay.clone()).unwrap_or_default();
        // Whatever is published was read before.
        let overrides = Overrides::parse(&overlay.switches).unwrap_or_default().names().count();
        Self {
            namespace: namespace.name.clone(),
            at: now.wall,
            revision: published.map(|published| published.revision.to_string()),
            published_at: published.map(|published| published.at.wall),
            sha256: published.map(|published| published.sha256.clone()),
            format: published.map(|_| SNAPSHOT_FORMAT),
            formats: published.map(|_| SNAPSHOT_FORMATS.to_vec()).unwrap_or_default(),
            signed_by: sealed.map(|sealed| sealed.signed_by().map(str::to_owned).collect()).unwrap_or_default(),
            expires: expires.and_then(|expires| Timestamp::from_second(expires.try_into().ok()?).ok()),
            rule_sets: published.map(|published| published.rule_sets.clone()).unwrap_or_default(),
            origin: manifest.map(Origin::of),
            off: overlay.off,
            frozen: overlay.frozen,
            overrides,
            documents: published.map(|published| published.documents.clone()).unwrap_or_default(),
            documents_refused: namespace.problems_with(About::Documents).iter().any(Finding::is_error),
            looked_at,
            problems,
            waiting: namespace.waiting(),
            tally: nodes.tally(now.steady),
            nodes: nodes.iter(now.steady).map(|(id, node)| NodeStatus::of(id, node, &nodes, now)).collect(),
            time_to_effect: TimeToEffect::of(&nodes),
        }
    }

    /// Whether every worker of every Envoy runs what is published, says nothing against it, and was heard of. Where an
    /// Envoy has no worker or is in trouble that is not so, nor where Envoys share an id, for the reports of one hide the
    /// other.
    pub fn is_everywhere(&self) -> bool {
        let Tally { silent, workers, current, refusing, .. } = self.tally;
        let refusing = refusing > 0 || self.nodes.iter().any(NodeStatus::refuses);
        let shared = self.nodes.iter().any(|node| node.shared);
        let idle = self.nodes.iter().any(|node| !node.silent && !node.is_at_work());
        self.revision.is_some() && workers > 0 && current == workers && silent == 0 && !refusing && !shared && !idle
    }
}

impl Origin {
    fn of(manifest: &Manifest) -> Self {
        Self {
            action: revisions::words_of(manifest),
            actor: manifest.actor.clone(),
            at: manifest.at,
            reason: manifest.reason.clone(),
            source: manifest.source.clone(),
        }
    }
}

impl NodeStatus {
    /// How `node`, whose id is `id`, stands `now`.
    pub fn of(id: &str, node: &Node, nodes: &Nodes, now: Moment) -> Self {
        Self {
            id: id.to_owned(),
            cluster: node.cluster.clone(),
            fetcher: node.fetcher,
            trouble: node.trouble.clone(),
            shared: node.twins.stand(now.steady),
            last_report: node.heard.wall,
            silent: node.is_silent(now.steady),
            workers: node.workers.iter().map(|known| WorkerStatus::of(known, nodes, now)).collect(),
        }
    }

    /// Whether it has a worker, and nothing keeps it from taking what is published.
    fn is_at_work(&self) -> bool {
        self.trouble.is_none() && self.workers.iter().any(WorkerStatus::serves)
    }

    /// Whether it told of one VM alone, which may be its main thread's: those of its workers are still to come.
    pub fn is_beginning(&self) -> bool {
        matches!(self.workers.as_slice(), [only] if only.role.is_none())
    }

    /// Whether one of its VMs refuses a revision, that on the main thread included.
    fn refuses(&self) -> bool {
        self.workers.iter().any(|worker| worker.error.is_some() || worker.refused.is_some())
    }
}

impl WorkerStatus {
    fn of(known: &Known, nodes: &Nodes, now: Moment) -> Self {
        let (worker, behind) = (&known.worker, nodes.behind(known, now.steady));
        let text = |revision: Option<Revision>| revision.map(|revision| revision.to_string());
        Self {
            id: worker.id.clone(),
            revision: text(worker.revision),
            since: known.since.wall,
            stale: nodes.is_stale(known, now.steady),
            behind: behind.and_then(|behind| behind.revisions),
            behind_seconds: behind.map(|behind| behind.time.as_secs_f64()),
            formats: worker.formats.clone(),
            error: worker.error.clone(),
            refused: text(worker.refused),
            role: worker.role,
        }
    }

    /// Whether it serves requests, as far as is known.
    fn serves(&self) -> bool {
        Role::serves(self.role)
    }
}

impl TimeToEffect {
    fn of(nodes: &Nodes) -> Self {
        let effects = nodes.effects();
        let last_seconds = effects.last.as_ref().map(Duration::as_secs_f64);
        Self { count: effects.count, superseded: effects.superseded, last_seconds }
    }
}
