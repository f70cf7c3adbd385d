//! `issueCookie` and `sticky` behind a real Envoy: a cookie comes with a response that no shared cache may store, over
//! HTTP/1 and HTTP/2, and without one nothing about a response is changed.

use std::collections::BTreeSet;

use bytes::Bytes;
use graylane_integration::{Answer, Mesh, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};

const RULES: &str = "\
apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: checkout}
spec:
  variants: [stable, canary]
  default: stable
  identity:
    from: [{header: x-user-id}, {issueCookie: {name: gl_id, maxAge: 30d}}]
    sticky: {firstSeen: {cookie: gl_first, maxAge: 1h}}
  splits:
    half: {weights: {stable: 50, canary: 50}}
  rules:
    - {id: half, split: half}
";

/// What a cache that others share is told where a cookie is set.
const UNSHARED: &str = "private, no-store";
const CACHE_HEADERS: [&str; 3] = ["cache-control", "cdn-cache-control", "surrogate-control"];

fn navigation(path: &str) -> Request {
    Request::get(path).header("sec-fetch-mode", "navigate")
}

/// Name and value of each cookie that is set, in order.
fn cookies(set: &[String]) -> Vec<(String, String)> {
    let pair = |cookie: &String| {
        let (name, value) = cookie.split(';').next().unwrap_or_default().split_once('=').expect("NAME=VALUE");
        (name.to_owned(), value.to_owned())
    };
    set.iter().map(pair).collect()
}

fn caching(answer: &Answer) -> Vec<Vec<String>> {
    CACHE_HEADERS.iter().map(|name| answer.all(name)).collect()
}

#[test]
fn a_cookie_is_set_once_and_no_shared_cache_stores_the_response() {
    let mesh = Mesh::new("cookies").rules(RULES).start();
    let first = mesh.send(&navigation("/"));
    let set = first.all("set-cookie");
    assert!(set.iter().all(|line| line.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax")), "{set:?}");
    let [(id, minted), (remembers, first_seen)] = &cookies(&set)[..] else { panic!("expected two cookies: {set:?}") };
    assert_eq!((id.as_str(), minted.len(), remembers.as_str()), ("gl_id", 22, "gl_first"));
    assert_eq!(caching(&first), [vec![UNSHARED.to_owned()], vec![], vec![]]);
    // Whoever comes back with them is in the same place, whatever it is called now, and nothing is set again.
    let again = navigation("/cacheable").header("cookie", format!("gl_id={minted}; gl_first={first_seen}"));
    for request in [again.clone(), again.header("x-user-id", "after-login")] {
        let answer = mesh.send(&request);
        assert_eq!(answer.seen().upstream, first.seen().upstream);
        assert_eq!(answer.all("set-cookie"), ["own=1"]);
        assert_eq!(caching(&answer), [["public, max-age=60"], ["max-age=60"], ["max-age=60"]]);
    }
}

#[test]
fn what_the_upstream_said_about_caching_is_replaced_only_where_a_cookie_is_set() {
    let mesh = Mesh::new("cookies-caching").rules(RULES).start();
    let page = mesh.send(&navigation("/cacheable"));
    let names: Vec<_> = cookies(&page.all("set-cookie")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["own", "gl_id", "gl_first"]);
    assert_eq!(caching(&page), [[UNSHARED]; 3]);
    // What a page is made of is left alone, and has no identity.
    let image = mesh.send(&Request::get("/cacheable").header("sec-fetch-mode", "no-cors").header("accept", "image/*"));
    assert_eq!(image.all("set-cookie"), ["own=1"]);
    assert_eq!(caching(&image), [["public, max-age=60"], ["max-age=60"], ["max-age=60"]]);
    assert_eq!(mesh.access(&image).reason.as_deref(), Some("NO_IDENTITY"));
}

#[test]
fn every_visitor_gets_another_identity() {
    let mesh = Mesh::new("cookies-many").rules(RULES).start();
    let minted: BTreeSet<_> =
        (0..20).map(|_| cookies(&mesh.send(&navigation("/")).all("set-cookie"))[0].1.clone()).collect();
    assert_eq!(minted.len(), 20, "{minted:?}");
}

#[test]
fn http2_is_no_different() {
    let mesh = Mesh::new("cookies-http2").rules(RULES).start();
    let address = mesh.envoy().address();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(address).await.expect("Envoy accepts connections");
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
                .await
                .expect("Envoy speaks HTTP/2");
        tokio::spawn(connection);
        for (cookie, set, cache_control) in [
            ("other=1", &["own", "gl_id", "gl_first"][..], UNSHARED),
            // Two fields: crumbs of one cookie header.
            ("gl_first=YWxpY2U", &["own"], "public, max-age=60"),
        ] {
            let request = hyper::Request::get("http://shop.example.com/cacheable").header("sec-fetch-mode", "navigate");
            let request = request.header("cookie", "a=b").header("cookie", cookie).body(Empty::<Bytes>::new());
            let answer = sender.send_request(request.expect("a request")).await.expect("an answer");
            let all = answer.headers().get_all("set-cookie").iter();
            let found: Vec<_> = all.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect();
            let names: Vec<_> = cookies(&found).into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, set, "{cookie}");
            assert_eq!(answer.headers()["cache-control"], cache_control, "{cookie}");
            answer.into_body().collect().await.expect("a whole answer");
        }
    });
}
