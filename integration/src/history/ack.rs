//! What VMs say that they run.

use std::time::Duration;

use graylane_rules::Revision;

use super::Name;
use crate::status::Node;

/// A VM's word, as somebody heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// When it was heard.
    pub at: Duration,
    /// The id of the VM, which it drew at random.
    pub vm: Name,
    /// The revision it runs.
    pub revision: Option<Revision>,
    /// Why it refuses the newest, if it does.
    pub refusal: Option<Name>,
}

/// The same, before it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// The id of the VM.
    pub vm: String,
    /// The revision it runs.
    pub revision: Option<Revision>,
    /// Why it refuses the newest, if it does.
    pub refusal: Option<String>,
}

impl Ack {
    /// Every word in a fetcher's report.
    pub fn all_in(report: &serde_json::Value) -> Vec<Worker> {
        let workers = report["workers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let read = |worker: &serde_json::Value| {
            Some(Worker {
                vm: worker["id"].as_str()?.to_owned(),
                revision: worker["revision"].as_str().and_then(|revision| revision.parse().ok()),
                refusal: worker["error"].as_str().map(str::to_owned),
            })
        };
        workers.iter().filter_map(read).collect()
    }

    /// Every word in a control plane's status.
    pub(crate) fn all_of(nodes: &[Node]) -> Vec<Worker> {
        let read = |worker: &crate::status::Worker| Worker {
            vm: worker.id.clone(),
            revision: worker.revision.as_deref().and_then(|revision| revision.parse().ok()),
            refusal: worker.error.clone(),
        };
        nodes.iter().flat_map(|node| &node.workers).map(read).collect()
    }
}
