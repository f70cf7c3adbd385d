//! Looking at revisions.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use graylane_rules::Revision;
use graylane_store::{Manifest, StoreError, manifest};
use serde::Deserialize;
use serde_json::json;

use super::{refused, revisions};
use crate::{
    delivery::{json, known, problem::Problem},
    duration,
    namespace::Namespace,
    revisions::{
        Refusal, Revisions,
        json::{Text, Texts, revision},
    },
};

/// So many revisions are listed at most.
const LIST_LIMIT: usize = 1_000;

/// So many are listed where nobody says how many.
const LISTED: usize = 20;

/// The longest that somebody may wait for acks.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

type Served = State<Arc<Namespace>>;

/// Which part of the history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    before: Option<String>,
    limit: Option<usize>,
}

/// How long to wait.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    wait: Option<String>,
}

/// Answers with the manifests of revisions, the newest first.
pub async fn list(
    State(namespace): Served,
    Path(name): Path<String>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Response, Problem> {
    let revisions = revisions(&namespace, &name)?;
    let Query(part) = part.map_err(|why| unreadable(&why))?;
    let limit = part.limit.unwrap_or(LISTED);
    if limit == 0 || limit > LIST_LIMIT {
        let detail = format!("limit: found {limit}, expected 1 to {LIST_LIMIT}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let head = revisions.head().await.map_err(store)?;
    let before = part.before.map(|text| revision(&text, head)).transpose();
    let before = before.map_err(|why| Problem::new(StatusCode::BAD_REQUEST, format!("before: {why}")))?;
    let manifests = revisions.history(before, limit).await.map_err(|why| refused::problem(&why))?;
    json(&json!({"namespace": name, "head": head.map(|head| head.to_string()), "revisions": manifests}))
}

/// Answers with the manifest of one.
pub async fn show(State(namespace): Served, Path((name, text)): Path<(String, String)>) -> Result<Response, Problem> {
    let revisions = revisions(&namespace, &name)?;
    json(&named(revisions, &text).await?)
}

/// Answers with its documents, as they were given, and what stands above them.
pub async fn documents(
    State(namespace): Served,
    Path((name, text)): Path<(String, String)>,
) -> Result<Response, Problem> {
    known(&namespace, &name)?;
    let Some(revisions) = &namespace.revisions else { return json(&of_directory(&namespace, &text)?) };
    let manifest = named(revisions, &text).await?;
    json(&revisions.texts(&manifest).await.map_err(store)?)
}

/// What is published of a directory, which keeps nothing else.
fn of_directory(namespace: &Namespace, text: &str) -> Result<Texts, Problem> {
    let published = namespace.published();
    let asked = number(text, published.as_ref().map(|published| published.revision))?;
    let published = published.filter(|published| published.revision == asked).ok_or_else(|| {
        let found = format!("found no revision {asked}: a directory is served, which keeps none");
        Problem::new(StatusCode::NOT_FOUND, format!("{found}; expected head, which is what is published"))
    })?;
    let documents = published.texts.iter().map(Text::of).collect();
    Ok(Texts { revision: published.revision.to_string(), overlay: published.overlay(), documents })
}

/// Answers with who runs it.
pub async fn acks(
    State(namespace): Served,
    Path((name, text)): Path<(String, String)>,
    waiting: Result<Query<Waiting>, QueryRejection>,
) -> Result<Response, Problem> {
    let asked = namespace.clock.now().steady;
    let revisions = revisions(&namespace, &name)?;
    let Query(Waiting { wait }) = waiting.map_err(|why| unreadable(&why))?;
    let wait = wait.map_or(Some(Duration::ZERO), |text| duration::parse(&text)).filter(|wait| *wait <= LONGEST_WAIT);
    let wait = wait.ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "wait: found no duration up to 60s, expected one, such as 25s or 500ms")
    })?;
    let head = revisions.head().await.map_err(store)?;
    let revision = number(&text, head)?;
    json(&namespace.acknowledged(revision, asked, wait).await)
}

async fn named(revisions: &Revisions, text: &str) -> Result<Manifest, Problem> {
    let head = revisions.head().await.map_err(store)?;
    let revision = number(text, head)?;
    let found = manifest(&*revisions.store, &revisions.namespace, revision).await.map_err(store)?;
    found.map_err(|why| refused::problem(&Refusal::NotKept(why)))
}

/// `head`, or a revision.
fn number(text: &str, head: Option<Revision>) -> Result<Revision, Problem> {
    if text == "head" {
        let nothing = || Problem::new(StatusCode::NOT_FOUND, "found nothing published, expected a revision");
        return head.ok_or_else(nothing);
    }
    revision(text, head).map_err(|why| Problem::new(StatusCode::BAD_REQUEST, why))
}

fn store(why: StoreError) -> Problem {
    refused::problem(&Refusal::Store(why))
}

fn unreadable(why: &QueryRejection) -> Problem {
    let found = format!("found a query that cannot be read ({})", why.body_text());
    Problem::new(StatusCode::BAD_REQUEST, format!("{found}, expected NAME=VALUE pairs"))
}
