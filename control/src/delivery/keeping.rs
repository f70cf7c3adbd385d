//! Keeping the store in order over HTTP: backups and their return, checking, removing what is old. One at a time.

mod spool;

use std::{io::BufReader, sync::Arc};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use graylane_store::{By, NotRestored, NotTaken};
use serde::Deserialize;
use tokio::{runtime::Handle, sync::OwnedMutexGuard};

use super::{
    acks::check_media_type,
    json,
    problem::Problem,
    revisions::{actor, refused, revisions},
};
use crate::{
    access::{Caller, Need, Routes},
    keeping::{Compaction, MEDIA_TYPE, NotKept, Restoration, Taken, Verification, take_into},
    namespace::Namespace,
    revisions::{Refusal, Revisions},
};

/// So many revisions stay where nobody says how many.
const KEPT: usize = 10_000;

type Served = State<Arc<Namespace>>;

/// The paths about keeping the store in order.
pub fn routes() -> Routes<Arc<Namespace>> {
    Routes::new()
        .chore("/v1/namespaces/{namespace}/backup", Need::Operate, backup)
        .upload("/v1/namespaces/{namespace}/restore", Need::Operate, restore)
        .chore("/v1/namespaces/{namespace}/verify", Need::Operate, verify)
        .post("/v1/namespaces/{namespace}/compact", Need::Operate, compact)
}

/// What a backup is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Called {
    label: Option<String>,
}

/// Who restores, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    reason: Option<String>,
    source: Option<String>,
    actor: Option<String>,
}

/// How many revisions stay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    #[serde(default = "kept")]
    keep: usize,
}

fn kept() -> usize {
    KEPT
}

/// Answers with a backup: it is whole and verified before the first byte of it is sent.
async fn backup(
    State(namespace): Served,
    Path(name): Path<String>,
    called: Result<Query<Called>, QueryRejection>,
) -> Result<Response, Problem> {
    let revisions = Arc::clone(revisions(&namespace, &name)?);
    let busy = alone(&revisions)?;
    let Query(Called { label }) = called.map_err(|why| unreadable(&why, "label"))?;
    let at = namespace.clock.now().wall;
    let label = label.unwrap_or_else(|| format!("{name} at {}", crate::clock::second(at)));
    let taken = blocking(busy, async move {
        let mut file = spool::file()?;
        let taken = take_into(&*revisions.store, &revisions.namespace, &label, at, &mut file, "a file to spool into");
        taken.await.map(|taken| (taken, file)).map_err(not_kept)
    });
    let (Taken { backup, .. }, file) = taken.await?;
    let length = file.metadata().map_err(|why| spool::failed(&why))?.len();
    let name = format!("attachment; filename=\"{name}-{}.graylane\"", backup.last);
    let mut response = Body::from_stream(spool::read(file)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.extend(HeaderValue::from_str(&name).ok().map(|name| (header::CONTENT_DISPOSITION, name)));
    Ok(response)
}

/// Restores the backup that is sent, once all of it is here and verified.
async fn restore(
    State(namespace): Served,
    Path(name): Path<String>,
    Extension(caller): Extension<Caller>,
    why: Result<Query<Why>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let revisions = revisions(&namespace, &name)?;
    let Query(why) = why.map_err(|why| unreadable(&why, "reason, source, actor"))?;
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !media_type.eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()) {
        let detail = format!("found content-type \"{}\", expected {MEDIA_TYPE}", media_type.escape_ascii());
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let by = By {
        actor: actor(&caller, why.actor.as_deref()),
        reason: why.reason.unwrap_or_else(|| "(no reason given)".to_owned()),
        source: why.source.unwrap_or_default(),
        at: namespace.clock.now().wall,
    };
    Revisions::check_words(&by.actor, &by.reason, &by.source).map_err(|why| refused::problem(&why))?;
    let file = spool::write(body).await?;
    // Only now: whoever sends slowly keeps nobody else from it.
    let (revisions, busy) = (Arc::clone(revisions), alone(revisions)?);
    let restored = blocking(busy, async move {
        let restored = revisions.restore(&mut BufReader::new(file), &by).await;
        restored.map(|restored| Restoration::of(&restored)).map_err(unfit)
    });
    json(&restored.await?)
}

/// Answers with what was looked at, and what of it is not as it was put there.
async fn verify(State(namespace): Served, Path(name): Path<String>) -> Result<Response, Problem> {
    let revisions = Arc::clone(revisions(&namespace, &name)?);
    let busy = alone(&revisions)?;
    let found = blocking(busy, async move {
        let found = graylane_store::verify(&*revisions.store, &revisions.namespace).await;
        found.map(|found| Verification::of(&found)).map_err(|why| refused::problem(&Refusal::Store(why)))
    });
    json(&found.await?)
}

/// Removes old revisions.
async fn compact(
    State(namespace): Served,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let revisions = Arc::clone(revisions(&namespace, &name)?);
    let busy = alone(&revisions)?;
    check_media_type(&headers)?;
    let wrong = |why: serde_json::Error| {
        let detail = format!(
            "found a body that cannot be read ({why}), expected an object of keep, such as {{\"keep\":{KEPT}}}"
        );
        Problem::new(StatusCode::BAD_REQUEST, detail)
    };
    let Keep { keep } = crate::json::read(&body).map_err(wrong)?;
    if keep == 0 {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "keep: found 0, expected 1 at least"));
    }
    let done = blocking(busy, async move {
        let done = graylane_store::compact(&*revisions.store, keep).await;
        done.map(|done| Compaction::of(&done)).map_err(|why| refused::problem(&Refusal::Store(why)))
    });
    json(&done.await?)
}

