//! The page without a socket: what it shows, to whom, and that nothing in it is taken for markup.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use graylane_rules::Format;
use graylane_store::{Place, open};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::settings::Settings;
use crate::{
    access::Door,
    clock::Clock,
    delivery,
    documents::{self, Document, Gathered},
    keys::Keyring,
    namespace::Namespace,
    nodes::Report,
    publication::Content,
    revisions::{Outcome, Proposal, Revisions, Wish},
    scratch::Scratch,
    sealer::Sealer,
};

const EVIL: &str = "<script>alert(1)</script>";
const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";

fn rules(weight: u32) -> Document {
    let text = format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  \
         identity: {{from: [{{header: x-user-id}}]}}\n  variants: [stable, canary]\n  default: stable\n  \
         splits: {{half: {{weights: {{stable: {weight}, canary: 50}}}}}}\n  \
         rules:\n    - {{id: qa, when: {{header: {{name: x-env, exact: {EVIL:?}}}}}, variant: canary}}\n    \
         - {{id: all, split: half}}\n"
    );
    Document { file: format!("{EVIL}.yaml").replace('/', "-"), format: Format::Yaml, text: text.into_bytes() }
}

fn bare() -> Namespace {
    let sealer = Sealer::new(Keyring::default(), Duration::from_secs(1));
    let hosts = vec!["graylane.example".to_owned()];
    Namespace::new("default", 7, sealer, Clock::system()).shown(Settings { hosts, ..Settings::default() })
}

/// A namespace that serves a directory.
fn directory() -> Arc<Namespace> {
    let namespace = bare();
    let gathered = Gathered::given(vec![rules(50)]);
    let compiled = documents::compiled(&gathered, &[]).unwrap();
    let content = Content { parsed: compiled.parsed, texts: gathered.documents, ..Content::default() };
    namespace.publish(compiled.snapshot, content, Instant::now()).unwrap();
    Arc::new(namespace)
}

/// A namespace with revisions in a store.
async fn kept(name: &str) -> Arc<Namespace> {
    // The file stays for whoever has it open.
    let scratch = Scratch::new(name);
    let place: Place = format!("redb://{}", scratch.path("page.redb").display()).parse().unwrap();
    let store = open(&place).await.unwrap();
    Arc::new(bare().keeping(Arc::new(Revisions::new(store, "default", Clock::system(), Vec::new()))))
}

async fn make(namespace: &Namespace, wish: Wish) {
    let (actor, reason, source) = (format!("ann {EVIL}"), format!("why {EVIL}"), format!("from {EVIL}"));
    let proposal = Proposal { wish, actor, reason, source, expect: None, dry_run: false, sample: None };
    let made = namespace.revisions.as_ref().unwrap().make(&proposal).await.unwrap();
    let Outcome::Made(running) = made.outcome else { panic!("found {made:?}") };
    namespace.run(*running, Instant::now()).unwrap();
}

async fn publish(namespace: &Namespace, weight: u32) {
    make(namespace, Wish::Publish { documents: vec![rules(weight)], rule_set: None, switches: None }).await;
}

async fn ask(namespace: &Arc<Namespace>, method: &str, host: &str, path: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).header(header::HOST, host);
    delivery::app(Arc::clone(namespace), Arc::<Door>::default())
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
}

