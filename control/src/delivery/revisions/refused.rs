//! A refusal as RFC 9457 has it, with what a program needs to go on.

use axum::http::StatusCode;
use graylane_store::Manifest;
use serde_json::{Value, json};

use crate::{delivery::problem::Problem, revisions::Refusal};

/// The answer to a proposal that was refused.
pub fn problem(refusal: &Refusal) -> Problem {
    let problem = Problem::new(status(refusal), refusal.to_string());
    match refusal {
        Refusal::Broken(findings) => problem.with("problems", json!(findings)),
        Refusal::Frozen { freeze, rule_sets } => {
            problem.with("frozen", json!(freeze)).with("ruleSets", json!(rule_sets))
        }
        Refusal::Moved { head, difference, .. } => {
            problem.with("head", moved(head)).with("difference", json!(difference))
        }
        Refusal::NotKept(not_kept) => {
            let kept = not_kept.kept.as_ref().map(
                |kept| json!({"first": kept.first.to_string(), "last": kept.last.to_string(), "count": kept.count}),
            );
            problem.with("kept", json!(kept))
        }
        Refusal::Unknown { revision, .. } => problem.with("revision", json!(revision.to_string())),
        Refusal::Unfit(_) | Refusal::Store(_) => problem,
    }
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Broken(_) | Refusal::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Frozen { .. } | Refusal::Moved { .. } => StatusCode::CONFLICT,
        Refusal::NotKept(_) => StatusCode::NOT_FOUND,
        Refusal::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Unknown { .. } => StatusCode::GATEWAY_TIMEOUT,
    }
}

fn moved(head: &Manifest) -> Value {
    let (revision, at, actor, reason) = (head.revision.to_string(), head.at, &head.actor, &head.reason);
    json!({"revision": revision, "at": at, "actor": actor, "reason": reason, "action": head.action})
}
