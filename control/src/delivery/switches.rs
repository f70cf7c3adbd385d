//! Reading overrides of switches again, by request.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::json;

use super::problem::Problem;
use crate::{namespace::Namespace, reload::NotReloaded};

/// Has the file of overrides read again, and answers with how switches changed.
pub async fn reload(State(namespace): State<Arc<Namespace>>) -> Result<Response, Problem> {
    super::json(&namespace.reload.order().await.map_err(|why| refused(&why))?)
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
