//! The filter works from its own configuration alone, until the first revision has been fetched.

use graylane_integration::{
    FakeControl, Mesh, Request, Running,
    fake_control::{Reply, sealed},
    samples,
};
use graylane_rules::Revision;

const EMBEDDED: &str = r#"{"ownedHeaders": ["x-gray-variant"], "ruleSets": [{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "embedded"}, "spec": {"variants": ["stable", "canary"], "default": "stable", "rules": [{"id": "qa", "variant": "canary", "when": {"header": {"name": "x-env", "exact": "gray"}}}]}}]}"#;
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
