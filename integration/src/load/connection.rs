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

use super::{Failure, Load, Outcome, Record};
use crate::Seen;

/// After this, a request counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// One keep-alive connection. Its number is never used for another.
struct Connection {
    number: u32,
    sender: http1::SendRequest<Empty<Bytes>>,
}

/// The connections that are free, and room for those that are not.
pub(super) struct Pool {
    address: SocketAddr,
    free: Mutex<VecDeque<Connection>>,
    room: Semaphore,
    opened: AtomicU32,
}

impl Pool {
    /// Opens `count` connections to `address`.
    pub(super) async fn open(address: SocketAddr, count: usize) -> io::Result<Self> {
        let pool = Self { address, free: Mutex::default(), room: Semaphore::new(count), opened: AtomicU32::new(0) };
        for _ in 0..count {
            let connection = pool.connect().await?;
            pool.free.lock().unwrap().push_back(connection);
        }
        Ok(pool)
    }

    /// Sends one request, as soon as a connection is free, and tells what became of it.
    pub(super) async fn send(&self, load: &Load, due: Instant) -> Record {
        let _room = self.room.acquire().await.expect("the pool is never closed");
        let free = self.free.lock().unwrap().pop_front();
        let connection = match free {
            Some(connection) if !connection.sender.is_closed() => Ok(connection),
            // None, or one that the proxy closed while it was idle, which is its right.
            _ => self.connect().await,
        };
        let sent = Instant::now();
        let Ok(mut connection) = connection else {
            let number = self.opened.load(Ordering::Relaxed);
            return Record { connection: number, due, sent, finished: Instant::now(), outcome: Err(Failure::Connect) };
        };
        let outcome = timeout(PATIENCE, exchange(&mut connection, load)).await.unwrap_or(Err(Failure::Timeout));
        let record = Record { connection: connection.number, due, sent, finished: Instant::now(), outcome };
        // After an answer with a body read to its end the connection is soon ready; after a failure it is not used again.
        if record.outcome.is_ok() && connection.sender.ready().await.is_ok() {
            self.free.lock().unwrap().push_back(connection);
        }
        record
    }

    async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(driver);
        Ok(Connection { number: self.opened.fetch_add(1, Ordering::Relaxed), sender })
    }
}

async fn exchange(connection: &mut Connection, load: &Load) -> Result<Outcome, Failure> {
    let answer = connection.sender.send_request(request(load)).await.map_err(|_| Failure::Reset)?;
    let status = answer.status().as_u16();
    let body = read(answer).await?;
    if status != 200 {
        return Err(Failure::Status(status, String::from_utf8_lossy(&body).into_owned()));
    }
    let seen: Seen = serde_json::from_slice(&body).map_err(|why| Failure::Body(why.to_string()))?;
    let flags = seen.header("x-feature-flags").first().map(|flags| String::from_utf8_lossy(flags).into_owned());
    Ok(Outcome { upstream: seen.upstream, flags })
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, Failure> {
    let body = answer.into_body().collect().await.map_err(|why| Failure::Body(why.to_string()))?;
    Ok(body.to_bytes())
}

fn request(load: &Load) -> Request<Empty<Bytes>> {
    let builder = Request::get(&load.target).header("host", "shop.example.com");
    let builder = load.headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    builder.body(Empty::new()).expect("the load's target and headers are valid")
}
