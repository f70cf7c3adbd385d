//! Acks: what an Envoy's workers run, told by its fetcher.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
};

use super::{BODY_LIMIT, known, problem::Problem};
use crate::{namespace::Namespace, nodes::Report};

/// Takes a report in: it replaces all that its Envoy said before.
pub async fn take(
    State(namespace): State<Arc<Namespace>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    // Before anything else: the time to effect ends when the report arrives, not when it is understood.
    let now = namespace.clock.now();
    known(&namespace, &name)?;
    check_media_type(&headers)?;
    let body = body.map_err(|why| unread(why.status()))?;
    let report = Report::parse(&body).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))?;
    let node = report.node.id.clone();
    let taken = namespace.take(report, now);
    taken.map_err(|too_many| Problem::new(StatusCode::SERVICE_UNAVAILABLE, too_many.to_string()))?;
    // Only what was taken in: else there would be no end of what is remembered as posted.
    if let Some(sharing) = &namespace.sharing {
        sharing.share(&node, &body, now);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A page in a browser on this machine may post anything here, but not as JSON without asking first.
pub fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if media_type.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let found = media_type.escape_ascii();
    let detail = format!("found content-type \"{found}\", expected application/json");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}

fn unread(status: StatusCode) -> Problem {
    let found = if status == StatusCode::PAYLOAD_TOO_LARGE { "a longer body" } else { "a body that broke off" };
    Problem::new(status, format!("found {found}, expected a whole one of at most {BODY_LIMIT} bytes"))
}
