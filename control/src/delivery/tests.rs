//! The HTTP interface, without a socket.

use std::time::{Duration, Instant};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Request, Response, header},
};
use graylane_rules::{Format, Revision, SNAPSHOT_FORMAT, SNAPSHOT_FORMATS, Snapshot, envelope};
use serde_json::{Value, json};
use tower::ServiceExt as _;

mod access;
mod events;
mod memory;
mod signed;
mod standing;

use super::*;
use crate::{
    clock::Clock,
    documents::{self, Document, Gathered},
    keys::Keyring,
    publication::Content,
    sealer::Sealer,
};

const EPOCH: u64 = 7;

/// The interface where nobody is asked who he is.
fn app(namespace: Arc<Namespace>) -> Router {
    super::app(namespace, Arc::default())
}

fn snapshot(variant: &str) -> Snapshot {
    let text = format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\n\
         spec: {{variants: [{variant}], default: {variant}, rules: []}}\n"
    );
    let document = Document { file: "shop.yaml".to_owned(), format: Format::Yaml, text: text.into_bytes() };
    let mut gathered = Gathered::default();
    gathered.documents.push(document);
    documents::compiled(&gathered, &[]).unwrap().snapshot
}

fn namespace() -> Arc<Namespace> {
    signing(Keyring::default(), Duration::from_secs(1), Clock::system())
}

fn signing(keyring: Keyring, valid_for: Duration, clock: Clock) -> Arc<Namespace> {
    Arc::new(Namespace::new("default", EPOCH, Sealer::new(keyring, valid_for), clock))
}

/// Publishes a rule set whose only variant is `variant`; whether that is something new.
fn publish(namespace: &Namespace, variant: &str) -> bool {
    namespace.publish(snapshot(variant), Content::default(), Instant::now()).is_some()
}

/// Asks the interface; `~` in `uri` stands for the namespace.
async fn ask(
    namespace: &Arc<Namespace>,
    method: &str,
    uri: &str,
    body: impl Into<Body>,
) -> (StatusCode, Response<Bytes>) {
    let uri = uri.replace('~', "/v1/namespaces/default");
    let request = Request::builder().method(method).uri(uri).header(header::CONTENT_TYPE, "application/json");
    let request = request.body(body.into()).unwrap();
    let (parts, body) = app(Arc::clone(namespace)).oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, Response::from_parts(parts, body))
}

async fn get(namespace: &Arc<Namespace>, uri: &str) -> (u16, Bytes) {
    let (status, response) = ask(namespace, "GET", uri, "").await;
    (status.as_u16(), response.into_body())
}

async fn status(namespace: &Arc<Namespace>) -> Value {
    serde_json::from_slice(&get(namespace, "~/status").await.1).unwrap()
}

#[tokio::test]
async fn what_is_published_is_delivered_to_whoever_has_less() {
    let namespace = namespace();
    assert_eq!(get(&namespace, "~/snapshot").await, (204, Bytes::new()));
    assert_eq!(get(&namespace, "/readyz").await.0, 503);
    assert!(publish(&namespace, "a"));
    assert!(!publish(&namespace, "a"), "the same again is nothing new");
    assert!(publish(&namespace, "b"));

    let (_, response) = ask(&namespace, "GET", "~/snapshot?after=7.1&formats=3%2C2&wait=25s", "").await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], envelope::MEDIA_TYPE);
    let (head, bytes) = envelope::open(response.body()).unwrap();
    assert_eq!((head.revision(), head.namespace.as_str()), (Revision { epoch: EPOCH, number: 2 }, "default"));
    assert_eq!(bytes, snapshot("b").bytes());
    assert_eq!(get(&namespace, "~/snapshot?after=7.2&wait=0s").await, (204, Bytes::new()));
    assert_eq!(get(&namespace, "~/snapshot?after=8.1").await.0, 204);
    assert_eq!(get(&namespace, "~/snapshot?after=6.900").await.0, 200);
    assert_eq!((get(&namespace, "/readyz").await.0, get(&namespace, "/healthz").await.0), (200, 200));
}

/// Starts a long poll and returns once it waits.
async fn waiting_poll(namespace: &Arc<Namespace>, after: &str) -> tokio::task::JoinHandle<(u16, Bytes)> {
    let (before, uri) = (namespace.waiting(), format!("~/snapshot?after={after}&wait=60s"));
    let poll = tokio::spawn({
        let namespace = Arc::clone(namespace);
        async move { get(&namespace, &uri).await }
    });
    while namespace.waiting() == before {
        tokio::task::yield_now().await;
    }
    poll
}

