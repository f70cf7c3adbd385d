//! A publication takes effect within the bound.

use std::time::Duration;

use graylane_rules::Revision;

use super::{Bounds, Words, words::time};
use crate::history::{Promise, Published, Response, Verdict, sighting::shown};

/// No request that begins longer than the bound after a publication is decided by older rules, unless a fault keeps the
/// new ones away, or ended less than the bound before.
pub(super) fn in_time(words: &Words<'_>, bounds: &Bounds, verdict: &mut Verdict) {
    let newer = Newer::of(&words.0.published);
    for (response, served) in words.0.served() {
        let revision = served.told.revision;
        let Some(published) = newer.first_than(revision) else { continue };
        verdict.counted.spanning += usize::from(spans(response, published));
        let late = response.begin > published.at + bounds.effect && !excused(response.begin, bounds);
        if late {
            verdict.broke(Promise::TakesEffect, || {
                let delay = response.begin.saturating_sub(published.at);
                let what =
                    format!("found {} {} after {} was published", shown(revision), time(delay), published.revision);
                (what, vec![words.published(published), words.response(response)])
            });
        }
    }
}

fn spans(response: &Response, published: &Published) -> bool {
    (response.begin..response.end).contains(&published.at)
}

fn excused(begin: Duration, bounds: &Bounds) -> bool {
    bounds.stale.iter().any(|window| window.from <= begin && begin <= window.to + bounds.effect)
}

/// For each revision, which of those newer than it was published first.
struct Newer<'h>(Vec<(Revision, &'h Published)>);

impl<'h> Newer<'h> {
    fn of(published: &'h [Published]) -> Self {
        let due = published.iter().filter(|published| !published.spare);
        let mut by_revision: Vec<_> = due.map(|published| (published.revision, published)).collect();
        by_revision.sort_by_key(|(revision, published)| (*revision, published.at));
        let mut first: Option<&Published> = None;
        for (_, published) in by_revision.iter_mut().rev() {
            let earliest = first.filter(|first| first.at < published.at).unwrap_or(*published);
            first = Some(earliest);
            *published = earliest;
        }
        Self(by_revision)
    }

    fn first_than(&self, revision: Option<Revision>) -> Option<&'h Published> {
        let behind = self.0.partition_point(|(known, _)| Some(*known) <= revision);
        self.0.get(behind).map(|(_, first)| *first)
    }
}
