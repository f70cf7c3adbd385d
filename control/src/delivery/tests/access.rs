//! Every route, asked by everybody.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::access::{Caller, Callers, Digest, Peer, Role, Route, callers::Credential};

/// A caller of each role, whose token is its role's name, and whose certificate is `spiffe://a/ROLE`.
fn door() -> Arc<Door> {
    let caller = |role: Role| Caller { name: format!("the-{}", role.name()), role };
    let token = |role: Role| (caller(role), Credential::Token(Digest::of(role.name().as_bytes())));
    let certificate = |role: Role| (caller(role), Credential::Certificate(format!("spiffe://a/{}", role.name())));
    Arc::new(Door::of(
        Callers::of(Role::ALL.into_iter().flat_map(|role| [token(role), certificate(role)]).collect()),
        0,
    ))
}

/// Status, headers and body of what `route` answers to whoever sends this authorization and has these names.
async fn asked(route: &Route, authorization: Option<&str>, names: Option<&[&str]>) -> Response<Body> {
    let namespace = namespace();
    publish(&namespace, "a");
    // Nobody reads a directory here, and nobody waits for it.
    drop(namespace.orders());
    let path = route.path.replace("{namespace}", "default");
    let mut request = Request::builder().method(route.method.clone()).uri(path);
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(names) = names {
        let names = Some(names.iter().map(|&name| name.to_owned()).collect());
        request.extensions_mut().insert(Peer { address: "127.0.0.1".parse().unwrap(), names });
    }
    super::super::app(namespace, door()).oneshot(request).await.unwrap()
}

#[tokio::test]
async fn every_route_is_for_those_whose_role_is_enough_and_nobody_else() {
    let routes = routes();
    assert!(routes.table().len() >= 8);
    for route in routes.table() {
        for role in Role::ALL {
            let (bearer, name) = (format!("Bearer {}", role.name()), format!("spiffe://a/{}", role.name()));
            for answer in [asked(route, Some(&bearer), None).await, asked(route, None, Some(&["x", &name])).await] {
                let status = answer.status();
                let let_in = status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED;
                assert_eq!(let_in, role.may(route.need), "{route:?} {role:?} {status}");
                assert!(let_in || status == StatusCode::FORBIDDEN, "{route:?} {role:?} {status}");
            }
        }
        for (authorization, names) in [
            (None, None),
            (None, Some(&[][..])),
            (None, Some(&["spiffe://a/nobody"][..])),
            (None, Some(&["spiffe://a/operator", "spiffe://a/reader"][..])),
            (Some("Bearer nobody"), None),
            // A wrong token is not made good by a right certificate.
            (Some("Bearer nobody"), Some(&["spiffe://a/operator"][..])),
            (Some("Bearer "), None),
            (Some("Bearer"), None),
            (Some("Basic b3BlcmF0b3I6"), None),
            (Some("operator"), None),
            (Some("Bearer operator operator"), None),
        ] {
            let answer = asked(route, authorization, names).await;
            let expected = route.need != Need::Nobody;
            assert_eq!(answer.status() == StatusCode::UNAUTHORIZED, expected, "{route:?} {authorization:?} {names:?}");
            let challenge = answer.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
            assert_eq!(challenge.is_some_and(|value| value.starts_with("Bearer realm=\"graylane\"")), expected);
        }
    }
}