#[tokio::test]
async fn a_long_poll_wakes_for_something_newer_and_when_serving_ends() {
    let namespace = namespace();
    publish(&namespace, "a");
    let poll = waiting_poll(&namespace, "7.1").await;
    assert_eq!(status(&namespace).await["waiting"], 1);
    publish(&namespace, "b");
    assert_eq!(poll.await.unwrap().0, 200);
    let poll = waiting_poll(&namespace, "7.2").await;
    namespace.drain();
    assert_eq!(poll.await.unwrap().0, 204);
    assert_eq!(namespace.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_after_its_wait_and_a_dropped_one_is_not_counted() {
    let namespace = namespace();
    let start = tokio::time::Instant::now();
    assert_eq!(get(&namespace, "~/snapshot?wait=25s").await.0, 204);
    assert_eq!(start.elapsed(), Duration::from_secs(25));
    let poll = waiting_poll(&namespace, "1.1").await;
    poll.abort();
    assert!(poll.await.is_err());
    assert_eq!(namespace.waiting(), 0);
}

#[tokio::test]
async fn every_format_has_the_same_revision() {
    let namespace = namespace();
    publish(&namespace, "a");
    let get = async |formats: &str| get(&namespace, &format!("~/snapshot?formats={formats}")).await.1;
    for &format in SNAPSHOT_FORMATS {
        let body = get(&format!("9,{format}")).await;
        let (head, bytes) = envelope::open(&body).unwrap();
        assert_eq!((head.format, head.revision()), (format, Revision { epoch: EPOCH, number: 1 }));
        assert_eq!(bytes, snapshot("a").in_format(format).unwrap());
        assert_eq!(get(&format.to_string()).await, body, "sealed once");
    }
    let (newest, _) = envelope::open(&get("1,2,3").await).map(|(head, bytes)| (head.format, bytes.len())).unwrap();
    assert_eq!(newest, SNAPSHOT_FORMAT);
}

#[tokio::test]
async fn every_refusal_is_a_problem_that_says_what_would_be_right() {
    let namespace = namespace();
    let long = "x".repeat(BODY_LIMIT + 1);
    for (method, uri, body, code, detail) in [
        ("GET", "~/snapshot?wait=2m", "", 400, "wait: found \"2m\", expected a duration up to 60s"),
        ("GET", "~/snapshot?after=%ff", "", 400, "after: found"),
        ("GET", "~/snapshot?formats=9", "", 406, "formats: found none that is served, expected "),
        ("GET", "/v1/namespaces/other/snapshot", "", 404, "found the namespace \"other\", expected \"default\""),
        ("GET", "/v1/namespaces/other/status", "", 404, "found the namespace"),
        ("POST", "/v1/namespaces/other/acks", "{}", 404, "found the namespace"),
        (
            "POST",
            "~/acks",
            "{}",
            400,
            "line 1, column 2: found JSON that does not fit (missing field `node`), expected {",
        ),
        ("POST", "~/acks", &long, 413, "found a longer body, expected a whole one of at most 1048576 bytes"),
        ("GET", "/v2", "", 404, "found the path \"/v2\", expected one under"),
        ("DELETE", "~/status", "", 405, "found the method DELETE, expected"),
        ("GET", "/readyz", "", 503, "found nothing published, expected"),
    ] {
        let (status, response) = ask(&namespace, method, uri, body.to_owned()).await;
        assert_eq!(
            (status.as_u16(), &response.headers()[header::CONTENT_TYPE]),
            (code, &"application/problem+json".parse().unwrap()),
            "{uri}"
        );
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        let said = problem["detail"].as_str().unwrap();
        assert!(problem["status"] == code && said.starts_with(detail), "{method} {uri}: {problem}");
    }
}

#[tokio::test]
async fn a_form_of_a_web_page_is_no_report() {
    let namespace = namespace();
    let request = Request::builder().method("POST").uri("/v1/namespaces/default/acks");
    let request = request.header(header::CONTENT_TYPE, "text/plain").body(Body::from("{}")).unwrap();
    let answer = app(Arc::clone(&namespace)).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn what_no_handler_refuses_is_a_problem_as_well() {
    let namespace = namespace();
    for path in ["/v1/namespaces/%ff/status", "/v1/namespaces/%ff/snapshot", "~/revisions/%ff"] {
        let (status, response) = ask(&namespace, "GET", path, "").await;
        assert_eq!(
            (status.as_u16(), response.headers()[header::CONTENT_TYPE].as_bytes()),
            (400, &b"application/problem+json"[..])
        );
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("found the path \"/") && detail.ends_with("expected UTF-8, percent-encoded"),
            "{detail}"
        );
    }
}
