//! A control plane that answers the fetcher with whatever a test wants, right or wrong.

mod reply;
mod torn;

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use graylane_rules::{Revision, envelope};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{background::runtime, echo, eventually};

pub use reply::{Reply, sealed};
use torn::Torn;

/// How long a request waits for something newer: less than the 25 s that the shipped fetcher asks for.
const WAIT: Duration = Duration::from_secs(20);

type Body = BoxBody<Bytes, std::io::Error>;

/// The running fake.
#[derive(Debug)]
pub struct FakeControl {
    address: SocketAddr,
    state: Arc<State>,
    _connections: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    reply: watch::Sender<(Reply, u32)>,
    acks: Mutex<serde_json::Value>,
}

impl FakeControl {
    /// Starts on a free port.
    pub fn start(first: Reply) -> Self {
        let (listener, address) = runtime().block_on(echo::bind("127.0.0.1:0")).expect("a free port");
        let state = Arc::new(State { reply: watch::Sender::new((first, 0)), acks: Mutex::default() });
        let mut connections = JoinSet::new();
        connections.spawn_on(accept(listener, state.clone()), runtime().handle());
        Self { address, state, _connections: connections }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with `reply` from now on; a fetcher that waits is answered at once.
    pub fn reply(&self, reply: Reply) {
        self.state.reply.send_replace((reply, 0));
    }

    /// Waits until the present reply was given to `times` new requests.
    pub fn await_asked(&self, times: u32) {
        eventually("the fetcher to ask", || {
            let asked = self.state.reply.borrow().1;
            if asked >= times { Ok(()) } else { Err(format!("expected {times} requests, found {asked}")) }
        });
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

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(state.clone(), request));
            // A torn body is an error here, and meant.
            let _meant = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/acks") {
        if let Ok(body) = request.into_body().collect().await {
            let reported = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
            *state.acks.lock().unwrap() = reported;
        }
        return Ok(response(204, "text/plain", Vec::new()));
    }
    if path != "/v1/namespaces/default/snapshot" {
        return Ok(response(404, "text/plain", path.into_bytes()));
    }
    state.reply.send_modify(|(_, asked)| *asked += 1);
    let after = query(&request, "after").and_then(|after| after.parse().ok());
    Ok(snapshot(&state, after).await)
}

async fn snapshot(state: &State, after: Option<Revision>) -> Response<Body> {
    let mut replies = state.reply.subscribe();
    let deadline = tokio::time::Instant::now() + WAIT;
    loop {
        let reply = replies.borrow_and_update().0.clone();
        match reply {
            Reply::Always { status, media_type, body } => return response(status, media_type, body),
            Reply::Torn(body) => return torn(&body),
            Reply::Silence => std::future::pending().await,
            Reply::Good { revision, envelope } if after.is_none_or(|after| revision > after) => {
                return response(200, envelope::MEDIA_TYPE, envelope);
            }
            Reply::Good { .. } => {}
        }
        if tokio::time::timeout_at(deadline, replies.changed()).await.is_err() {
            return response(204, "text/plain", Vec::new());
        }
    }
}

fn query<'a>(request: &'a Request<Incoming>, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()
}

fn response(status: u16, media_type: &str, body: Vec<u8>) -> Response<Body> {
    let builder = Response::builder().status(status).header("content-type", media_type);
    builder.body(Full::from(body).map_err(|never| match never {}).boxed()).expect("a valid response")
}

fn torn(body: &[u8]) -> Response<Body> {
    let builder = Response::builder().header("content-type", envelope::MEDIA_TYPE);
    let builder = builder.header("content-length", body.len());
    builder.body(Torn::after(&body[..body.len() / 2]).boxed()).expect("a valid response")
}