/// The right to be the only one that works on all revisions.
fn alone(revisions: &Revisions) -> Result<OwnedMutexGuard<()>, Problem> {
    Arc::clone(&revisions.chores).try_lock_owned().map_err(|_| {
        let found = "found a backup, a restore, a verification or a compaction under way here";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("{found}, expected one at a time: ask again later"))
    })
}

/// Does work that reads and writes files where it keeps nobody waiting; it goes on to its end where whoever asked is gone.
async fn blocking<T: Send + 'static>(
    busy: OwnedMutexGuard<()>,
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let handle = Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let outcome = handle.block_on(work);
        drop(busy);
        outcome
    });
    let ended = |why| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the work ended unexpectedly: {why}"));
    done.await.map_err(ended)?
}

fn not_kept(why: NotKept) -> Problem {
    if let NotKept::NotTaken(NotTaken::Unwritten(why)) = &why {
        return spool::failed(why);
    }
    let status = match &why {
        NotKept::NotTaken(NotTaken::Empty(_)) => StatusCode::NOT_FOUND,
        NotKept::NotTaken(NotTaken::Label(_)) => StatusCode::BAD_REQUEST,
        NotKept::NotTaken(_) | NotKept::Unwritten(..) | NotKept::Damaged(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(status, why.to_string())
}

fn unfit(why: NotRestored) -> Problem {
    if let NotRestored::Unknown { revision, why } = why {
        return refused::problem(&Refusal::Unknown { revision, why });
    }
    let status = match &why {
        NotRestored::Unreadable(_) | NotRestored::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
        NotRestored::Store(_) | NotRestored::Unknown { .. } => StatusCode::SERVICE_UNAVAILABLE,
        NotRestored::Moved | NotRestored::Standing(_) => StatusCode::CONFLICT,
    };
    Problem::new(status, why.to_string())
}

fn unreadable(why: &QueryRejection, expected: &str) -> Problem {
    let found = format!("found a query that cannot be read ({})", why.body_text());
    Problem::new(StatusCode::BAD_REQUEST, format!("{found}, expected {expected}"))
}
