//! Revisions over HTTP: made, listed, shown.

mod history;
mod make;
mod refused;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Serialize;

use super::problem::Problem;
use crate::{namespace::Namespace, revisions::Revisions};

/// The longest body with documents, in bytes: what a directory may hold, and what JSON adds.
const DOCUMENTS_LIMIT: usize = 96 << 20;

/// The paths about revisions.
pub fn routes() -> Router<Arc<Namespace>> {
    let documents = DefaultBodyLimit::max(DOCUMENTS_LIMIT);
    Router::new()
        .route("/v1/namespaces/{namespace}/revisions", get(history::list).post(make::publish).layer(documents))
        .route("/v1/namespaces/{namespace}/revisions/{revision}", get(history::show))
        .route("/v1/namespaces/{namespace}/revisions/{revision}/documents", get(history::documents))
        .route("/v1/namespaces/{namespace}/revisions/{revision}/acks", get(history::acks))
        .route("/v1/namespaces/{namespace}/rollback", post(make::rollback))
        .route("/v1/namespaces/{namespace}/off", post(make::off))
        .route("/v1/namespaces/{namespace}/on", post(make::on))
        .route("/v1/namespaces/{namespace}/freeze", post(make::freeze))
        .route("/v1/namespaces/{namespace}/unfreeze", post(make::unfreeze))
}

/// The revisions of the namespace that is asked for.
fn revisions<'n>(namespace: &'n Namespace, name: &str) -> Result<&'n Arc<Revisions>, Problem> {
    super::known(namespace, name)?;
    namespace.revisions.as_ref().ok_or_else(|| {
        let found = "found a directory that is served, which keeps no revisions";
        Problem::new(
            StatusCode::CONFLICT,
            format!("{found}; expected graylane serve --store: change the files instead"),
        )
    })
}

/// `value` as an answer.
fn json(value: &impl Serialize) -> Result<Response, Problem> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the answer: {why}")))?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}
