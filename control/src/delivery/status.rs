//! How things stand: what is published, what is wrong, who runs what.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{known, problem::Problem};
use crate::{
    namespace::Namespace,
    nodes::{Node, Nodes, Worker},
};

/// Answers with the status as JSON.
pub async fn tell(
    State(namespace): State<Arc<Namespace>>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    known(&namespace, &name)?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, status(&namespace).to_string()))
}

fn status(namespace: &Namespace) -> Value {
    let published = namespace.published();
    let published = published.as_deref();
    let nodes = namespace.nodes();
    let mut problems = namespace.problems();
    problems.extend(nodes.problems(Instant::now()));
    json!({
        "namespace": namespace.name,
        "revision": published.map(|published| published.revision.to_string()),
        "publishedAt": published.map(|published| published.at.to_string()),
        "sha256": published.map(|published| &published.sha256),
        "format": published.map(|published| published.format),
        "ruleSets": published.map_or(&[][..], |published| &published.rule_sets),
        "problems": problems,
        "waiting": namespace.waiting(),
        "nodes": nodes.iter().map(node).collect::<Vec<_>>(),
        "timeToEffect": time_to_effect(&nodes),
    })
}

fn node((id, node): (&str, &Node)) -> Value {
    json!({
        "id": id,
        "cluster": node.cluster,
        "lastReport": node.last_report.to_string(),
        "workers": node.workers.iter().map(worker).collect::<Vec<_>>(),
    })
}

fn worker(worker: &Worker) -> Value {
    json!({
        "id": worker.id,
        "revision": worker.revision.map(|revision| revision.to_string()),
        "formats": worker.formats,
        "error": worker.error,
        "refused": worker.refused.map(|revision| revision.to_string()),
        "role": worker.role,
    })
}

fn time_to_effect(nodes: &Nodes) -> Value {
    json!({ "count": nodes.effects, "lastSeconds": nodes.last_effect.as_ref().map(Duration::as_secs_f64) })
}
