//! What happened in a run, and whether the promises were kept in it.
//!
//! A [`Recorder`] is given every publication, every ack of a VM, every request with its answer and every line of the
//! access log while they happen; [`check`] proves the promises on the [`History`] afterwards.

mod ack;
mod asked;
mod check;
mod names;
mod recorder;
mod sighting;
mod verdict;
mod witness;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use graylane_rules::{Revision, Snapshot};

use crate::Request;

pub use ack::{Ack, Worker};
pub use check::{Bounds, Window, check};
pub use names::{Name, Names};
pub use recorder::Recorder;
pub use sighting::{Told, Upstream};
pub use verdict::{Counted, Promise, Verdict, Violation};
pub(crate) use witness::Witness;

/// How soon a publication has to take effect in a test: generous, since machines that run tests are busy. How soon it usually
/// is, `make race` measures.
pub const BOUND: Duration = Duration::from_secs(2);

/// Everything that was recorded. All times are since the recorder's beginning, by one clock.
///
/// A response takes some 200 bytes, so that hundreds of thousands of them are no matter.
#[derive(Debug, Default)]
pub struct History {
    /// What was published, in the order in which it was seen.
    pub published: Vec<Published>,
    /// What VMs said that they run, in the order in which it was heard.
    pub acks: Vec<Ack>,
    /// The requests that were sent, each once.
    pub requests: Vec<Request>,
    /// Each time one of them was sent, in the order in which they ended.
    pub responses: Vec<Response>,
    /// What the access log says about a request, by its `x-request-id`.
    pub log: HashMap<u128, Told>,
    /// The rules that the plugin configuration embeds, if it does.
    pub embedded: Option<Snapshot>,
    /// The names that responses refer to.
    pub names: Names,
    places: BTreeMap<Vec<u8>, usize>,
}

/// A revision that may be served from a moment on.
#[derive(Debug)]
pub struct Published {
    /// The moment before which nobody can have it: the file was not renamed yet, the reply not given.
    pub at: Duration,
    /// Its number.
    pub revision: Revision,
    /// Its rules.
    pub snapshot: Snapshot,
    /// Only a control plane published it that no fetcher needs to have asked: it may be served, and need not.
    pub spare: bool,
}

/// A request that was sent once, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// The connection, whose number belongs to no other of this process. All its requests are one worker's.
    pub connection: u32,
    /// Which request of its connection it was, from 0.
    pub stream: u32,
    /// Which of [`History::requests`] was sent.
    pub request: usize,
    /// When it was due.
    pub due: Duration,
    /// When it was sent.
    pub begin: Duration,
    /// When its answer was complete, or its failure known.
    pub end: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// It was answered with 200.
    Served(Served),
    /// Anything else, in words.
    Failed(Name),
}

/// An answer, seen from both sides of the proxy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served {
    /// Envoy's `x-request-id`, by which the access log is found; 0 where there was none.
    pub id: u128,
    /// What the upstream saw when the stream began.
    pub upstream: Upstream,
    /// What the headers of the response say.
    pub told: Told,
}

impl History {
    /// Adds a revision that may be served from `at` on, and must be within the bound.
    pub fn publish(&mut self, at: Duration, revision: Revision, snapshot: Snapshot) {
        self.published.push(Published { at, revision, snapshot, spare: false });
    }

    /// Proves the promises on it.
    ///
    /// # Panics
    /// Where one was broken, or fewer than `count` requests were held to them.
    pub fn assert_kept(&self, bounds: &Bounds, count: usize) -> Verdict {
        let verdict = check(self, bounds);
        println!("{verdict}");
        verdict.assert_kept();
        assert!(verdict.counted.numbered >= count, "{verdict}");
        verdict
    }

    /// The place of `request` among [`History::requests`], where it is put if it is not there yet.
    pub fn place(&mut self, request: &Request) -> usize {
        let next = self.requests.len();
        let place = *self.places.entry(request.bytes()).or_insert(next);
        if place == next {
            self.requests.push(request.clone());
        }
        place
    }

    /// The newest revision that was published.
    pub fn newest(&self) -> Option<Revision> {
        self.published.iter().map(|published| published.revision).max()
    }

    /// How many requests were not answered with 200.
    pub fn failed(&self) -> usize {
        self.responses.iter().filter(|response| matches!(response.outcome, Outcome::Failed(_))).count()
    }

    /// The answers, each with its request.
    pub fn served(&self) -> impl Iterator<Item = (&Response, &Served)> {
        self.responses.iter().filter_map(|response| match &response.outcome {
            Outcome::Served(served) => Some((response, served)),
            Outcome::Failed(_) => None,
        })
    }
}
