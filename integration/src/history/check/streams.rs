//! One stream, one revision; and what that revision's rules decide.

use super::Words;
use crate::history::{
    Promise, Response, Served, Verdict,
    asked::{Expectations, Expected},
    sighting::shown,
};

/// What the upstream saw at the beginning, what the response says and what the log says at the end are the same.
pub(super) fn agree(words: &Words<'_>, verdict: &mut Verdict) {
    for (response, served) in words.0.served() {
        let Served { id, upstream, told } = served;
        let log = words.0.log.get(id);
        verdict.counted.logged += usize::from(log.is_some());
        let upstream_agrees = upstream.revision == told.revision && upstream.variant == told.variant;
        if upstream_agrees && log.is_none_or(|log| log == told) {
            continue;
        }
        verdict.broke(Promise::OneRevision, || {
            let place = if upstream_agrees { "the access log" } else { "the upstream" };
            (
                format!("found a stream of which {place} says something else"),
                vec![words.response(response), words.log(served)],
            )
        });
    }
}

/// What was served was published, not afterwards, and decided as its rules decide; `routed`: and went where the routes
/// send it.
pub(super) fn as_decided(words: &Words<'_>, routed: bool, verdict: &mut Verdict) {
    let mut expectations = Expectations::of(words.0);
    for (response, served) in words.0.served() {
        let revision = served.told.revision;
        let Some(expected) = expectations.about(revision, response.request) else {
            verdict.broke(Promise::NotTorn, || {
                (format!("found {}, which was never published", shown(revision)), vec![words.response(response)])
            });
            continue;
        };
        if !expected.iter().any(|expected| expected.is(served, &words.0.names, routed)) {
            verdict.counted.wrong += 1;
            verdict.broke(Promise::NotTorn, || wrong(words, response, expected));
        }
        too_early(words, response, served, verdict);
    }
}

fn wrong(words: &Words<'_>, response: &Response, expected: &[Expected]) -> (String, Vec<String>) {
    let expected: Vec<_> = expected.iter().map(Expected::words).collect();
    (format!("expected {}", expected.join(", or ")), vec![words.response(response)])
}

fn too_early(words: &Words<'_>, response: &Response, served: &Served, verdict: &mut Verdict) {
    let Some(published) = served.told.revision.and_then(|revision| words.first(revision)) else { return };
    if response.end < published.at {
        verdict.broke(Promise::NotTorn, || {
            let what = format!("found {} before it was published", published.revision);
            (what, vec![words.response(response), words.published(published)])
        });
    }
}
