//! What the fetcher asks of a control plane, and tells it.

use std::time::Duration;

use graylane_rules::envelope;
use serde::Serialize;

use super::Fetcher;
use crate::{config::Control, host, message, pairs::encode, report, table::Ack};

/// Which Envoy this is.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    id: String,
    cluster: String,
}

impl Node {
    /// As Envoy says.
    pub(super) fn this() -> Self {
        let property = |path| String::from_utf8_lossy(&host::property(path).unwrap_or_default()).into_owned();
        Self { id: property("xds\0node\0id"), cluster: property("xds\0node\0cluster") }
    }
}

/// What is posted to the control plane.
#[derive(Serialize)]
struct Acks<'a> {
    node: &'a Option<Node>,
    fetcher: &'static str,
    /// Why nothing is taken at present.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    workers: Vec<Ack<'a>>,
}

impl Fetcher {
    /// Asks for news, where it is time to.
    pub(super) fn ask(&mut self, now: Duration) {
        let Some(question) = self.poll.question(now, &self.config, self.table.formats()) else { return };
        let Some(control) = self.config.control.get(question.endpoint) else { return };
        self.endpoint = question.endpoint;
        let headers = headers(control, "GET", &question.path, ("accept", envelope::MEDIA_TYPE));
        let sent = host::http_call(&control.cluster, &headers, b"", question.timeout);
        if let Err(why) = self.poll.sent(now, question, &control.cluster, sent) {
            self.note(Some(why));
        }
    }

    /// Reports what the VMs run, where there is something to report. What they said before another fetcher had the inbox
    /// is none: that one has reported later things.
    pub(super) fn tell(&mut self, now: Duration) {
        if !self.table.is_fresh() || !self.report.is_due(now) {
            return;
        }
        let fetcher = if self.elected { "elected" } else { "bootstrap" };
        let trouble = self.trouble.as_deref().map(message::told);
        let acks = Acks { node: &self.node, fetcher, trouble, workers: self.table.acks() };
        let Ok(body) = serde_json::to_vec(&acks) else { return };
        let Some(control) = self.config.control.get(self.endpoint) else { return };
        let path = format!("/v1/namespaces/{}/acks", self.config.namespace);
        let headers = headers(control, "POST", &path, ("content-type", "application/json"));
        self.report.sent(now, host::http_call(&control.cluster, &headers, &body, report::TIMEOUT));
    }
}

fn headers(control: &Control, method: &str, path: &str, (name, value): (&str, &str)) -> Vec<u8> {
    encode(&[
        (b":method", method.as_bytes()),
        (b":path", path.as_bytes()),
        (b":authority", control.authority.as_bytes()),
        (name.as_bytes(), value.as_bytes()),
    ])
}
