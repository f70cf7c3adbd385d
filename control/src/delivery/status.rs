//! How things stand: what is published, what is wrong, who runs what.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{json, known, problem::Problem};
use crate::{namespace::Namespace, status::Status};

/// Answers with the status as JSON.
pub async fn tell(State(namespace): State<Arc<Namespace>>, Path(name): Path<String>) -> Result<Response, Problem> {
    known(&namespace, &name)?;
    json(&Status::of(&namespace))
}
