//! What a VM says that it runs was published before.

use super::Words;
use crate::history::{Promise, Verdict};

/// No VM runs what was not published yet.
pub(super) fn were_published(words: &Words<'_>, verdict: &mut Verdict) {
    for ack in &words.0.acks {
        let Some(revision) = ack.revision else { continue };
        match words.first(revision) {
            Some(known) if known.at <= ack.at => {}
            Some(known) => verdict.broke(Promise::AckedWasPublished, || {
                (format!("found {revision} before it was published"), vec![words.ack(ack), words.published(known)])
            }),
            None => verdict.broke(Promise::AckedWasPublished, || {
                (format!("found {revision}, which was never published"), vec![words.ack(ack)])
            }),
        }
    }
}
