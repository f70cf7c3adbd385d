//! A worker's revision only grows.

use std::collections::HashMap;

use graylane_rules::Revision;

use super::Words;
use crate::history::{Ack, Outcome, Promise, Response, Verdict, sighting::shown};

/// On one connection, which stays with its worker, no request is decided by older rules than one before it.
pub(super) fn on_connections(words: &Words<'_>, verdict: &mut Verdict) {
    let mut in_order: Vec<_> = words.0.responses.iter().collect();
    in_order.sort_by_key(|response| (response.connection, response.stream));
    let mut newest: Option<(&Response, Option<Revision>)> = None;
    for response in in_order {
        let Outcome::Served(served) = &response.outcome else { continue };
        let revision = served.told.revision;
        newest = newest.filter(|(before, _)| before.connection == response.connection);
        match newest {
            Some((before, newer)) if revision < newer => verdict.broke(Promise::GrowsOnConnections, || {
                let what = format!("found {} after {}", shown(revision), shown(newer));
                (what, vec![words.response(before), words.response(response)])
            }),
            _ => newest = Some((response, revision)),
        }
    }
}

/// No VM says that it runs older rules than it did.
pub(super) fn in_acks(words: &Words<'_>, verdict: &mut Verdict) {
    let mut newest = HashMap::<_, &Ack>::new();
    for ack in &words.0.acks {
        let before = newest.entry(ack.vm).or_insert(ack);
        if ack.revision < before.revision {
            verdict.broke(Promise::GrowsInAcks, || {
                let what = format!("found {} after {}", shown(ack.revision), shown(before.revision));
                (what, vec![words.ack(before), words.ack(ack)])
            });
        } else {
            *before = ack;
        }
    }
}
