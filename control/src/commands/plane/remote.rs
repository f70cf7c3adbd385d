//! Asking a control plane.

use std::time::Duration;

use hyper::Method;
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;

use super::{ANSWER, History, Published, Told, understood};
use crate::{
    client::{Client, unanswered},
    difference::text,
    encode::percent,
    failure::Failure,
    finding::Finding,
    revisions::{
        Difference,
        json::{Answer, Asked, Texts, Verb},
    },
};

/// Has a revision made.
pub fn make(client: &Client, namespace: &str, verb: Verb, asked: &Asked) -> Result<Told<Answer>, Failure> {
    let path = if verb == Verb::Publish { "revisions" } else { verb.word() };
    let body = serde_json::to_value(asked).map_err(Failure::unable)?;
    let wait = Duration::from_millis(asked.wait_millis.unwrap_or(0));
    ask(client, Method::POST, namespace, path, Some(&body), ANSWER.saturating_add(wait))
}

/// The revisions before `before`.
pub fn history(client: &Client, namespace: &str, before: Option<&str>, limit: usize) -> Result<Told<History>, Failure> {
    let before = before.map(|before| format!("&before={}", percent(before))).unwrap_or_default();
    ask(client, Method::GET, namespace, &format!("revisions?limit={limit}{before}"), None, ANSWER)
}

/// What there is about a revision.
pub fn revision<T: DeserializeOwned>(
    client: &Client,
    namespace: &str,
    name: &str,
    part: &str,
) -> Result<Told<T>, Failure> {
    ask(client, Method::GET, namespace, &format!("revisions/{}{part}", percent(name)), None, ANSWER)
}

/// A revision with its documents.
pub fn published(client: &Client, namespace: &str, name: &str) -> Result<Published, Failure> {
    let Told { told: texts, .. } = revision::<Texts>(client, namespace, name, "/documents")?;
    Ok(Published { place: client.place(""), texts })
}

/// Asks for what is below a namespace.
pub fn ask<T: DeserializeOwned>(
    client: &Client,
    method: Method,
    namespace: &str,
    path: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Result<Told<T>, Failure> {
    let path = below(namespace, path);
    let place = &client.place(&path);
    let answer = client.ask(method, &path, body, limit);
    let (code, body) = answer.map_err(|why| unanswered(place, &why))?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if code.is_success() { understood(value, place) } else { Err(refused(code, &value, place)) }
}

/// The path of what is below a namespace.
pub fn below(namespace: &str, path: &str) -> String {
    format!("/v1/namespaces/{}/{path}", percent(namespace))
}

/// What a problem says: for people, with all that it carries.
pub fn refused(code: hyper::StatusCode, problem: &Value, place: &str) -> Failure {
    let Some(detail) = problem.get("detail").and_then(Value::as_str) else {
        return Failure::unable(format!(
            "{place}: found the status {code}, expected an answer of graylane serve: is that one?"
        ));
    };
    let mut said = detail.to_owned();
    let findings = problem.get("problems").map(Vec::<Finding>::deserialize).and_then(Result::ok).unwrap_or_default();
    if let Some(difference) = problem.get("difference").map(Difference::read) {
        said.push_str(&indented(&difference));
    }
    // What was asked for is refused; anything else is about asking.
    let is_about_asking = matches!(code.as_u16(), 401 | 403 | 429) || !code.is_client_error();
    let failure = if is_about_asking { Failure::unable(format!("{place}: {said}")) } else { Failure::refused(said) };
    failure.because_of(findings)
}

/// A difference below a message.
fn indented(difference: &Difference) -> String {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    let _ = text::write(&difference.rule_sets, &mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let overlay = difference.overlay.iter().map(String::as_str);
    text.lines().chain(overlay).fold(String::new(), |all, line| format!("{all}\n  {line}"))
}
