//! What Prometheus is told.

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use crate::{metrics::MEDIA_TYPE, namespace::Namespace};

/// Answers with the metrics as OpenMetrics text.
pub async fn tell(State(namespace): State<Arc<Namespace>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], namespace.metrics.text(&namespace))
}
