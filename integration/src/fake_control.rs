//! A control plane that answers the fetcher with whatever a test wants, right or wrong.

mod reply;
mod sealed;
mod serving;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use graylane_rules::Revision;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    background::runtime,
    echo, eventually,
    history::{Ack, Recorder},
};

pub use reply::Reply;
pub(crate) use sealed::in_format;
pub use sealed::{Envelope, sealed};

/// The running fake.
#[derive(Debug)]
pub struct FakeControl {
    address: SocketAddr,
    state: Arc<State>,
    _connections: JoinSet<()>,
}

/// A fetcher's question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The revision it has.
    pub after: Option<Revision>,
    /// The formats that all its VMs read, as it wrote them.
    pub formats: Vec<u16>,
    /// How long it waits for something newer; 0 s for an answer at once.
    pub wait: Duration,
}

#[derive(Debug)]
struct State {
    /// The reply, and how many requests got it.
    reply: watch::Sender<(Reply, u32)>,
    asked: Mutex<Asked>,
    acks: Mutex<serde_json::Value>,
    /// Who is told, and whether this is a spare.
    recorder: Mutex<Option<(Recorder, bool)>>,
}

impl FakeControl {
    /// Starts on a free port.
    pub fn start(first: Reply) -> Self {
        let (listener, address) = runtime().block_on(echo::bind("127.0.0.1:0")).expect("a free port");
        let state = Arc::new(State {
            reply: watch::Sender::new((first, 0)),
            asked: Mutex::default(),
            acks: Mutex::default(),
            recorder: Mutex::default(),
        });
        let mut connections = JoinSet::new();
        connections.spawn_on(serving::accept(listener, state.clone()), runtime().handle());
        Self { address, state, _connections: connections }
    }

    /// Tells `recorder` what good replies publish, the present one included, and every report of the VMs; `spare`:
    /// fetchers ask it only where another control plane does not answer.
    pub fn recorded_by(&self, recorder: &Recorder, spare: bool) {
        *self.state.recorder.lock().unwrap() = Some((recorder.clone(), spare));
        let (reply, _) = &*self.state.reply.borrow();
        self.state.record(reply);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with `reply` from now on; a fetcher that waits is answered at once.
    pub fn reply(&self, reply: Reply) {
        self.state.record(&reply);
        self.state.reply.send_replace((reply, 0));
    }

    /// Waits until the present reply was given to `times` new requests.
    pub fn await_asked(&self, times: u32) {
        eventually("the fetcher to ask", || {
            let asked = self.state.reply.borrow().1;
            if asked >= times { Ok(()) } else { Err(format!("expected {times} requests, found {asked}")) }
        });
    }

    /// What a fetcher asked last.
    pub fn last_asked(&self) -> Asked {
        self.state.asked.lock().unwrap().clone()
    }

    /// Waits until exactly `workers` VMs say that they run `revision`.
    pub fn await_everyone(&self, revision: Revision, workers: usize) {
        let expected = serde_json::Value::from(revision.to_string());
        eventually("every VM to report the revision", || {
            let acks = self.state.acks.lock().unwrap();
            let reported = acks["workers"].as_array().map(Vec::as_slice).unwrap_or_default();
            let all = reported.len() == workers && reported.iter().all(|worker| worker["revision"] == expected);
            if all { Ok(()) } else { Err(format!("expected {workers} on {expected}, found {acks}")) }
        });
    }

    /// The last report of the VMs, as it came.
    pub fn acks(&self) -> serde_json::Value {
        self.state.acks.lock().unwrap().clone()
    }
}

impl State {
    /// Notes what `reply` publishes, before anybody is given it.
    fn record(&self, reply: &Reply) {
        if let Some((recorder, spare)) = &*self.recorder.lock().unwrap() {
            let now = Instant::now();
            for (revision, snapshot) in reply.published() {
                recorder.published_by(*spare, now, revision, snapshot);
            }
        }
    }

    /// Keeps a report of the VMs.
    fn reported(&self, report: serde_json::Value) {
        if let Some((recorder, _)) = &*self.recorder.lock().unwrap() {
            recorder.acked(Instant::now(), Ack::all_in(&report));
        }
        *self.acks.lock().unwrap() = report;
    }
}
