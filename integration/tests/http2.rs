//! Over HTTP/2 as over HTTP/1: decided by the same rules, and no owned header of a client gets through.

use bytes::Bytes;
use graylane_integration::{Mesh, Seen, samples};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// What the shipped configuration has besides the filter, and must not be needed.
const SECOND_LINE: [&str; 2] = [
    "headers_with_underscores_action: DROP_HEADER",
    "internal_only_headers: [x-gray-variant, x-feature-flags, x-gray-experiment, x-gray-evaluated-at, x-gray-switches]",
];

/// Sends requests with these headers over one connection; gives what the upstreams saw.
async fn exchange(address: std::net::SocketAddr, requests: &[&[(&str, &str)]]) -> Vec<Seen> {
    let socket = TcpStream::connect(address).await.expect("Envoy accepts connections");
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.expect("Envoy speaks HTTP/2");
    tokio::spawn(connection);
    let mut seen = Vec::new();
    for headers in requests {
        let request = Request::get("http://shop.example.com/");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = sender.send_request(request.body(Empty::<Bytes>::new()).expect("a request")).await;
        let body = answer.expect("an answer").into_body().collect().await.expect("a whole answer").to_bytes();
        seen.push(serde_json::from_slice(&body).expect("what the upstream saw"));
    }
    seen
}

#[test]
fn requests_are_decided_and_owned_headers_are_stripped() {
    let rules = samples::header_to_canary("gray");
    let mesh = SECOND_LINE.into_iter().fold(Mesh::new("http2").rules(&rules), Mesh::without).start();
    let requests: [&[(&str, &str)]; 4] = [
        &[],
        &[("x-env", "gray")],
        &[("x-gray-variant", "canary"), ("x-gray-variant", "stable"), ("x_gray_variant", "canary")],
        &[("x-env", "gray"), ("x-gray-variant", "stable"), ("x-gray_variant", "stable"), ("x-feature-flags", "all")],
    ];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let seen = runtime.block_on(exchange(mesh.envoy().address(), &requests));
    let upstreams: Vec<_> = seen.iter().map(|seen| seen.upstream.as_str()).collect();
    assert_eq!(upstreams, ["stable", "canary", "stable", "canary"]);
    for seen in &seen {
        assert_eq!(seen.text("x-gray-variant"), Some(seen.upstream.as_str()), "{seen:?}");
        for twin in ["x_gray_variant", "x-gray_variant", "x-feature-flags"] {
            assert!(seen.header(twin).is_empty(), "{seen:?}");
        }
    }
}
