//! The stream of events.

use http_body_util::BodyExt as _;

use super::*;

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
    namespace.publish(switched(1), Vec::new(), Instant::now()).unwrap();
    let (_, mut one) = listen(&namespace).await;
    let (_, mut other) = listen(&namespace).await;
    assert_eq!(namespace.events.listening(), 2);
    assert!(namespace.publish(switched(1), Vec::new(), Instant::now()).is_none());
    namespace.publish(switched(2), Vec::new(), Instant::now()).unwrap();
    let expected = "event: SwitchChanged\ndata: {\"event\":\"SwitchChanged\",\"revision\":\"7.2\",\"ruleSet\":\"shop\",\"name\":\"limit\",\
                    \"type\":\"int\",\"old\":{\"default\":1,\"variants\":{}},\"new\":{\"default\":2,\"variants\":{}}}\n\n";
    for body in [&mut one, &mut other] {
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
    for value in 0..100 {
        namespace.publish(switched(value), Vec::new(), Instant::now()).unwrap();
    }
    let told = next(&mut slow).await.unwrap();
    let why = "{\"event\":\"Cut\",\"why\":\"found 35 tellings unread, expected a faster reader\"}";
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
