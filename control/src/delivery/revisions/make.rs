//! Making revisions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{DOCUMENTS_LIMIT, refused, revisions};
use crate::{
    access::Caller,
    delivery::{acks::check_media_type, json, problem::Problem},
    namespace::Namespace,
    revisions::{
        Outcome, following,
        json::{Answer, Asked, Verb},
    },
};

/// Who asks where nobody says so.
const NOBODY: &str = "(not said)";

type Body = Result<Bytes, BytesRejection>;
type Served = State<Arc<Namespace>>;

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident: $verb:ident;)*) => {$(
        $(#[$doc])*
        pub async fn $name(
            served: Served,
            Path(name): Path<String>,
            Extension(caller): Extension<Caller>,
            headers: HeaderMap,
            body: Body,
        ) -> Result<Response, Problem> {
            make(served, &name, &caller, &headers, body, Verb::$verb).await
        }
    )*};
}

verbs! {
    /// Publishes documents.
    publish: Publish;
    /// Publishes those of an earlier revision again.
    rollback: Rollback;
    /// Switches rule sets off.
    off: Off;
    /// Switches them on again.
    on: On;
    /// Refuses changes from now on.
    freeze: Freeze;
    /// Takes them again.
    unfreeze: Unfreeze;
}

async fn make(
    State(namespace): Served,
    name: &str,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
    verb: Verb,
) -> Result<Response, Problem> {
    // Before anything else: the promise runs from when it was asked for.
    let asked_at = namespace.clock.now().steady;
    let revisions = revisions(&namespace, name)?;
    check_media_type(headers)?;
    let asked = read(body)?;
    let wait = asked.wait_millis.map(Duration::from_millis);
    let promise = asked.promise_millis.map(Duration::from_millis).or(wait).unwrap_or_default().as_secs_f64();
    let actor = actor(caller, asked.actor.as_deref());
    let proposal = revisions.proposal(asked, verb, actor).await.map_err(|why| refused::problem(&why))?;
    let made = revisions.make(&proposal).await.map_err(|why| refused::problem(&why))?;
    let mut answer = Answer::of(&made);
    // What stands already may not be everywhere yet: whoever waits asked for that.
    let revision = match made.outcome {
        Outcome::Made(running) => {
            let revision = running.head.revision;
            deliver(&namespace, *running, asked_at);
            Some(revision)
        }
        Outcome::Unchanged => made.base,
        Outcome::Planned => None,
    };
    if let (Some(revision), Some(wait)) = (revision, wait) {
        let acks = namespace.acknowledged(revision, asked_at, wait).await;
        namespace.metrics.promises.count(verb.word(), acks.seconds, promise);
        answer.acks = Some(acks);
    }
    json(&answer)
}

/// Who it was, for the history: the caller by whose credentials it was asked for, and who that says it is. Where nobody is
/// asked for credentials there is only the latter.
pub fn actor(caller: &Caller, said: Option<&str>) -> String {
    match (caller.is_anonymous(), said) {
        (true, said) => said.unwrap_or(NOBODY).to_owned(),
        (false, Some(said)) if said != caller.name => format!("{} ({said})", caller.name),
        (false, _) => caller.name.clone(),
    }
}

/// Delivers what was made at once; who follows the store comes too late for it.
fn deliver(namespace: &Namespace, running: crate::revisions::Running, asked: Instant) {
    if let Some(published) = namespace.run(running, asked) {
        following::log(&published);
    }
}

fn read(body: Body) -> Result<Asked, Problem> {
    let body = body.map_err(|why| {
        let large = why.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let found = if large { "a longer body" } else { "a body that broke off" };
        Problem::new(why.status(), format!("found {found}, expected a whole one of at most {DOCUMENTS_LIMIT} bytes"))
    })?;
    crate::json::read(&body).map_err(|why| {
        let expected =
            "expected an object of documents, ruleSet, switches, to, actor, reason, source, expect, dryRun, identities, url, waitMillis, promiseMillis";
        Problem::new(StatusCode::BAD_REQUEST, format!("found a body that cannot be read ({why}), {expected}"))
    })
}
