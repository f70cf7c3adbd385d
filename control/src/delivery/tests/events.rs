//! The stream of events.

use http_body_util::BodyExt as _;

use super::*;
use crate::{events::KEPT, nodes::Report};

/// A snapshot whose switch `limit` is `value`.
fn switched(value: u32) -> Snapshot {
    let text = format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\n\
         spec: {{variants: [a], default: a, switches: {{limit: {{type: int, default: {value}}}}}}}\n"
    );
    let document = Document { file: "shop.yaml".to_owned(), format: Format::Yaml, text: text.into_bytes() };
    let mut gathered = Gathered::default();
    gathered.documents.push(document);
    documents::compiled(&gathered, &[]).unwrap().snapshot
}

async fn listen(namespace: &Arc<Namespace>) -> (StatusCode, Body) {
    let request = Request::builder().uri("/v1/events").body(Body::empty()).unwrap();
    let (parts, body) = app(Arc::clone(namespace)).oneshot(request).await.unwrap().into_parts();
    (parts.status, body)
}

/// What comes next; None where the stream ends.
async fn next(body: &mut Body) -> Option<String> {
    let frame = tokio::time::timeout(Duration::from_secs(10), body.frame()).await.expect("something in time")?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn each_listener_is_told_of_each_change_and_of_nothing_else() {
    let namespace = namespace();
    namespace.publish(switched(1), Content::default(), Instant::now()).unwrap();
    let (_, mut one) = listen(&namespace).await;
    let (_, mut other) = listen(&namespace).await;
    assert_eq!(namespace.events.listening(), 2);
    assert!(namespace.publish(switched(1), Content::default(), Instant::now()).is_none());
    namespace.publish(switched(2), Content::default(), Instant::now()).unwrap();
    let published = "event: Published\ndata: {\"event\":\"Published\",\"revision\":\"7.2\"}\n\n";
    let expected = "event: SwitchChanged\ndata: {\"event\":\"SwitchChanged\",\"revision\":\"7.2\",\"ruleSet\":\"shop\",\"name\":\"limit\",\
                    \"type\":\"int\",\"old\":{\"default\":1,\"variants\":{}},\"new\":{\"default\":2,\"variants\":{}}}\n\n";
    for body in [&mut one, &mut other] {
        assert_eq!(next(body).await.as_deref(), Some(published));
        assert_eq!(next(body).await.as_deref(), Some(expected));
    }
    drop(other);
    assert_eq!(namespace.events.listening(), 1);
    namespace.drain();
    assert_eq!(next(&mut one).await, None);
}

#[tokio::test]
async fn a_listener_that_reads_too_slowly_is_cut_and_too_many_are_refused() {
    let namespace = namespace();
    let (_, mut slow) = listen(&namespace).await;
    let publication = namespace.publish(switched(1), Content::default(), Instant::now()).unwrap();
    for _ in 0..KEPT + 35 {
        namespace.events.published(&publication);
    }
    let told = next(&mut slow).await.unwrap();
    let why = "{\"event\":\"Cut\",\"why\":\"found 36 tellings unread, expected a faster reader\"}";
    assert_eq!(told, format!("event: Cut\ndata: {why}\n\n"));
    assert_eq!(next(&mut slow).await, None);
    drop(slow);
    let mut all = Vec::new();
    for _ in 0..64 {
        all.push(listen(&namespace).await);
    }
    assert!(all.iter().all(|(status, _)| *status == StatusCode::OK));
    assert_eq!(listen(&namespace).await.0, StatusCode::SERVICE_UNAVAILABLE);
    all.pop();
    assert_eq!(listen(&namespace).await.0, StatusCode::OK);
}

#[tokio::test]
async fn where_nobody_reads_the_directory_nothing_is_read_again() {
    let namespace = namespace();
    drop(namespace.orders());
    let (code, answer) = ask(&namespace, "POST", "/v1/switches/reload", Body::empty()).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
}

#[tokio::test]
async fn a_listener_hears_who_takes_a_revision_who_refuses_it_and_when_it_is_in_effect() {
    let namespace = namespace();
    let report = |one: &str, other: &str, refused: Option<&str>| {
        let worker = |id: &str, revision: &str| json!({"id": id, "revision": revision});
        let mut workers = vec![worker("0a", one), worker("0b", other)];
        workers[1]["refused"] = json!(refused);
        workers[1]["error"] = json!(refused.map(|_| "no such header"));
        let body = json!({"node": {"id": "edge"}, "workers": workers});
        namespace.take(Report::parse(body.to_string().as_bytes()).unwrap(), namespace.clock.now()).unwrap();
    };
    publish(&namespace, "a");
    report("7.1", "7.1", None);
    let (_, mut body) = listen(&namespace).await;
    publish(&namespace, "b");
    report("7.2", "7.1", Some("7.2"));
    report("7.2", "7.1", Some("7.2"));
    report("7.2", "7.2", None);
    let told =
        |name: &str, rest: &str| format!("event: {name}\ndata: {{\"event\":\"{name}\",\"revision\":\"7.2\"{rest}");
    for expected in [
        told("Published", "}"),
        told("Acknowledged", ",\"node\":\"edge\",\"worker\":\"0a\"}"),
        told("Refused", ",\"node\":\"edge\",\"worker\":\"0b\",\"why\":\"no such header\"}"),
        told("Acknowledged", ",\"node\":\"edge\",\"worker\":\"0b\"}"),
        told("InEffect", ",\"seconds\":0."),
    ] {
        let found = next(&mut body).await.unwrap();
        assert!(found.starts_with(&expected), "found {found}, expected {expected}");
    }
}
