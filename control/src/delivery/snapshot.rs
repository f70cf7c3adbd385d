//! The long poll.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use graylane_rules::{SNAPSHOT_FORMATS, envelope};

use super::{asked::Asked, known, problem::Problem};
use crate::{
    metrics::Answer,
    namespace::{Crowded, Namespace},
};

type Pairs = Query<Vec<(String, String)>>;

/// Answers with what is published as soon as it is newer than what the fetcher has, else with 204 after its wait.
pub async fn deliver(
    State(namespace): State<Arc<Namespace>>,
    Path(name): Path<String>,
    pairs: Result<Pairs, QueryRejection>,
) -> Result<Response, Problem> {
    let outcome = answer(&namespace, &name, pairs).await;
    let kind = match &outcome {
        Ok(response) if response.status() == StatusCode::NO_CONTENT => Answer::Nothing,
        Ok(_) => Answer::Snapshot,
        Err(problem) => match problem.status() {
            StatusCode::NOT_ACCEPTABLE => Answer::Format,
            StatusCode::SERVICE_UNAVAILABLE => Answer::Crowded,
            _ => Answer::Invalid,
        },
    };
    namespace.metrics.count_poll(kind);
    outcome
}

async fn answer(namespace: &Namespace, name: &str, pairs: Result<Pairs, QueryRejection>) -> Result<Response, Problem> {
    known(namespace, name)?;
    let Query(pairs) = pairs.map_err(|why| Problem::new(StatusCode::BAD_REQUEST, unreadable(&why)))?;
    let asked = Asked::read(&pairs).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))?;
    let format = asked.format().ok_or_else(no_format)?;
    let newer = namespace.newer(asked.after, asked.wait).await.map_err(|Crowded| crowded())?;
    let Some(newer) = newer else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let sealed = namespace.envelope(&newer, format).ok_or_else(no_format)?;
    let headers = [(header::CONTENT_TYPE, envelope::MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, sealed.envelope.clone()).into_response())
}

fn no_format() -> Problem {
    let ours: Vec<_> = SNAPSHOT_FORMATS.iter().map(u16::to_string).collect();
    let detail = format!("formats: found none that is served, expected {} among them", ours.join(" or "));
    Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
}

fn unreadable(why: &QueryRejection) -> String {
    format!("found a query that cannot be read ({}), expected NAME=VALUE pairs", why.body_text())
}

fn crowded() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "found 10000 polls that wait already, expected fewer")
}