async fn told(answer: Response<Body>) -> (u16, String) {
    let (head, body) = answer.into_parts();
    assert_eq!(head.headers[header::CONTENT_TYPE], "application/problem+json");
    let problem: Value = serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
    (head.status.as_u16(), problem["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_refusal_says_what_would_be_right_and_repeats_no_token() {
    let routes = routes();
    let reload = routes.table().iter().find(|route| route.need == Need::Operate).unwrap();
    for (authorization, names, code, said) in [
        (None, None, 401, "found no credentials, expected a token of a caller, as `authorization: Bearer TOKEN`, or a"),
        (Some("Bearer s3cret"), None, 401, "found a token that no caller has, expected a token of a caller"),
        (Some("Basic s3cret"), None, 401, "found an authorization that has no token, expected a token of a caller"),
        (
            None,
            Some(&["spiffe://a/b"][..]),
            401,
            "found a certificate of \"spiffe://a/b\", which no caller is, expected",
        ),
        (None, Some(&[][..]), 401, "found a certificate of nobody (neither a URI nor a DNS name), which no caller is"),
        (
            Some("Bearer reader"),
            None,
            403,
            "found the caller \"the-reader\", a reader, expected a caller of the role operator",
        ),
    ] {
        let (status, detail) = told(asked(reload, authorization, names).await).await;
        assert_eq!(status, code);
        assert!(detail.starts_with(said) && !detail.contains("s3cret"), "{detail}");
    }
}

#[tokio::test]
async fn what_is_no_route_is_told_to_callers_alone() {
    let route = |method: &str, path: &'static str| Route {
        method: method.parse().unwrap(),
        path,
        need: Need::Read,
        body: Duration::from_secs(30),
        is_page: false,
        is_chore: false,
    };
    assert_eq!(told(asked(&route("GET", "/v2"), None, None).await).await.0, 401);
    assert_eq!(told(asked(&route("GET", "/v2"), Some("Bearer fetcher"), None).await).await.0, 404);
    let snapshot = route("DELETE", "/v1/namespaces/{namespace}/snapshot");
    assert_eq!(told(asked(&snapshot, None, None).await).await.0, 401);
    let answer = asked(&snapshot, Some("Bearer operator"), None).await;
    assert_eq!(answer.headers()[header::ALLOW], "GET,HEAD");
    assert_eq!(told(answer).await.0, 405);
    // Whoever asks what it would be answered takes no backup for that.
    for chore in ["backup", "verify"].map(|chore| format!("/v1/namespaces/{{namespace}}/{chore}").leak()) {
        let answer = asked(&route("HEAD", chore), Some("Bearer operator"), None).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()[header::ALLOW], "GET");
    }
    let head = route("HEAD", "/metrics");
    assert_eq!(asked(&head, None, None).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(asked(&head, Some("Bearer reader"), None).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_handler_that_is_in_no_table_answers_nobody() {
    let hidden = Router::new().route("/hidden", axum::routing::get(async || "open"));
    let guard = Guard { door: Arc::default(), refusals: namespace().metrics.refusals.clone() };
    let router = crate::access::Routes::beside(hidden).guarded(guard, async || "none");
    let request = Request::get("/hidden").body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn callers_that_ask_too_often_are_told_when_to_come_again() {
    let callers = vec![(Caller { name: "a".to_owned(), role: Role::Reader }, Credential::Token(Digest::of(b"a")))];
    let (namespace, door) = (namespace(), Arc::new(Door::of(Callers::of(callers), 1)));
    let app = super::super::app(Arc::clone(&namespace), door);
    let ask = async |authorization: &str, address: &str, path: &str| {
        let request = Request::get(path).header(header::AUTHORIZATION, authorization);
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer { address: address.parse().unwrap(), names: None });
        app.clone().oneshot(request).await.unwrap()
    };
    for _ in 0..4 {
        assert_eq!(ask("Bearer a", "10.0.0.1", "/metrics").await.status(), StatusCode::OK);
        assert_eq!(ask("Bearer b", "10.0.0.1", "/metrics").await.status(), StatusCode::UNAUTHORIZED);
    }
    for wrong_or_right in ["Bearer a", "Bearer b"] {
        let answer = ask(wrong_or_right, "10.0.0.1", "/metrics").await;
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        let (status, detail) = told(answer).await;
        assert_eq!(status, 429);
        assert!(detail.starts_with("found more requests than may come from one caller and address, expected the next"));
    }
    assert_eq!(ask("Bearer a", "10.0.0.2", "/metrics").await.status(), StatusCode::OK);
    assert_eq!(ask("Bearer a", "10.0.0.1", "/healthz").await.status(), StatusCode::OK);
    let metrics = crate::delivery::metrics::text(&namespace);
    assert!(metrics.contains("refusals_total{reason=\"rate\"} 2\n"), "{metrics}");
    assert!(metrics.contains("refusals_total{reason=\"unknown-token\"} 4\n"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_waited_for_but_not_for_ever() {
    let namespace = namespace();
    let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
    let start = tokio::time::Instant::now();
    let (status, response) = ask(&namespace, "POST", "~/acks", body).await;
    assert_eq!((status.as_u16(), start.elapsed()), (408, Duration::from_secs(30)));
    assert!(String::from_utf8_lossy(response.body()).contains("found a body that did not end within 30s, expected"));
}

#[tokio::test]
async fn a_browser_gives_a_token_as_a_password_for_pages_alone() {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let routes = routes();
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    let pages: Vec<_> = routes.table().iter().filter(|route| route.is_page).collect();
    assert!(
        pages.len() == 6
            && pages.iter().all(|route| (&route.method, route.need) == (&axum::http::Method::GET, Need::Read))
    );
    for route in routes.table().iter().filter(|route| route.need != Need::Nobody) {
        let status = async |pair: &str| asked(route, Some(&basic(pair)), None).await.status();
        let (right, wrong) = (status("ann:operator").await, status("operator:no").await);
        assert_eq!((right == StatusCode::UNAUTHORIZED, wrong), (!route.is_page, StatusCode::UNAUTHORIZED), "{route:?}");
        let answer = asked(route, None, None).await;
        let asks: Vec<_> = answer.headers().get_all(header::WWW_AUTHENTICATE).iter().collect();
        assert_eq!(asks.len(), if route.is_page { 2 } else { 1 }, "{route:?}: {asks:?}");
    }
    for odd in ["Basic", "Basic ", "Basic !!", &basic("operator"), &basic("ann:"), "Bearer ", "basic x"] {
        assert_eq!(asked(pages[0], Some(odd), None).await.status(), StatusCode::UNAUTHORIZED, "{odd}");
    }
}
