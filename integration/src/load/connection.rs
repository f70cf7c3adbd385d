//! The connections of a load.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::Semaphore, time::timeout};

use super::{Failure, Outcome, Record};
use crate::{Seen, access};

/// After this, a request counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many connections all loads of this process opened.
static OPENED: AtomicU32 = AtomicU32::new(0);

/// One keep-alive connection. Its number is never used for another.
struct Connection {
    number: u32,
    streams: u32,
    sender: http1::SendRequest<Empty<Bytes>>,
}

/// The connections that are free, and room for those that are not.
pub(super) struct Pool {
    address: SocketAddr,
    free: Mutex<VecDeque<Connection>>,
    room: Semaphore,
}

impl Pool {
    /// Opens `count` connections to `address`.
    pub(super) async fn open(address: SocketAddr, count: usize) -> io::Result<Self> {
        let pool = Self { address, free: Mutex::default(), room: Semaphore::new(count) };
        for _ in 0..count {
            let connection = pool.connect().await?;
            pool.free.lock().unwrap().push_back(connection);
        }
        Ok(pool)
    }

    /// Sends `request`, the `place`th of its load, as soon as a connection is free, and tells what became of it.
    pub(super) async fn send(&self, request: Request<Empty<Bytes>>, place: usize, due: Instant) -> Record {
        let _room = self.room.acquire().await.expect("the pool is never closed");
        let free = self.free.lock().unwrap().pop_front();
        let connection = match free {
            Some(connection) if !connection.sender.is_closed() => Ok(connection),
            // None, or one that the proxy closed while it was idle, which is its right.
            _ => self.connect().await,
        };
        let sent = Instant::now();
        let begun = |connection, stream, outcome| Record {
            connection,
            stream,
            request: place,
            due,
            sent,
            finished: Instant::now(),
            outcome,
        };
        let Ok(mut connection) = connection else {
            return begun(OPENED.fetch_add(1, Ordering::Relaxed), 0, Err(Failure::Connect));
        };
        let outcome = timeout(PATIENCE, exchange(&mut connection, request)).await.unwrap_or(Err(Failure::Timeout));
        let record = begun(connection.number, connection.streams, outcome);
        connection.streams += 1;
        // After an answer with a body read to its end, whatever its status, the connection is soon ready: a worker that
        // fails keeps its share of the load. Otherwise it is not used again.
        let answered = matches!(record.outcome, Ok(_) | Err(Failure::Status(..)));
        if answered && connection.sender.ready().await.is_ok() {
            self.free.lock().unwrap().push_back(connection);
        }
        record
    }

    async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(driver);
        Ok(Connection { number: OPENED.fetch_add(1, Ordering::Relaxed), streams: 0, sender })
    }
}

async fn exchange(connection: &mut Connection, request: Request<Empty<Bytes>>) -> Result<Outcome, Failure> {
    let answer = connection.sender.send_request(request).await.map_err(|_| Failure::Reset)?;
    let status = answer.status().as_u16();
    let told =
        |name: &str| answer.headers().get(name).map(|told| String::from_utf8_lossy(told.as_bytes()).into_owned());
    let [revision, variant, reason] = ["x-graylane-revision", "x-graylane-variant", "x-graylane-reason"].map(told);
    let body = read(answer).await?;
    if status != 200 {
        return Err(Failure::Status(status, String::from_utf8_lossy(&body).into_owned()));
    }
    let seen: Seen = serde_json::from_slice(&body).map_err(|why| Failure::Body(why.to_string()))?;
    let saw = |name: &str| seen.header(name).first().map(|value| String::from_utf8_lossy(value).into_owned());
    Ok(Outcome {
        flags: saw("x-feature-flags"),
        seen_variant: saw("x-gray-variant"),
        seen_revision: saw("x-graylane-revision"),
        id: saw("x-request-id").as_deref().and_then(access::id),
        revision,
        variant,
        reason,
        upstream: seen.upstream,
    })
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, Failure> {
    let body = answer.into_body().collect().await.map_err(|why| Failure::Body(why.to_string()))?;
    Ok(body.to_bytes())
}

/// `request` for a client that sends no body.
pub(super) fn sendable(request: &crate::Request) -> Request<Empty<Bytes>> {
    let builder = Request::builder().method(request.method()).uri(request.target());
    let builder = request.authority().into_iter().fold(builder, |builder, host| builder.header("host", host));
    let builder = request.headers().fold(builder, |builder, (name, value)| builder.header(name, value));
    builder.body(Empty::new()).expect("the load's requests are valid")
}
