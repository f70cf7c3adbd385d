//! Proves the promises on a history.

mod acks;
mod effect;
mod failures;
mod growth;
mod streams;
mod words;

use std::{collections::HashSet, time::Duration};

use super::{Counted, History, Outcome, Verdict};
use words::Words;

/// What a history is held to.
#[derive(Clone, Debug)]
pub struct Bounds {
    effect: Duration,
    routed: bool,
    stale: Vec<Window>,
    failing: Vec<Window>,
}

/// Some time of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first moment.
    pub from: Duration,
    /// Its last.
    pub to: Duration,
}

impl Bounds {
    /// After `effect` no request may be begun that is decided by older rules; none may fail; and each must be answered
    /// by the upstream that the shipped routes choose for its variant.
    pub fn effect_within(effect: Duration) -> Self {
        Self { effect, routed: true, stale: Vec::new(), failing: Vec::new() }
    }

    /// A fault in `window` keeps new rules away: what was published until its end takes effect within the bound after it.
    #[must_use]
    pub fn stale_in(mut self, window: Window) -> Self {
        self.stale.push(window);
        self
    }

    /// A fault in `window` may end requests that are under way in it.
    #[must_use]
    pub fn failing_in(mut self, window: Window) -> Self {
        self.failing.push(window);
        self
    }

    /// Any upstream may answer: the canary is not always there.
    #[must_use]
    pub fn with_any_upstream(self) -> Self {
        Self { routed: false, ..self }
    }
}

impl Window {
    /// Whether `from` to `to` and this window have a moment in common.
    fn meets(&self, from: Duration, to: Duration) -> bool {
        from <= self.to && self.from <= to
    }
}

/// Whether `history` keeps the promises within `bounds`.
pub fn check(history: &History, bounds: &Bounds) -> Verdict {
    let words = Words::of(history);
    let mut verdict = Verdict { counted: counted(history), ..Verdict::default() };
    growth::on_connections(&words, &mut verdict);
    growth::in_acks(&words, &mut verdict);
    streams::agree(&words, &mut verdict);
    streams::as_decided(&words, bounds.routed, &mut verdict);
    effect::in_time(&words, bounds, &mut verdict);
    failures::none(&words, &bounds.failing, &mut verdict);
    acks::were_published(&words, &mut verdict);
    verdict
}

fn counted(history: &History) -> Counted {
    let connections: HashSet<_> = history.responses.iter().map(|response| response.connection).collect();
    let failed = history.responses.iter().filter(|response| matches!(response.outcome, Outcome::Failed(_)));
    let numbered = history.served().filter(|(_, served)| served.told.revision.is_some());
    Counted {
        published: history.published.len(),
        acks: history.acks.len(),
        connections: connections.len(),
        responses: history.responses.len(),
        failed: failed.count(),
        numbered: numbered.count(),
        ..Counted::default()
    }
}
