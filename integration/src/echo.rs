//! An upstream that answers with what it saw, at once or as slowly as it is asked to.
//!
//! `/cacheable` is answered with headers that let everybody's caches store it, and with a cookie.
//! `/slow?before=300&ms=500` is answered after 300 ms, with a body that takes 500 ms from its first byte to its last.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::Incoming,
    header,
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{Seen, Value, background::runtime, pieces::Pieces};

/// What `/cacheable` is answered with.
const CACHEABLE: [(&str, &str); 4] = [
    ("cache-control", "public, max-age=60"),
    ("cdn-cache-control", "max-age=60"),
    ("surrogate-control", "max-age=60"),
    ("set-cookie", "own=1"),
];

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An echo running in this process. Dropping it closes its port and every connection at once.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Echo {
    /// Starts an echo called `name` on `address` (`127.0.0.1:0` for a free port).
    ///
    /// # Panics
    /// Where the port is taken.
    pub fn start(name: &str, address: &str) -> Self {
        let bound = runtime().block_on(bind(address));
        let (listener, address) = bound.unwrap_or_else(|why| panic!("echo {name} cannot listen on {address}: {why}"));
        Self { address, serving: runtime().spawn(serve(name.to_owned(), listener)) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.serving.abort();
        // The port is free again only once the task is gone.
        while !self.serving.is_finished() {
            std::thread::yield_now();
        }
    }
}

/// Binds `address` and says what it became.
///
/// # Errors
/// Where it cannot be bound.
pub async fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves for ever. Dropping the future drops every connection.
pub async fn serve(name: String, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(name.clone(), stream))),
                // Out of file descriptors, most likely: let some close.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(name: String, stream: TcpStream) {
    let _without_delay = stream.set_nodelay(true);
    let name = &name;
    let service = service_fn(async move |request| Ok::<_, Infallible>(answer(name, &request).await));
    // Huge headers are part of the tests; Envoy's own bound is 60 KiB. An error here is the client's going away.
    let _gone = http1::Builder::new()
        .max_buf_size(1 << 20)
        .max_headers(200)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(name: &str, request: &Request<Incoming>) -> Response<Body> {
    if request.uri().path() == "/healthz" {
        return Response::new(whole("ok\n".into()));
    }
    let body = serde_json::to_vec(&see(name, request)).expect("strings always serialise");
    let slow = (request.uri().path() == "/slow").then(|| ["before", "ms"].map(|name| asked(request, name)));
    let body = match slow {
        Some([before, over]) => {
            tokio::time::sleep(before).await;
            Pieces::dripping(&body, over).boxed_unsync()
        }
        None => whole(body.into()),
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if request.uri().path() == "/cacheable" {
        let told = CACHEABLE.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        response.headers_mut().extend(told);
    }
    response
}

fn whole(body: Bytes) -> Body {
    Full::from(body).map_err(|never| match never {}).boxed_unsync()
}

/// So many milliseconds; none where they are not asked for.
fn asked(request: &Request<Incoming>, name: &str) -> Duration {
    let pairs = request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(found, _)| *found == name).find_map(|(_, value)| value.parse().ok());
    Duration::from_millis(value.unwrap_or(0))
}

fn see(name: &str, request: &Request<Incoming>) -> Seen {
    let host = request.headers().get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), Value(value.as_bytes().to_vec())));
    Seen {
        upstream: name.to_owned(),
        method: request.method().to_string(),
        path: request.uri().path_and_query().map_or_else(|| request.uri().to_string(), ToString::to_string),
        host,
        headers: headers.collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{Request, Wire};

    #[test]
    fn a_slow_answer_is_whole_and_takes_as_long_as_asked() {
        let echo = Echo::start("slow", "127.0.0.1:0");
        let begin = Instant::now();
        let answer = Wire::open(echo.address()).and_then(|mut wire| {
            wire.write(&Request::get("/slow?before=100&ms=200").bytes())?;
            wire.answer()
        });
        assert_eq!(answer.unwrap().seen().upstream, "slow");
        assert!(begin.elapsed() >= Duration::from_millis(300), "found {:?}", begin.elapsed());
    }
}
