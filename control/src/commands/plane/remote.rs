//! Asking a control plane.

use std::{fmt::Write as _, time::Duration};

use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;

use super::{ANSWER, History, Told, understood};
use crate::{
    difference::text,
    encode::percent,
    failure::Failure,
    finding::Finding,
    http,
    revisions::{
        Difference,
        json::{Answer, Asked, Verb},
    },
    url::Url,
};

/// Has a revision made.
pub fn make(url: &Url, namespace: &str, verb: Verb, asked: &Asked) -> Result<Told<Answer>, Failure> {
    let path = match verb {
        Verb::Publish => "revisions",
        Verb::Rollback => "rollback",
        Verb::Off => "off",
        Verb::On => "on",
        Verb::Freeze => "freeze",
        Verb::Unfreeze => "unfreeze",
    };
    let body = serde_json::to_vec(asked).map_err(Failure::unable)?;
    let wait = Duration::from_millis(asked.wait_millis.unwrap_or(0));
    let (url, place) = at(url, namespace, path);
    let answer = http::post(&url, body, ANSWER.saturating_add(wait));
    read(answer, &place)
}

/// The revisions before `before`.
pub fn history(url: &Url, namespace: &str, before: Option<&str>, limit: usize) -> Result<Told<History>, Failure> {
    let before = before.map(|before| format!("&before={}", percent(before))).unwrap_or_default();
    let (url, place) = at(url, namespace, &format!("revisions?limit={limit}{before}"));
    read(http::get(&url, ANSWER), &place)
}

/// What there is about a revision.
pub fn revision<T: DeserializeOwned>(url: &Url, namespace: &str, name: &str, part: &str) -> Result<Told<T>, Failure> {
    let (url, place) = at(url, namespace, &format!("revisions/{}{part}", percent(name)));
    read(http::get(&url, ANSWER), &place)
}

fn at(url: &Url, namespace: &str, path: &str) -> (Url, String) {
    let root = url.target.trim_end_matches('/');
    let target = format!("{root}/v1/namespaces/{}/{path}", percent(namespace));
    let place = format!("http://{}{target}", url.authority);
    (Url { target, ..url.clone() }, place)
}

fn read<T: DeserializeOwned>(
    answer: Result<(hyper::StatusCode, hyper::body::Bytes), String>,
    place: &str,
) -> Result<Told<T>, Failure> {
    let (code, body) = answer.map_err(|why| Failure::unable(format!("{place}: {why}")))?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    if code.is_success() { understood(value, place) } else { Err(refused(code, &value, place)) }
}

/// What a problem says: for people, with all that it carries.
fn refused(code: hyper::StatusCode, problem: &Value, place: &str) -> Failure {
    let Some(detail) = problem.get("detail").and_then(Value::as_str) else {
        return Failure::unable(format!("{place}: found the status {code}, expected 200"));
    };
    let mut said = detail.to_owned();
    let findings = problem.get("problems").map(Vec::<Finding>::deserialize).and_then(Result::ok).unwrap_or_default();
    for finding in &findings {
        // Writing into a string does not fail.
        let _ = write!(said, "\n  {finding}");
    }
    if let Some(difference) = problem.get("difference").map(Difference::read) {
        said.push_str(&indented(&difference));
    }
    // What was asked for is refused; anything else is about asking.
    if code.is_client_error() { Failure::refused(said) } else { Failure::unable(format!("{place}: {said}")) }
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
