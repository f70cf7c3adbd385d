//! What control says about a namespace.

use serde::Deserialize;

/// `GET /v1/namespaces/{ns}/status`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The namespace.
    pub namespace: String,
    /// The revision that is published, `epoch.number`.
    pub revision: Option<String>,
    /// The SHA-256 of its snapshot.
    pub sha256: Option<String>,
    /// The keys by which its envelope is signed.
    #[serde(default)]
    pub signed_by: Vec<String>,
    /// The rule sets in it.
    #[serde(default)]
    pub rule_sets: Vec<String>,
    /// Why the directory as it is now is not what is published.
    #[serde(default)]
    pub problems: Vec<serde_json::Value>,
    /// The Envoys that reported.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// How long the last change took.
    pub time_to_effect: TimeToEffect,
}

/// An Envoy.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// Its node id.
    pub id: String,
    /// What fetches for it: `bootstrap` or `elected`.
    #[serde(default)]
    pub fetcher: Option<String>,
    /// Its live VMs.
    pub workers: Vec<Worker>,
}

/// A VM of an Envoy.
#[derive(Clone, Debug, Deserialize)]
pub struct Worker {
    /// The id it drew.
    pub id: String,
    /// The revision it runs.
    pub revision: Option<String>,
    /// Why it refused the last one.
    pub error: Option<String>,
    /// Which one it refuses.
    pub refused: Option<String>,
    /// The snapshot formats it reads.
    #[serde(default)]
    pub formats: Vec<u16>,
    /// `worker` or `main`, where that is known.
    pub role: Option<String>,
}

/// From publication to the report in which every known worker runs it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeToEffect {
    /// How many revisions came that far.
    pub count: u64,
    /// How long the last one took, in seconds.
    pub last_seconds: Option<f64>,
}

impl Status {
    /// The VMs of all Envoys.
    pub fn workers(&self) -> impl Iterator<Item = &Worker> {
        self.nodes.iter().flat_map(|node| &node.workers)
    }

    /// The revision, if every one of exactly `workers` VMs runs it.
    ///
    /// # Errors
    /// Why not.
    pub fn on_it(&self, workers: usize) -> Result<String, String> {
        let revision = self.revision.clone().ok_or("nothing is published")?;
        let found: Vec<_> = self.workers().collect();
        if found.len() != workers || found.iter().any(|worker| worker.revision.as_ref() != Some(&revision)) {
            return Err(format!("expected {workers} workers on {revision}, found {found:?}"));
        }
        Ok(revision)
    }
}
