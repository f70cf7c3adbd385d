//! A host in memory for the tests: one Envoy process, in which the test says which VM and root is being called.
//!
//! It behaves as Envoy 1.40 was seen to, where that matters here: a queue has one receiver and outlives it, a
//! compare-and-swap of a key that does not exist always succeeds, each definition of a metric has a new id.
#![cfg_attr(not(test), allow(dead_code, reason = "natively only the tests have a host"))]

pub mod calls;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::Status;

/// What the host remembers; tests read and change it directly.
#[derive(Debug, Default)]
pub struct Host {
    /// The request's headers; None where the host has none to give.
    pub request: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The root that is being configured, or whose stream is being asked about.
    pub root: u32,
    /// The filter state of the request.
    pub state: BTreeMap<String, Vec<u8>>,
    /// Keys that the streams of a root can write once.
    pub declared: BTreeSet<(u32, String)>,
    /// Keys of the filter state that cannot be written again.
    pub constant: BTreeSet<String>,
    /// The trailers of the request.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The headers of the answer being delivered.
    pub response: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body of the answer being delivered.
    pub body: Vec<u8>,
    /// The configuration of the plugin being configured.
    pub configuration: Vec<u8>,
    /// Properties by path.
    pub properties: BTreeMap<String, Vec<u8>>,
    /// Those that were asked for, in order.
    pub properties_asked: Vec<String>,
    /// The VM's environment.
    pub environment: BTreeMap<String, Vec<u8>>,
    /// Shared keys.
    pub shared: BTreeMap<String, (Vec<u8>, u32)>,
    /// Queues: a token is the place here and one more.
    pub queues: Vec<Queue>,
    /// Metrics: an id is the place here.
    pub metrics: Vec<(String, u64)>,
    /// HTTP calls that were sent.
    pub calls: Vec<Call>,
    /// What an HTTP call gets instead of being sent.
    pub call_fails: Option<Status>,
    /// Calls that are refused, by their names here, and with what.
    pub refusals: BTreeMap<&'static str, Status>,
    /// Contexts of the VM being called that are gone.
    pub gone: BTreeSet<u32>,
    /// Lines logged.
    pub log: Vec<String>,
    /// What requests were answered with instead of going on.
    pub answers: Vec<LocalAnswer>,
    /// What answering a request fails with.
    pub answer_fails: Option<Status>,
    /// The monotonic time.
    pub now: Duration,
    /// How much of it passes whenever a VM asks for it: zero, unless something is to be seen waiting for it.
    pub step: Duration,
    /// The wall clock, in seconds since 1970.
    pub unix_time: u64,
    /// How many shared values were read that have 1,000 bytes or more.
    pub large_reads: usize,
    writes: u32,
    random: u64,
}

/// A shared queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// What waits in it.
    pub items: VecDeque<Vec<u8>>,
}

/// An HTTP call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where it went.
    pub cluster: String,
    /// Its headers.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// Its body.
    pub body: Vec<u8>,
    /// When it ends without an answer.
    pub timeout: Duration,
}

/// An answer of the filter's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAnswer {
    /// Its status.
    pub status: u32,
    /// What access logs are told of it.
    pub details: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Call {
    /// The `:path` asked for.
    pub fn path(&self) -> String {
        let path = self.headers.iter().find(|(name, _)| name == b":path").map(|(_, path)| path.as_slice());
        String::from_utf8_lossy(path.unwrap_or_default()).into_owned()
    }
}

impl Host {
    /// The value of the metric `name`, over all its ids.
    pub fn metric(&self, name: &str) -> u64 {
        self.metrics.iter().filter(|(found, _)| found == name).map(|(_, value)| value).sum()
    }

    /// The queue `name`.
    pub fn queue(&mut self, name: &str) -> Option<&mut Queue> {
        self.queues.iter_mut().find(|queue| queue.name == name)
    }

    /// The values of the request header `name`.
    pub fn request_header(&self, name: &str) -> Vec<&[u8]> {
        let headers = self.request.iter().flatten();
        headers.filter(|(found, _)| found == name.as_bytes()).map(|(_, value)| value.as_slice()).collect()
    }

    fn queue_at(&mut self, token: u32) -> Option<&mut Queue> {
        let place = usize::try_from(token).ok()?.checked_sub(1)?;
        self.queues.get_mut(place)
    }
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Reads or changes the host of this thread, which is this test's own.
pub fn host<R>(change: impl FnOnce(&mut Host) -> R) -> R {
    HOST.with(|host| change(&mut host.borrow_mut()))
}
