//! The fake's side of HTTP.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use graylane_rules::envelope;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Asked, Reply, State};
use crate::pieces::Pieces;

/// How long a request waits for something newer at most: less than the 25 s that the shipped fetcher asks for.
const WAIT: Duration = Duration::from_secs(20);

type Body = BoxBody<Bytes, std::io::Error>;

pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
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
            state.reported(serde_json::from_slice(&body.to_bytes()).unwrap_or_default());
        }
        return Ok(response(204, "text/plain", Vec::new()));
    }
    if path != "/v1/namespaces/default/snapshot" {
        return Ok(response(404, "text/plain", path.into_bytes()));
    }
    let asked = Asked::read(&request);
    state.asked.lock().unwrap().clone_from(&asked);
    let mut number = 0;
    state.reply.send_modify(|(_, asked)| {
        number = *asked as usize;
        *asked += 1;
    });
    Ok(snapshot(&state, number, &asked).await)
}

/// The answer to request `number` of those that get the present reply.
async fn snapshot(state: &State, number: usize, asked: &Asked) -> Response<Body> {
    let mut replies = state.reply.subscribe();
    let deadline = tokio::time::Instant::now() + asked.wait.min(WAIT);
    loop {
        let reply = replies.borrow_and_update().0.at(number).clone();
        match reply {
            Reply::Always { status, media_type, body } => return response(status, media_type, body),
            Reply::Torn(body) => return torn(&body),
            Reply::Drip { body, over } => return dripping(&body, over),
            Reply::Silence => std::future::pending().await,
            Reply::Good { revision, envelope } if asked.wants(revision) => {
                return response(200, envelope::MEDIA_TYPE, envelope);
            }
            Reply::Formats { revision, envelopes } if asked.wants(revision) => {
                let readable = envelopes.into_iter().filter(|(format, _)| asked.formats.contains(format));
                if let Some((_, envelope)) = readable.max_by_key(|(format, _)| *format) {
                    return response(200, envelope::MEDIA_TYPE, envelope);
                }
            }
            Reply::Good { .. } | Reply::Formats { .. } | Reply::InTurn(_) => {}
        }
        if tokio::time::timeout_at(deadline, replies.changed()).await.is_err() {
            return response(204, "text/plain", Vec::new());
        }
    }
}

impl Asked {
    fn read(request: &Request<Incoming>) -> Self {
        let query = |name: &str| {
            let mut pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        let formats = query("formats").unwrap_or_default().split(',').filter_map(|format| format.parse().ok());
        let seconds = query("wait").and_then(|wait| wait.strip_suffix('s')?.parse().ok());
        Self {
            after: query("after").and_then(|after| after.parse().ok()),
            formats: formats.collect(),
            wait: seconds.map_or(WAIT, Duration::from_secs),
        }
    }

    fn wants(&self, revision: graylane_rules::Revision) -> bool {
        self.after.is_none_or(|after| revision > after)
    }
}

fn response(status: u16, media_type: &str, body: Vec<u8>) -> Response<Body> {
    let builder = Response::builder().status(status).header("content-type", media_type);
    builder.body(Full::from(body).map_err(|never| match never {}).boxed()).expect("a valid response")
}

fn torn(body: &[u8]) -> Response<Body> {
    sized(body.len(), Pieces::torn_after(&body[..body.len() / 2]))
}

fn dripping(body: &[u8], over: Duration) -> Response<Body> {
    sized(body.len(), Pieces::dripping(body, over))
}

fn sized(length: usize, body: Pieces) -> Response<Body> {
    let builder = Response::builder().header("content-type", envelope::MEDIA_TYPE).header("content-length", length);
    builder.body(body.boxed()).expect("a valid response")
}
