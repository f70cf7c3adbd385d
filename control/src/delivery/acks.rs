//! Acks: what an Envoy's workers run, told by its fetcher.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
};
use jiff::Timestamp;

use super::{BODY_LIMIT, known, problem::Problem};
use crate::{namespace::Namespace, nodes::Report};

/// Takes a report in: it replaces all that its Envoy said before.
pub async fn take(
    State(namespace): State<Arc<Namespace>>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    // Before anything else: the time to effect ends when the report arrives, not when it is understood.
    let now = Instant::now();
    known(&namespace, &name)?;
    let body = body.map_err(|why| unread(why.status()))?;
    let report = Report::parse(&body).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))?;
    let taken = namespace.nodes().take(report, Timestamp::now(), now);
    let change = taken.map_err(|too_many| Problem::new(StatusCode::SERVICE_UNAVAILABLE, too_many.to_string()))?;
    change.log();
    Ok(StatusCode::NO_CONTENT)
}

fn unread(status: StatusCode) -> Problem {
    let found = if status == StatusCode::PAYLOAD_TOO_LARGE { "a longer body" } else { "a body that broke off" };
    Problem::new(status, format!("found {found}, expected a whole one of at most {BODY_LIMIT} bytes"))
}
