//! Revisions over HTTP: made, listed, shown.

mod history;
mod make;
pub mod refused;

use std::sync::Arc;

use axum::{extract::DefaultBodyLimit, handler::Handler as _, http::StatusCode};

pub use make::actor;

use super::problem::Problem;
use crate::{
    access::{Need, Routes},
    namespace::Namespace,
    revisions::Revisions,
};

/// The longest body with documents, in bytes: what a directory may hold, and what JSON adds.
const DOCUMENTS_LIMIT: usize = 96 << 20;

/// The paths about revisions.
pub fn routes() -> Routes<Arc<Namespace>> {
    let publish = make::publish.layer(DefaultBodyLimit::max(DOCUMENTS_LIMIT));
    Routes::new()
        .post("/v1/namespaces/{namespace}/revisions", Need::Publish, publish)
        .get("/v1/namespaces/{namespace}/revisions", Need::Read, history::list)
        .get("/v1/namespaces/{namespace}/revisions/{revision}", Need::Read, history::show)
        .get("/v1/namespaces/{namespace}/revisions/{revision}/documents", Need::Read, history::documents)
        .get("/v1/namespaces/{namespace}/revisions/{revision}/acks", Need::Read, history::acks)
        .post("/v1/namespaces/{namespace}/rollback", Need::Operate, make::rollback)
        .post("/v1/namespaces/{namespace}/off", Need::Operate, make::off)
        .post("/v1/namespaces/{namespace}/on", Need::Operate, make::on)
        .post("/v1/namespaces/{namespace}/freeze", Need::Operate, make::freeze)
        .post("/v1/namespaces/{namespace}/unfreeze", Need::Operate, make::unfreeze)
}

/// The revisions of the namespace that is asked for.
pub fn revisions<'n>(namespace: &'n Namespace, name: &str) -> Result<&'n Arc<Revisions>, Problem> {
    super::known(namespace, name)?;
    namespace.revisions.as_ref().ok_or_else(|| {
        let found = "found a directory that is served, which keeps no revisions";
        Problem::new(
            StatusCode::CONFLICT,
            format!("{found}; expected graylane serve --store: change the files instead"),
        )
    })
}
