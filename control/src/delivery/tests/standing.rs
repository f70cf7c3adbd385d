//! Who runs what, in the status and in the metrics.

use std::collections::BTreeMap;

use super::*;
use crate::metrics::MEDIA_TYPE;

/// Reports the VMs of an Envoy.
async fn ack(namespace: &Arc<Namespace>, node: &str, fetcher: Option<&str>, workers: &Value) {
    let acks = json!({"node": {"id": node, "cluster": "edge"}, "fetcher": fetcher, "workers": workers}).to_string();
    assert_eq!(ask(namespace, "POST", "~/acks", acks).await.0, StatusCode::NO_CONTENT);
}

fn worker(id: &str, revision: Option<&str>) -> Value {
    json!({"id": id, "revision": revision, "formats": [1], "error": null, "refused": null, "role": "worker"})
}

#[tokio::test]
async fn acks_are_told_in_the_status() {
    let clock = Clock::standing();
    let namespace = signing(Keyring::default(), Duration::from_secs(1), clock.clone());
    publish(&namespace, "a");
    let workers = json!([
        {"id": "0a", "revision": "7.1", "formats": [1], "error": null, "refused": null, "role": "worker"},
        {"id": "0b", "revision": null, "formats": [1], "error": "too new", "refused": "7.2", "role": "main"},
    ]);
    ack(&namespace, "envoy-1", Some("elected"), &workers).await;
    let since = clock.now().wall.to_string();
    clock.advance(Duration::from_millis(1_500));
    ack(&namespace, "envoy-1", Some("elected"), &workers).await;
    let status = status(&namespace).await;
    let node = &status["nodes"][0];
    assert_eq!(
        (&node["id"], &node["cluster"], &node["fetcher"]),
        (&json!("envoy-1"), &json!("edge"), &json!("elected"))
    );
    let mut expected = workers.clone();
    expected[0].as_object_mut().unwrap().extend(
        json!({"since": since, "stale": false, "behind": null, "behindSeconds": null}).as_object().unwrap().clone(),
    );
    expected[1].as_object_mut().unwrap().extend(
        json!({"since": since, "stale": false, "behind": null, "behindSeconds": 1.5}).as_object().unwrap().clone(),
    );
    assert_eq!(node["workers"], expected);
    assert_eq!((&status["revision"], &status["ruleSets"]), (&json!("7.1"), &json!(["shop"])));
    assert_eq!((&status["format"], &status["formats"]), (&json!(SNAPSHOT_FORMAT), &json!(SNAPSHOT_FORMATS)));
    let problem = &status["problems"][0];
    assert_eq!(status["problems"].as_array().map(Vec::len), Some(1));
    assert_eq!((&problem["code"], &problem["severity"]), (&json!("refused"), &json!("error")));
    assert_eq!((&problem["file"], &problem["path"]), (&json!("envoy-1"), &json!("")));
    assert_eq!(problem["found"], "too new (revision 7.2 refused by 1 of 2 workers)");
    assert_eq!((&status["at"], &node["lastReport"]), (&json!(clock.now().wall.to_string()), &status["at"]));
    assert!(status["publishedAt"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
}

#[tokio::test]
async fn what_is_stale_or_silent_is_told() {
    let clock = Clock::standing();
    let namespace = signing(Keyring::default(), Duration::from_secs(1), clock.clone());
    publish(&namespace, "a");
    ack(&namespace, "e", None, &json!([worker("0a", Some("7.1")), worker("0b", Some("7.1"))])).await;
    namespace.publish(snapshot("b"), Content::default(), clock.now().steady);
    clock.advance(Duration::from_millis(40));
    ack(&namespace, "e", None, &json!([worker("0a", Some("7.2")), worker("0b", Some("7.1"))])).await;
    let told = async || {
        let status = status(&namespace).await;
        let node = &status["nodes"][0];
        (json!([node["silent"], node["workers"][0]["stale"], node["workers"][1]["stale"]]), status)
    };
    clock.advance(Duration::from_millis(960));
    assert_eq!(told().await.0, json!([false, false, false]), "a second is granted");
    clock.advance(Duration::from_millis(500));
    let (flags, status) = told().await;
    assert_eq!(flags, json!([false, false, true]));
    let late = &status["nodes"][0]["workers"][1];
    assert_eq!((&late["behind"], &late["behindSeconds"]), (&json!(1), &json!(1.5)));
    assert_eq!(status["timeToEffect"], json!({"count": 1, "superseded": 0, "lastSeconds": null}));
    ack(&namespace, "e", None, &json!([worker("0a", Some("7.2")), worker("0b", Some("7.2"))])).await;
    let (flags, status) = told().await;
    assert_eq!(flags, json!([false, false, false]));
    assert_eq!(status["timeToEffect"], json!({"count": 2, "superseded": 0, "lastSeconds": 1.5}));
    clock.advance(Duration::from_secs(60));
    let (flags, status) = told().await;
    assert_eq!((&flags[0], &status["tally"]["silent"]), (&json!(true), &json!(1)));
}

#[tokio::test]
async fn a_client_that_is_ahead_is_a_problem_for_as_long_as_it_says_so() {
    let clock = Clock::standing();
    let namespace = signing(Keyring::default(), Duration::from_secs(1), clock.clone());
    let problems = async || status(&namespace).await["problems"].clone();
    assert_eq!(get(&namespace, "~/snapshot?after=8.4").await.0, 204, "nothing is published");
    publish(&namespace, "a");
    assert_eq!(get(&namespace, "~/snapshot?after=7.1").await.0, 204);
    assert_eq!(problems().await, json!([]));
    assert_eq!(get(&namespace, "~/snapshot?after=8.4").await.0, 204);
    let told = problems().await;
    assert_eq!((&told[0]["file"], &told[0]["code"]), (&json!("default"), &json!("outrun")));
    assert_eq!(told[0]["found"], "a client that runs 8.4, later than 7.1, which is published: it takes nothing");
    let expected = "the server it had before, or serving begun again with a clock past 1970-01-01T00:00:00.008Z";
    assert_eq!(told[0]["expected"], expected);
    clock.advance(Duration::from_secs(60));
    assert_ne!(problems().await, json!([]), "a poll may last so long");
    clock.advance(Duration::from_secs(30));
    assert_eq!(problems().await, json!([]));
}

/// The samples of a scrape by name and labels, after a check of its form.
async fn scrape(namespace: &Arc<Namespace>) -> BTreeMap<String, f64> {
    let (status, response) = ask(namespace, "GET", "/metrics", "").await;
    assert_eq!((status, &response.headers()[header::CONTENT_TYPE]), (StatusCode::OK, &MEDIA_TYPE.parse().unwrap()));
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(samples.insert(name.to_owned(), value.parse().unwrap()).is_none(), "twice: {name}");
    }
    samples
}

/// The names and kinds in the table of `metrics.rs`.
fn documented() -> Vec<(String, String)> {
    let rows = include_str!("../../metrics.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    let row = |row: &str| {
        let (name, rest) = row.split_once("` | ").unwrap();
        let kind = rest.split(" |").next().unwrap();
        (format!("graylane_control_{}", name.strip_suffix("_total").unwrap_or(name)), kind.to_owned())
    };
    rows.map(row).collect()
}

#[tokio::test]
async fn each_documented_metric_is_there_once_and_no_other() {
    let namespace = namespace();
    // What revisions hold has no series before the first.
    publish(&namespace, "a");
    let text = get(&namespace, "/metrics").await.1;
    let text = std::str::from_utf8(&text).unwrap();
    let told = |what: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
        lines
            .map(|line| line.split_once(' ').unwrap())
            .map(|(name, rest)| (name.to_owned(), rest.to_owned()))
            .collect::<Vec<_>>()
    };
    let (mut documented, mut types) = (documented(), told("# TYPE"));
    documented.sort();
    types.sort();
    assert!(documented.len() > 20);
    assert_eq!(types, documented);
    let helps: Vec<_> = told("# HELP").into_iter().map(|(name, _)| name).collect();
    for (name, kind) in documented {
        assert_eq!(helps.iter().filter(|help| **help == name).count(), 1, "{name}");
        let sample = match kind.as_str() {
            "counter" => format!("\n{name}_total"),
            "histogram" => format!("\n{name}_bucket{{le=\"0.05\"}}"),
            _ => format!("\n{name}"),
        };
        assert!(text.contains(&sample), "{sample}");
    }
}

