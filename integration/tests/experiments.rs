//! An experiment and the time of its decision: to the upstream, and in the access log, also by OpenTelemetry's names.

use std::time::{Duration, SystemTime};

use graylane_integration::{Control, Mesh, Request, Running, root};
use serde_json::{Value, json};

/// A split with an experiment for whoever has an `x-user-id`: 22 gets the canary.
const RULES: &str = r#"apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: checkout}
spec:
  identity: {from: [{header: x-user-id}]}
  output: {experimentHeader: x-gray-experiment, evaluatedAtHeader: x-gray-evaluated-at}
  variants: [stable, canary]
  default: stable
  splits: {login: {weights: {canary: 1}, experiment: exp-login}}
  rules:
    - {id: login-v2, split: login}
"#;

/// The fields that the documentation has for OpenTelemetry.
fn documented() -> String {
    let text = std::fs::read_to_string(root().join("envoy/README.md")).expect("the documentation");
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut found: Vec<_> = blocks.filter(|block| block.contains("feature_flag.key")).collect();
    assert_eq!(found.len(), 1, "found {} blocks of fields for OpenTelemetry in envoy/README.md", found.len());
    found.remove(0).to_owned()
}

fn whole_line(mesh: &Running<Control>, request: &Request) -> (Value, Option<String>) {
    let answer = mesh.send(request);
    let seen = answer.seen();
    let at = seen.text("x-gray-evaluated-at").map(str::to_owned);
    (mesh.envoy().access_line(seen.text("x-request-id").expect("an id")), at)
}

#[test]
fn the_log_has_every_field_by_opentelemetrys_names_and_upstream_and_log_agree_on_the_time() {
    let mut mesh = Mesh::new("experiments").rules(RULES).logging(&documented()).start();
    let revision = mesh.control().status().expect("control answers").revision;
    let began = SystemTime::now();
    let (line, at) = whole_line(&mesh, &Request::get("/").header("x-user-id", "22"));
    let at = at.expect("the upstream is told when");
    assert!(is_between(&at, began), "found {at}, expected a time since {began:?}");
    for (field, expected) in [
        ("feature_flag.provider.name", "graylane"),
        ("feature_flag.set.id", "default"),
        ("feature_flag.key", "checkout/login-v2"),
        ("feature_flag.version", revision.as_deref().expect("something published")),
        ("feature_flag.result.variant", "canary"),
        ("feature_flag.result.reason", "SPLIT"),
        ("feature_flag.context.id", "22"),
        ("graylane.experiment", "exp-login"),
        ("graylane.evaluated_at", &at),
        ("experiment", "exp-login"),
        ("evaluated_at", &at),
    ] {
        assert_eq!(line[field], json!(expected), "{field} in {line:#}");
    }
    // Where nobody chose there is no experiment, and no time.
    let (line, at) = whole_line(&mesh, &Request::get("/").header("x-gray-evaluated-at", "2026-01-01T00:00:00.000Z"));
    assert_eq!((at, &line["feature_flag.result.reason"]), (None, &json!("NO_IDENTITY")));
    for field in ["experiment", "evaluated_at", "graylane.experiment", "graylane.evaluated_at"] {
        assert_eq!(line[field], Value::Null, "{field} in {line:#}");
    }
}

/// Whether `text` is a time between `began`, less the milliseconds that it does not tell, and now.
fn is_between(text: &str, began: SystemTime) -> bool {
    let at = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
        let millis = i64::try_from(since.as_millis()).expect("a time before the year 9999");
        String::from_utf8_lossy(&graylane_rules::timestamp::rfc3339(millis)).into_owned()
    };
    (at(began - Duration::from_millis(1))..=at(SystemTime::now())).contains(&text.to_owned())
}
