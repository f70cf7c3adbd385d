//! Delivery to fetchers over HTTP: snapshots by long poll, acks, and how things stand, for people and for Prometheus.

mod acks;
mod asked;
mod events;
mod keeping;
mod metrics;
mod openapi;
mod problem;
mod revisions;
mod snapshot;
mod status;
mod switches;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, Uri, header},
    middleware,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use crate::{
    access::{Door, Guard, Need, Routes},
    namespace::Namespace,
    page,
};

pub use problem::Problem;

/// The longest body of acks, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// The whole HTTP interface of one namespace, behind `door`.
///
/// Every answer that is not a success is `application/problem+json` and says where, what was found and what would be
/// right.
pub fn app(namespace: Arc<Namespace>, door: Arc<Door>) -> Router {
    let guard = Guard { door, refusals: namespace.metrics.refusals.clone() };
    let app = routes().guarded(guard, unknown).layer(DefaultBodyLimit::max(BODY_LIMIT));
    app.layer(middleware::map_response(problem::of_plain)).with_state(namespace)
}

/// Every route, and which role it needs.
fn routes() -> Routes<Arc<Namespace>> {
    Routes::new()
        .get("/v1/namespaces/{namespace}/snapshot", Need::Fetch, snapshot::deliver)
        .post("/v1/namespaces/{namespace}/acks", Need::Fetch, acks::take)
        .get("/v1/namespaces/{namespace}/status", Need::Read, status::tell)
        .and(revisions::routes())
        .and(keeping::routes())
        .and(page::routes())
        .get("/v1/events", Need::Read, events::tell)
        .post("/v1/switches/reload", Need::Operate, switches::reload)
        .get("/v1/openapi.json", Need::Nobody, openapi::tell)
        .get("/metrics", Need::Read, metrics::tell)
        .get("/healthz", Need::Nobody, async || "ok")
        .get("/readyz", Need::Nobody, ready)
}

/// Ready means that there is something to deliver.
async fn ready(State(namespace): State<Arc<Namespace>>) -> Result<&'static str, Problem> {
    let nothing = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "found nothing published, expected a revision");
    namespace.published().map(|_| "ok").ok_or_else(nothing)
}

async fn unknown(uri: Uri) -> Problem {
    let expected = "expected one under /v1/namespaces/, /v1/events, /v1/switches/reload, /v1/openapi.json, /metrics, /healthz or /readyz, or \
                    the page at /";
    Problem::new(StatusCode::NOT_FOUND, format!("found the path {:?}, {expected}", uri.path()))
}

/// The one namespace that is served must be the one that is asked for.
fn known(namespace: &Namespace, name: &str) -> Result<(), Problem> {
    if name == namespace.name {
        return Ok(());
    }
    let detail = format!("found the namespace {name:?}, expected {:?}, the one that is served here", namespace.name);
    Err(Problem::new(StatusCode::NOT_FOUND, detail))
}

/// `value` as an answer.
fn json(value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the answer: {why}")))?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests;
