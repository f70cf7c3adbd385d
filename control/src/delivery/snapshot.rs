//! The long poll.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use graylane_rules::{SNAPSHOT_FORMAT, envelope};

use super::{asked::Asked, known, problem::Problem};
use crate::namespace::{Crowded, Namespace};

type Pairs = Query<Vec<(String, String)>>;

/// Answers with what is published as soon as it is newer than what the fetcher has, else with 204 after its wait.
pub async fn deliver(
    State(namespace): State<Arc<Namespace>>,
    Path(name): Path<String>,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    known(&namespace, &name)?;
    let Query(pairs) = pairs.map_err(|why| Problem::new(StatusCode::BAD_REQUEST, unreadable(&why)))?;
    let asked = Asked::read(&pairs).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))?;
    if !asked.accepts_ours() {
        let detail = format!("formats: found none that is served, expected {SNAPSHOT_FORMAT} among them");
        return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, detail));
    }
    let newer = namespace.newer(asked.after, asked.wait).await.map_err(|Crowded| crowded())?;
    let headers = [(header::CONTENT_TYPE, envelope::MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    Ok(match newer {
        Some(newer) => (headers, newer.envelope.clone()).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

fn unreadable(why: &QueryRejection) -> String {
    format!("found a query that cannot be read ({}), expected NAME=VALUE pairs", why.body_text())
}

fn crowded() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "found 10000 polls that wait already, expected fewer")
}
