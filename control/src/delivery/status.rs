//! How things stand: what is published, what is wrong, who runs what.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse,
};

use super::{known, problem::Problem};
use crate::{namespace::Namespace, status::Status};

/// Answers with the status as JSON.
pub async fn tell(
    State(namespace): State<Arc<Namespace>>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    known(&namespace, &name)?;
    let text = serde_json::to_string(&Status::of(&namespace));
    let text = text.map_err(|why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("status: {why}")))?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, text))
}
