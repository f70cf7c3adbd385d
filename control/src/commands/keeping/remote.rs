//! Through a control plane.

use std::{fs::File, time::Duration};

use hyper::{Method, StatusCode};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::By;
use crate::{
    client::{Client, unanswered},
    commands::plane::remote::{ask, below, refused},
    encode::percent,
    failure::Failure,
    keeping::{Compaction, MEDIA_TYPE, Restoration, Verification},
};

/// So long it may take to go through all that is kept.
const WORK: Duration = Duration::from_secs(1_800);

/// Has old revisions removed.
pub fn compact(client: &Client, namespace: &str, keep: usize) -> Result<Compaction, Failure> {
    ask(client, Method::POST, namespace, "compact", Some(&json!({"keep": keep})), WORK).map(|told| told.told)
}

/// Has it checked that what is there is what was put there.
pub fn verify(client: &Client, namespace: &str) -> Result<Verification, Failure> {
    ask(client, Method::GET, namespace, "verify", None, WORK).map(|told| told.told)
}

/// Writes a backup into `file`.
pub fn backup(client: &Client, namespace: &str, label: &str, file: &mut File) -> Result<(), Failure> {
    let path = below(namespace, &format!("backup?label={}", percent(label)));
    let place = &client.place(&below(namespace, "backup"));
    let (code, body) = client.download(&path, file).map_err(|why| unanswered(place, &why))?;
    if code.is_success() { Ok(()) } else { Err(problem(code, &body, place)) }
}

/// Has a backup restored.
pub fn restore(client: &Client, namespace: &str, file: File, by: By<'_>) -> Result<Restoration, Failure> {
    let [actor, reason, source] = [by.actor, by.reason, by.source].map(percent);
    let path = below(namespace, &format!("restore?actor={actor}&reason={reason}&source={source}"));
    let place = &client.place(&below(namespace, "restore"));
    let answer = client.upload(&path, MEDIA_TYPE, file);
    let (code, body) = answer.map_err(|why| unanswered(place, &why))?;
    if !code.is_success() {
        return Err(problem(code, &body, place));
    }
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    Restoration::deserialize(&value).map_err(|why| {
        Failure::unable(format!("{place}: found no such answer ({why}), expected that of graylane serve"))
    })
}

fn problem(code: StatusCode, body: &[u8], place: &str) -> Failure {
    refused(code, &serde_json::from_slice(body).unwrap_or_default(), place)
}
