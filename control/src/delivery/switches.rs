//! Reading overrides of switches again, by request.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::problem::Problem;
use crate::{
    namespace::Namespace,
    reload::{NotReloaded, Reloaded},
};

/// Has the file of overrides read again, and answers with how switches changed.
pub async fn reload(State(namespace): State<Arc<Namespace>>) -> Result<Response, Problem> {
    let reloaded = namespace.reload.order().await.map_err(|why| refused(&why))?;
    let text = written(&reloaded)?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}

fn written(reloaded: &Reloaded) -> Result<String, Problem> {
    let text = serde_json::to_string(reloaded);
    text.map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("reload: {why}")))
}

fn refused(why: &NotReloaded) -> Problem {
    let status = match why {
        NotReloaded::NoFile => StatusCode::CONFLICT,
        NotReloaded::Unreadable(_) | NotReloaded::Broken(_) => StatusCode::UNPROCESSABLE_ENTITY,
        NotReloaded::Busy => StatusCode::SERVICE_UNAVAILABLE,
    };
    let problem = Problem::new(status, why.to_string());
    match why {
        NotReloaded::Broken(findings) => problem.with("problems", json!(findings)),
        _ => problem,
    }
}
