//! Publishing without the command, for whoever publishes all the time or takes the time.

use std::{net::SocketAddr, time::Duration};

use graylane_rules::Revision;
use serde_json::{Value, json};

use crate::{Request, Wire};

/// Publishes the rule set `text`, YAML or JSON, by the control plane at `control`, because of `reason`; gives the revision that
/// holds it, which is an earlier one where nothing changed.
///
/// # Errors
/// What it answered instead, or why it did not. In that case nobody knows whether it is published.
///
/// # Panics
/// Where an answer is none of a control plane.
pub fn publish(control: SocketAddr, text: &str, reason: &str) -> Result<Revision, String> {
    let answer = propose(control, text, &json!({"reason": reason}))?;
    Ok(answer["revision"].as_str().and_then(|revision| revision.parse().ok()).expect("a revision"))
}

/// The same, where the answer comes when every known worker runs it, or after `wait`; gives the answer.
pub(super) fn publish_and_wait(control: SocketAddr, text: &str, reason: &str, wait: Duration) -> Result<Value, String> {
    let millis = u64::try_from(wait.as_millis()).expect("not for ever");
    propose(control, text, &json!({"reason": reason, "waitMillis": millis}))
}

fn propose(control: SocketAddr, text: &str, more: &Value) -> Result<Value, String> {
    let file = if text.trim_start().starts_with('{') { "rules.json" } else { "rules.yaml" };
    let mut asked = more.clone();
    asked["documents"] = json!([{"file": file, "text": text}]);
    asked["actor"] = json!("tests");
    let body = asked.to_string();
    let request = Request::new("POST", "/v1/namespaces/default/revisions").host("control");
    let request = request.header("connection", "close").header("content-type", "application/json");
    let request = request.header("content-length", body.len().to_string());
    let sent = [request.bytes(), body.into_bytes()].concat();
    let exchange = Wire::open(control).and_then(|mut wire| {
        wire.write(&sent)?;
        wire.answer()
    });
    let answer = exchange.map_err(|why| why.to_string())?;
    let text = String::from_utf8_lossy(&answer.body);
    if answer.status != 200 {
        return Err(format!("{}: {text}", answer.status));
    }
    Ok(serde_json::from_str(&text).expect("JSON"))
}
