//! The application of the first service: it calls the next one through its own sidecar, and hands the one header on.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use graylane_integration::{Seen, Value, echo};
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::Mutex};

use super::client::{Connection, Route};

/// What one request met: the first service and, unless the test came in behind it, the next one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Met {
    pub first: Option<Seen>,
    pub next: Seen,
}

/// Starts a version called `name`; where its sidecar listens for it is told by `outbound`, later.
pub async fn start(name: &'static str, outbound: Arc<OnceLock<SocketAddr>>) -> SocketAddr {
    let (listener, address) = echo::bind("127.0.0.1:0").await.expect("a free port");
    tokio::spawn(serve(name, listener, outbound));
    address
}

async fn serve(name: &'static str, listener: TcpListener, outbound: Arc<OnceLock<SocketAddr>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let outbound = outbound.clone();
        tokio::spawn(async move {
            // A connection of ours for each of Envoy's: as with a pool, requests on it come one after the other.
            let next = &Mutex::new(None);
            let outbound = &outbound;
            let service =
                service_fn(async move |request| Ok::<_, Infallible>(answer(name, &request, outbound, next).await));
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    name: &str,
    request: &Request<Incoming>,
    outbound: &OnceLock<SocketAddr>,
    next: &Mutex<Option<Connection>>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    // All that takes part in lanes has to do: whatever came under this name, goes on under it.
    let lane = request.headers().get_all("x-gray-variant").iter();
    let lane: Vec<_> = lane
        .map(|value| ("x-gray-variant".to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let host = format!("{}.shop.svc", path.trim_start_matches('/'));
    let route = Route { address: *outbound.get().expect("the sidecar's address"), tls: None, http2: false };
    let mut next = next.lock().await;
    let mut connection = match next.take() {
        Some(connection) => connection,
        None => Connection::open(&route).await.expect("the sidecar listens"),
    };
    let (status, body) = connection.get(&host, path, &lane).await.expect("the sidecar answers");
    *next = Some(connection);
    if status != 200 {
        return Response::builder().status(502).body(Full::from(body)).expect("a response");
    }
    let met = Met { first: Some(see(name, request)), next: serde_json::from_slice(&body).expect("an echo") };
    Response::new(Full::from(serde_json::to_vec(&met).expect("JSON")))
}

fn see(name: &str, request: &Request<Incoming>) -> Seen {
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), Value(value.as_bytes().to_vec())));
    Seen {
        upstream: name.to_owned(),
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        host: None,
        headers: headers.collect(),
    }
}