async fn get(namespace: &Arc<Namespace>, path: &str) -> (u16, String) {
    let (parts, body) = ask(namespace, "GET", "127.0.0.1:8460", path).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

fn report(namespace: &Namespace, node: &str, revision: &str, error: Option<&str>) {
    let worker = serde_json::json!({"id": "0a", "revision": revision, "error": error, "refused": error.map(|_| "7.9")});
    let body = serde_json::json!({"node": {"id": node, "cluster": EVIL}, "trouble": error, "workers": [worker]});
    namespace.take(Report::parse(body.to_string().as_bytes()).unwrap(), namespace.clock.now()).unwrap();
}

fn assert_harmless(page: &str) {
    assert!(!page.contains("<script>alert"), "{page}");
    assert_eq!(page.matches("<script").count(), page.matches("<script defer src=\"/page/live.js\">").count(), "{page}");
    assert!(!page.contains(" style=") && !page.contains("<style"), "{page}");
    assert!(![" onclick=", " onload=", " onerror="].iter().any(|handler| page.contains(handler)), "{page}");
    assert!(!page.contains("http-equiv") && !page.contains("javascript:"), "{page}");
}

#[tokio::test]
async fn nothing_that_is_shown_is_taken_for_markup() {
    let namespace = kept("page-harmless").await;
    publish(&namespace, 50).await;
    publish(&namespace, 30).await;
    make(&namespace, Wish::Freeze(Some("shop".to_owned()))).await;
    make(&namespace, Wish::Off(None)).await;
    report(&namespace, EVIL, "7.1", Some(EVIL));
    let head = namespace.published().unwrap().revision;
    let form = "/explain?method=GET&url=http://a/%3Cscript%3Ealert(1)%3C/script%3E&headers=x-a:%20%3Cscript%3Ealert(1)%3C/script%3E";
    let broken = "/explain?url=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%20&method=%22%3E%3Cscript%3E";
    let one = format!("/history/{}.1", head.epoch);
    for path in ["/", "/history", &one, "/rule-sets/shop", form, broken] {
        let (status, page) = get(&namespace, path).await;
        assert_eq!(status, 200, "{path}: {page}");
        assert!(page.contains(ESCAPED), "{path}: {page}");
        assert_harmless(&page);
    }
    for path in ["/history/%3Cscript%3Ealert(1)", "/rule-sets/%3Cscript%3Ealert(1)", "/history?before=%3Cscript%3E"] {
        let (status, page) = get(&namespace, path).await;
        assert!((400..500).contains(&status), "{path}: {page}");
        assert_harmless(&page);
    }
}

#[tokio::test]
async fn the_overview_says_who_runs_what_and_what_stands_above_it() {
    let namespace = kept("page-overview").await;
    assert!(get(&namespace, "/").await.1.contains("Nothing is published"));
    publish(&namespace, 50).await;
    let revision = namespace.published().unwrap().revision.to_string();
    report(&namespace, "edge-1", &revision, None);
    report(&namespace, "edge-2", "6.1", Some("the rules set a header that is not owned"));
    let page = get(&namespace, "/").await.1;
    for said in
        ["<strong>1 of 2 workers</strong> of 2 Envoys runs it", "edge-1", "1 worker refusing", "that is not owned"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains("<b>50 %</b>"), "{page}");
    assert!(!page.contains("is off"), "{page}");
    make(&namespace, Wish::Off(Some("shop".to_owned()))).await;
    make(&namespace, Wish::Freeze(None)).await;
    let page = get(&namespace, "/").await.1;
    assert!(
        page.contains("<strong>shop is off</strong>: everybody has the default variant, whatever the rules say. ann ")
            && page.contains("<strong>Everything is frozen</strong>"),
        "{page}"
    );
}

#[tokio::test]
async fn the_history_has_pages_and_each_revision_says_who_moves() {
    let namespace = kept("page-history").await;
    for weight in 50..80 {
        publish(&namespace, weight).await;
    }
    let epoch = namespace.published().unwrap().revision.epoch;
    let first = get(&namespace, "/history").await.1;
    assert_eq!(first.matches("href=\"/history/").count(), 25, "{first}");
    let next = format!("/history?before={epoch}.6");
    assert!(first.contains(&format!("href=\"{next}\"")), "{first}");
    let second = get(&namespace, &next).await.1;
    assert_eq!((second.matches("href=\"/history/").count(), second.contains("Older")), (5, false), "{second}");
    let (_, page) = get(&namespace, &format!("/history/{epoch}.2")).await;
    assert!(page.contains("rule set shop: changed") && page.contains("canary to stable:"), "{page}");
    assert!(page.contains(&format!("href=\"/history/{epoch}.1\"")) && page.contains("spec:"), "{page}");
    assert_eq!(get(&namespace, &format!("/history/{epoch}.99")).await.0, 404);
}

#[tokio::test]
async fn a_directory_keeps_no_history_and_everything_else_is_there() {
    let namespace = directory();
    for path in ["/history", "/history/7.1"] {
        let (status, page) = get(&namespace, path).await;
        assert!(status == 200 && page.contains("a directory keeps no revisions"), "{page}");
    }
    let (_, page) = get(&namespace, "/rule-sets/shop").await;
    assert!(page.contains("split <span class=\"data\">half</span>") && page.contains("x-env"), "{page}");
    let (_, page) = get(&namespace, "/explain?url=http://a/&headers=x-user-id:+7").await;
    assert!(page.contains("in split half") && page.contains("identity  ✓"), "{page}");
    assert!(get(&namespace, "/rule-sets/shap").await.1.contains("did you mean shop?"));
}

#[tokio::test]
async fn an_explanation_is_what_the_command_prints_and_hides_credentials() {
    let namespace = directory();
    let secret = "abcdefghijklmnopqrstuvwxyz";
    let path = format!("/explain?url=http://a/%3Ftoken%3D{secret}&headers=authorization:+Bearer+{secret}");
    let (_, page) = get(&namespace, &path).await;
    let start = page.find("id=\"explanation\"").expect("an explanation");
    assert!(!page[start..].contains(secret) && page[start..].contains("bytes masked"), "{page}");
}

#[tokio::test]
async fn a_name_that_others_may_point_here_is_refused() {
    let namespace = directory();
    for host in ["127.0.0.1:8460", "localhost", "[::1]:8460", "graylane.example:80"] {
        assert_eq!(ask(&namespace, "GET", host, "/").await.status(), StatusCode::OK, "{host}");
    }
    for path in ["/", "/history", "/history/7.1", "/rule-sets/shop", "/explain", "/page/live"] {
        let answer = ask(&namespace, "GET", "evil.example", path).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8_lossy(&body).into_owned();
        assert!(page.contains("found the host &quot;evil.example&quot;, expected an address"), "{page}");
    }
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_and_only_get_is_answered() {
    let namespace = directory();
    for path in [
        "/",
        "/history",
        "/explain",
        "/rule-sets/shop",
        "/rule-sets/none",
        "/page/style.css",
        "/page/live.js",
        "/page/live",
    ] {
        let answer = ask(&namespace, "GET", "localhost", path).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{path}: {policy}");
        let others = ["x-content-type-options", "referrer-policy", "cache-control"].map(header);
        assert_eq!(others, ["nosniff", "no-referrer", "no-store"], "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let status = ask(&namespace, method, "localhost", path).await.status();
            assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    let answer = ask(&namespace, "GET", "localhost", "/v1/namespaces/default/status").await;
    assert!(!answer.headers().contains_key("content-security-policy"), "it is no page");
}

/// The next part of the stream; None where it ends.
async fn next(body: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect("something in time")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn parts_are_sent_when_they_change_and_a_flood_is_told_once() {
    let namespace = directory();
    let mut body = ask(&namespace, "GET", "localhost", "/page/live").await.into_body();
    for id in ["standing", "problems", "rule-sets", "envoys"] {
        let part = next(&mut body).await.unwrap();
        assert!(part.starts_with(&format!("event: part\ndata: <section id=\"{id}\"")), "{part}");
    }
    for number in 0..10_000 {
        report(&namespace, &format!("edge-{}", number % 100), "7.1", None);
    }
    let mut told = 0;
    let mut last = String::new();
    while !last.contains("100 of 100 workers") {
        last = next(&mut body).await.unwrap();
        told += 1;
    }
    assert!(told <= 4, "found {told} parts");
    namespace.drain();
    let rest = async { while next(&mut body).await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), rest).await.expect("an end of the stream");
}

#[tokio::test]
async fn nothing_that_is_shown_hides_or_reorders_anything() {
    let namespace = kept("page-active").await;
    publish(&namespace, 50).await;
    let form = "/explain?url=http://a/&headers=x-a:%20%E2%80%AE%1B%5B2J%0Ax-b:%201";
    let (status, page) = get(&namespace, form).await;
    assert!(status == 200 && page.contains("x-a: \\u{202e}\\u{1b}[2J\nx-b: 1"), "{page}");
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "{page}");
    let (_, page) = get(&namespace, "/rule-sets/%1B%E2%80%AE").await;
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "{page}");
}
