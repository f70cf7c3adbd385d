//! An open-loop load on one thread, whose requests can be aimed from one listener at another at any moment.
//!
//! It tells which worker of Envoy answered each request: every connection's worker is known, and the workers take
//! turns. Its clock is finer than a millisecond, because the gap between two requests of a worker is the resolution
//! with which a change is seen.

mod connection;
mod driver;

use std::{
    net::TcpStream,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{Request, Seen, eventually, samples};
use driver::Driver;

/// The connections to one listener of Envoy, those of each worker together, and what is asked on them.
pub(crate) struct Lane {
    pub(crate) workers: Vec<Vec<TcpStream>>,
    pub(crate) request: Request,
}

/// How requests are sent, and on which lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Not at all.
    Idle,
    /// So many a second, due at fixed times, whatever became of those before them.
    Open { lane: usize, per_second: f64 },
    /// On each connection as soon as the answer before has come.
    Closed { lane: usize },
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) lane: usize,
    pub(crate) worker: usize,
    /// Its number within the lane.
    pub(crate) connection: usize,
    pub(crate) due: Instant,
    /// When its first byte was about to be sent.
    pub(crate) sent: Instant,
    pub(crate) finished: Instant,
    pub(crate) outcome: Result<Answer, String>,
}

impl Record {
    /// How long it took from when it was due.
    pub(crate) fn latency(&self) -> Duration {
        self.finished.saturating_duration_since(self.due)
    }
}

/// What the upstream said about a request that was answered with 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Which upstream it was.
    pub(crate) upstream: String,
    /// The number in its `x-feature-flags`.
    pub(crate) number: Option<u32>,
}

impl Answer {
    fn read(body: &[u8]) -> Result<Self, String> {
        let seen: Seen = serde_json::from_slice(body).map_err(|why| format!("bad body: {why}"))?;
        let number = match seen.header("x-feature-flags").as_slice() {
            [flags] => std::str::from_utf8(flags).ok().and_then(samples::number),
            _ => None,
        };
        Ok(Self { upstream: seen.upstream, number })
    }
}

/// What the thread that sends and the one that asks share.
#[derive(Debug)]
struct State {
    pace: Pace,
    ended: bool,
    records: Vec<Record>,
    finished: usize,
    /// For each connection of each lane.
    newest: Vec<Vec<Newest>>,
}

/// What a connection last brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newest {
    Nothing,
    Answer(Option<u32>),
    /// It failed, and is not used again.
    Failure,
}

/// A load under way. Dropping it ends it, with whatever is under way.
#[derive(Debug)]
pub(crate) struct Traffic {
    state: Arc<Mutex<State>>,
    sending: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Begins with [`Pace::Idle`].
    pub(crate) fn start(lanes: Vec<Lane>) -> Self {
        let newest = lanes.iter().map(|lane| vec![Newest::Nothing; lane.workers.iter().map(Vec::len).sum()]).collect();
        let state = State { pace: Pace::Idle, ended: false, records: vec![], finished: 0, newest };
        let state = Arc::new(Mutex::new(state));
        let driver = Driver::new(lanes, Arc::clone(&state));
        Self { state, sending: Some(std::thread::spawn(|| driver.run())) }
    }

    /// Sends in this way from now on.
    pub(crate) fn set(&self, pace: Pace) {
        self.state.lock().unwrap().pace = pace;
    }

    /// What was finished since this was last asked, in the order in which it was.
    pub(crate) fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.state.lock().unwrap().records)
    }

    /// Waits until `count` more requests are finished than now.
    pub(crate) fn await_more(&self, count: usize) {
        let until = self.state.lock().unwrap().finished + count;
        eventually("requests of the load to finish", || {
            let finished = self.state.lock().unwrap().finished;
            (finished >= until).then_some(()).ok_or_else(|| format!("expected {until}, found {finished}"))
        });
    }

    /// Waits until the last answer on every connection of `lane` that still lives had `number`. A connection carries
    /// one request at a time, so no older answer is under way then.
    ///
    /// # Panics
    /// Where that never happens, or no connection lives.
    pub(crate) fn await_number(&self, lane: usize, number: u32) {
        eventually("the new value on every connection", || {
            let state = self.state.lock().unwrap();
            let alive = state.newest[lane].iter().filter(|newest| **newest != Newest::Failure);
            let (on_it, others): (Vec<&_>, Vec<_>) = alive.partition(|newest| **newest == Newest::Answer(Some(number)));
            let everyone = !on_it.is_empty() && others.is_empty();
            everyone.then_some(()).ok_or_else(|| format!("found {} on n={number}, and {others:?}", on_it.len()))
        });
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        if let Ok(mut state) = self.state.lock() {
            state.ended = true;
        }
        if let Some(sending) = self.sending.take() {
            let _panicked = sending.join();
        }
    }
}