#[tokio::test]
async fn the_metrics_follow_what_happens() {
    let clock = Clock::standing();
    let namespace = signing(Keyring::default(), Duration::from_secs(1), clock.clone());
    publish(&namespace, "a");
    ack(&namespace, "e", None, &json!([worker("0a", Some("7.1")), worker("0b", Some("7.1"))])).await;
    for variant in ["b", "c"] {
        namespace.publish(snapshot(variant), Content::default(), clock.now().steady);
    }
    let published = i32::try_from(clock.now().wall.as_second()).unwrap();
    clock.advance(Duration::from_millis(40));
    let mut refusing = worker("0b", Some("7.1"));
    (refusing["refused"], refusing["error"]) = (json!("7.3"), json!("found no header, expected one"));
    ack(&namespace, "e", None, &json!([worker("0a", Some("7.3")), refusing])).await;
    for (uri, code) in
        [("~/snapshot", 200), ("~/snapshot?after=7.3", 204), ("~/snapshot?formats=9", 406), ("~/snapshot?wait=2m", 400)]
    {
        assert_eq!(get(&namespace, uri).await.0, code);
    }
    clock.advance(Duration::from_secs(2));
    let before = scrape(&namespace).await;
    ack(&namespace, "e", None, &json!([worker("0a", Some("7.3")), worker("0b", Some("7.3"))])).await;
    let after = scrape(&namespace).await;
    for (name, then, now) in [
        ("published_revision_epoch", 7, 7),
        ("published_revision_number", 3, 3),
        ("published_timestamp_seconds", published, published),
        ("publications_total", 3, 3),
        ("superseded_total", 1, 1),
        ("in_effect_total", 1, 2),
        ("time_to_effect_seconds_count", 0, 1),
        ("time_to_effect_seconds_bucket{le=\"2.0\"}", 0, 0),
        ("time_to_effect_seconds_bucket{le=\"5.0\"}", 0, 1),
        ("problems{severity=\"error\"}", 1, 0),
        ("problems{severity=\"warning\"}", 0, 0),
        ("polls_waiting", 0, 0),
        ("event_listeners", 0, 0),
        ("switch_changes_total", 0, 0),
        ("polls_total{answer=\"snapshot\"}", 1, 1),
        ("polls_total{answer=\"nothing\"}", 1, 1),
        ("polls_total{answer=\"format\"}", 1, 1),
        ("polls_total{answer=\"invalid\"}", 1, 1),
        ("polls_total{answer=\"crowded\"}", 0, 0),
        ("reports_total", 2, 3),
        ("acks_total", 3, 4),
        ("nacks_total", 1, 1),
        ("nodes", 1, 1),
        ("nodes_silent", 0, 0),
        ("workers", 2, 2),
        ("workers_current", 1, 2),
        ("workers_stale", 1, 0),
        ("workers_refusing", 1, 0),
        ("signing_keys", 0, 0),
        ("signatures_total", 0, 0),
        ("envelope_expiry_timestamp_seconds", 0, 0),
    ] {
        let name = format!("graylane_control_{name}");
        assert_eq!((before[&name], after[&name]), (f64::from(then), f64::from(now)), "{name}");
    }
}
