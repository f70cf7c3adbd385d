//! Delivery to fetchers over HTTP: snapshots by long poll, acks, and how things stand, for people and for Prometheus.

mod acks;
mod asked;
mod events;
mod metrics;
mod problem;
mod revisions;
mod snapshot;
mod status;
mod switches;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{Method, StatusCode, Uri},
    routing::{get, post},
};

use crate::namespace::Namespace;
use problem::Problem;

/// The longest body of acks, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// The whole HTTP interface of one namespace.
///
/// Every answer that is not a success is `application/problem+json` and says where, what was found and what would be
/// right.
pub fn app(namespace: Arc<Namespace>) -> Router {
    Router::new()
        .route("/v1/namespaces/{namespace}/snapshot", get(snapshot::deliver))
        .route("/v1/namespaces/{namespace}/acks", post(acks::take))
        .route("/v1/namespaces/{namespace}/status", get(status::tell))
        .merge(revisions::routes())
        .route("/v1/events", get(events::tell))
        .route("/v1/switches/reload", post(switches::reload))
        .route("/metrics", get(metrics::tell))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(namespace)
}

/// Ready means that there is something to deliver.
async fn ready(State(namespace): State<Arc<Namespace>>) -> Result<&'static str, Problem> {
    let nothing = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "found nothing published, expected a revision");
    namespace.published().map(|_| "ok").ok_or_else(nothing)
}

async fn unknown(uri: Uri) -> Problem {
    let expected = "expected one under /v1/namespaces/, /v1/events, /v1/switches/reload, /metrics, /healthz or /readyz";
    Problem::new(StatusCode::NOT_FOUND, format!("found the path {:?}, {expected}", uri.path()))
}

async fn other_method(method: Method) -> Problem {
    let expected = "expected the one in the allow header";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("found the method {method}, {expected}"))
}

/// The one namespace that is served must be the one that is asked for.
fn known(namespace: &Namespace, name: &str) -> Result<(), Problem> {
    if name == namespace.name {
        return Ok(());
    }
    let detail = format!("found the namespace {name:?}, expected {:?}", namespace.name);
    Err(Problem::new(StatusCode::NOT_FOUND, detail))
}

#[cfg(test)]
mod tests;
