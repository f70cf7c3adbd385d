//! The filter works from its own configuration alone, until the first revision has been fetched.

use graylane_integration::{
    FakeControl, Mesh, Request, Running, embedded,
    fake_control::{Reply, sealed},
    samples,
};
use graylane_rules::Revision;
use serde_json::{Value, json};

const EMBEDDED: &str = r#"{"ownedHeaders": ["x-gray-variant"], "ruleSets": [{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "embedded"}, "spec": {"variants": ["stable", "canary"], "default": "stable", "rules": [{"id": "qa", "variant": "canary", "when": {"header": {"name": "x-env", "exact": "gray"}}}]}}]}"#;
const EXPRESSION: &str = r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "expression"}, "spec": {"variants": ["stable", "canary"], "default": "stable", "rules": [{"id": "lab", "variant": "canary", "when": {"header": {"name": "x-env", "regex": "gray|lab-[0-9]+", "ignoreCase": true}}}]}}"#;
const FIRST: Revision = Revision { epoch: 7, number: 1 };

fn unavailable() -> Reply {
    Reply::Always { status: 503, media_type: "text/plain", body: Vec::new() }
}

fn sent(mesh: &Running<FakeControl>, env: &str) -> (String, Option<String>, Option<String>) {
    let answer = mesh.send(&Request::get("/").header("x-env", env));
    let access = mesh.access(&answer);
    (answer.seen().upstream, access.rule, access.revision)
}

fn expected(upstream: &str, rule: &str, revision: &str) -> (String, Option<String>, Option<String>) {
    (upstream.to_owned(), Some(rule.to_owned()), Some(revision.to_owned()))
}

#[test]
fn embedded_rules_decide_until_fetched_ones_replace_them_wholly() {
    let fake = FakeControl::start(unavailable());
    let mut mesh = Mesh::new("embedded").filter_configuration(EMBEDDED).start_with(fake);
    assert_eq!(sent(&mesh, "gray"), expected("canary", "embedded/qa", "embedded"));
    assert_eq!(sent(&mesh, "blue"), expected("stable", "embedded/_default", "embedded"));

    let vms = mesh.vms();
    mesh.control().reply(Reply::good(FIRST, &[samples::header_to_canary("blue")]));
    mesh.control().await_everyone(FIRST, vms);
    assert_eq!(sent(&mesh, "gray"), expected("stable", "checkout/_default", "7.1"));
    assert_eq!(sent(&mesh, "blue"), expected("canary", "checkout/qa", "7.1"));
}

#[test]
fn fetched_rules_that_set_a_header_not_owned_here_are_refused_by_every_vm() {
    let fake = FakeControl::start(unavailable());
    let mut mesh = Mesh::new("embedded-owned").filter_configuration(EMBEDDED).start_with(fake);
    mesh.control().reply(Reply::envelope(sealed("default", FIRST, &[samples::numbered(1)])));
    let vms = mesh.vms();
    graylane_integration::eventually("every VM to refuse", || {
        let acks = mesh.control().acks();
        let workers = acks["workers"].as_array().cloned().unwrap_or_default();
        let refused = workers.iter().filter(|worker| worker["refused"] == "7.1" && worker["error"].is_string());
        if refused.count() == vms { Ok(()) } else { Err(format!("found {acks}")) }
    });
    assert_eq!(sent(&mesh, "gray"), expected("canary", "embedded/qa", "embedded"));
}

#[test]
fn embedded_rules_bring_the_automata_of_their_regular_expressions_along() {
    let fake = FakeControl::start(unavailable());
    let mut mesh = Mesh::new("embedded-regex").filter_configuration(EMBEDDED).by_ecds().start_with(fake);
    let alone: Value = serde_json::from_str(EXPRESSION).expect("JSON");
    let why = mesh.push_filter(|filter| filter.configure("ruleSets", json!([alone]))).unwrap_err();
    assert!(why.contains("`graylane embed`"), "{why}");
    assert_eq!(sent(&mesh, "gray"), expected("canary", "embedded/qa", "embedded"));

    let mut fields = embedded(&[EXPRESSION]);
    let push = |mesh: &mut Running<FakeControl>, fields: &serde_json::Map<String, Value>| {
        mesh.push_filter(|filter| fields.iter().for_each(|(name, value)| filter.configure(name, value.clone())))
    };
    push(&mut mesh, &fields).expect("what the command prints is accepted");
    let decides = |mesh: &Running<FakeControl>| {
        assert_eq!(sent(mesh, "LAB-7"), expected("canary", "expression/lab", "embedded"));
        assert_eq!(sent(mesh, "lab-7x"), expected("stable", "expression/_default", "embedded"));
    };
    decides(&mesh);

    for damage in ["AAAA", "no base64"] {
        fields["automata"][0]["automaton"] = json!(damage);
        let why = push(&mut mesh, &fields).unwrap_err();
        assert!(why.contains("`graylane embed`"), "{why}");
        decides(&mesh);
    }
}
