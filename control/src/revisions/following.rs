//! Serving what the store has, whoever put it there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use graylane_store::Head;

use super::Revisions;
use crate::{
    finding::Finding,
    namespace::{About, Namespace},
    plural::counted,
    publication::Publication,
};

/// So long after a failure the store is asked again.
const REST: Duration = Duration::from_millis(500);

/// Serves the head of the store, now and whenever it moves, for ever. Where the store does not answer, or has what this build
/// cannot use, what is served stays, and the namespace says why.
pub async fn follow(revisions: Arc<Revisions>, namespace: Arc<Namespace>) {
    let mut known: Option<Head> = None;
    loop {
        match next(&revisions, &namespace, known.as_ref()).await {
            Ok(head) => {
                known = head;
                if !namespace.replace_problems(About::Store, Vec::new()).is_empty() {
                    tracing::info!("{}: answers again", revisions.store.place());
                }
            }
            Err(problem) => {
                if namespace.replace_problems(About::Store, vec![problem.clone()]) != [problem.clone()] {
                    tracing::warn!("{problem}");
                }
                tokio::time::sleep(REST).await;
            }
        }
        namespace.note_look(namespace.clock.now().wall);
    }
}

/// Waits for another head than `known`, and serves it.
async fn next(revisions: &Revisions, namespace: &Namespace, known: Option<&Head>) -> Result<Option<Head>, Finding> {
    let place = revisions.store.place();
    let changed = revisions.store.changed(&revisions.namespace, known).await;
    let head = changed.map_err(|why| {
        let (expected, rest) = ("a store that answers", "what is served stays meanwhile");
        Finding::because(place, "store", &why.to_string(), expected, rest)
    })?;
    let accepted = Instant::now();
    let Some(head) = head.filter(|head| is_news(namespace, head)) else { return Ok(head) };
    let running = revisions.load(&head).await.map_err(|why| {
        let found = format!("revision {}, which cannot be served: {why}", head.revision);
        Finding::about(place, "revision", found, "one that this build can use: what is served stays")
    })?;
    if let Some(published) = namespace.run(running, accepted) {
        log(&published);
    }
    Ok(Some(head))
}

/// Whether it is not what was made here, and is served already.
fn is_news(namespace: &Namespace, head: &Head) -> bool {
    namespace.published().is_none_or(|published| published.revision < head.revision)
}

/// Logs a revision that is served from now on.
pub fn log(published: &Publication) {
    let (revision, bytes) = (published.revision, published.size());
    let by = published.manifest.as_ref().map(|manifest| (manifest.actor.as_str(), manifest.reason.as_str()));
    let (actor, reason) = by.unwrap_or_default();
    let words = crate::finding::one_line(&format!("by {actor}: {reason}"));
    tracing::info!(
        "revision {revision} published {words} ({bytes} bytes, {})",
        counted(published.rule_sets.len(), "rule set")
    );
}
