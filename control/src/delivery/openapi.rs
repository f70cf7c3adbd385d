//! The document of this API, as OpenAPI 3.1 has it.

use std::sync::OnceLock;

use axum::response::Response;
use serde_json::Value;

use super::{json, problem::Problem};

/// The document, as it is kept.
const DOCUMENT: &str = include_str!("openapi.yaml");

/// Answers with the document. It says nothing of what is served, and is told to anybody.
pub async fn tell() -> Result<Response, Problem> {
    json(document())
}

/// The document. That it can be read is tested.
fn document() -> &'static Value {
    static READ: OnceLock<Value> = OnceLock::new();
    READ.get_or_init(|| serde_saphyr::from_str(DOCUMENT).unwrap_or_default())
}

#[cfg(test)]
mod tests;
