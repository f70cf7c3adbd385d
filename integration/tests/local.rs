//! What an Envoy has to say for itself, whoever publishes: limits, readiness, what happens before the first rules, and gauges.

use std::{
    ops::RangeInclusive,
    time::{SystemTime, UNIX_EPOCH},
};

use graylane_integration::{
    Control, FakeControl, Mesh, Request, Running, Status, eventually, fake_control::Reply, load::Load, samples,
};
use graylane_rules::Revision;

/// At most a quarter of the identities may get the canary; whoever sends `x-env` is a tester.
const LIMITED: &str = r#"{"ownedHeaders": ["x-gray-variant", "x-feature-flags"], "limits": {"variants": ["stable", "canary"], "shares": {"canary": 25}, "testerHeaders": ["x-env"]}}"#;
const READY: &str = r#"{"ownedHeaders": ["x-gray-variant", "x-feature-flags"], "readinessPath": "/graylane/ready"}"#;
const READY_EMBEDDED: &str = r#"{"ownedHeaders": ["x-gray-variant", "x-feature-flags"], "readinessPath": "/graylane/ready", "ruleSets": [{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "embedded"}, "spec": {"variants": ["stable", "canary"], "default": "stable", "rules": [{"id": "all", "variant": "canary"}]}}]}"#;

const FIRST: Revision = Revision { epoch: 7, number: 1 };
const SECOND: Revision = Revision { epoch: 7, number: 2 };

/// Sends testers to the canary, and `percent` of everybody else.
fn shared(percent: &str) -> String {
    let identified = samples::header_to_canary("gray")
        .replace("  rules:\n", "  identity: {from: [{header: x-user-id}]}\n  rules:\n");
    format!("{identified}    - id: some\n      when: {{percent: {percent}}}\n      variant: canary\n")
}

/// Harmless rules of another service.
fn innocent() -> String {
    samples::header_to_canary("gray")
        .replace("name: checkout", "name: other")
        .replace("spec:\n", "spec:\n  scope: {hosts: [other.example.com]}\n")
}

/// The revision that the gauges `<which>_epoch` and `<which>_number` name.
fn named_by<C>(mesh: &Running<C>, which: &str) -> Option<String> {
    let [epoch, number] = ["epoch", "number"].map(|part| mesh.metric(&format!("{which}_{part}")));
    Some(format!("{}.{}", epoch?, number?))
}

/// How many requests were decided, and how many were not for want of rules.
fn counted<C>(mesh: &Running<C>) -> (u64, u64) {
    let stats = mesh.admin().stats().expect("Envoy's statistics");
    let undecided = stats.with("graylane_requests_undecided_total").filter(|(name, _)| name.contains("no_rules"));
    (stats.sum("graylane_requests_total"), undecided.map(|(_, count)| count).sum())
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
}

// ---- limits

/// Waits until every VM refuses the revision that is published, as it says because of `why`.
fn await_refused(why: &str, mesh: &mut Running<Control>) -> Status {
    let vms = mesh.vms();
    eventually("every VM to refuse", || {
        let status = mesh.control().status()?;
        let refuse = status.workers().filter(|worker| worker.refused.is_some() && worker.refused == status.revision);
        let count = refuse.filter(|worker| worker.error.as_deref() == Some(why)).count();
        if count == vms { Ok(status) } else { Err(format!("found {count} of them in {status:#?}")) }
    })
}

#[test]
fn rules_that_exceed_a_share_are_refused_whole_and_what_was_good_goes_on() {
    let mesh = Mesh::new("limits").filter_configuration(LIMITED).workers(2);
    let mut mesh = mesh.rules(&shared("20")).rules(&innocent()).start();
    let good = mesh.control().status().expect("control answers").revision;
    let load = Load::of(200).over(16).header("x-env", "gray").start(mesh.envoy().address());
    load.await_more(100);
    mesh.write(&[shared("25.001"), innocent()]);
    let found = "found a share of up to 25.001 %, expected at most 25 % (limits.shares)";
    let refused = await_refused(&format!("rule set checkout, variant canary: {found}"), &mut mesh);
    assert!(refused.workers().all(|worker| worker.revision == good), "{refused:#?}");
    assert_eq!(named_by(&mesh, "refused_revision"), refused.revision);
    assert_eq!((named_by(&mesh, "revision"), mesh.metric("snapshots_refused_total")), (good, Some(3)));
    load.await_more(100);
    let taken = mesh.publish(&[shared("25"), innocent()]);
    assert_eq!(named_by(&mesh, "revision"), Some(taken));
    load.await_more(100);
    let report = load.stop();
    report.assert_none_failed(300);
    assert!(report.answers().all(|(_, outcome)| outcome.upstream == "canary"), "found a tester who was not sent there");
}

#[test]
fn a_variant_that_is_not_allowed_is_refused_and_what_was_good_goes_on() {
    let mut mesh = Mesh::new("limits-variant").filter_configuration(LIMITED).rules(&shared("20")).start();
    let foreign = |text: &str| text.replace("[stable, canary]", "[stable, canary, gold]");
    mesh.write(&[foreign(&samples::header_to_canary("gold"))]);
    let found = "found a variant that is not allowed here, expected one of limits.variants: stable, canary";
    await_refused(&format!("rule set checkout, variant gold: {found}"), &mut mesh);
    for (env, upstream) in [("gray", "canary"), ("gold", "stable")] {
        assert_eq!(mesh.send(&Request::get("/").header("x-env", env)).seen().upstream, upstream, "x-env: {env}");
    }
}

// ---- before the first rules

/// Asks the readiness path with `method`; gives the status and the body.
fn ask<C>(method: &str, mesh: &Running<C>) -> (u16, String) {
    let answer = mesh.send(&Request::new(method, "/graylane/ready?from=probe"));
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// Waits until the only worker is ready.
fn await_ready<C>(mesh: &Running<C>) -> String {
    eventually("the worker to be ready", || match ask("GET", mesh) {
        (200, body) => Ok(body),
        (status, body) => Err(format!("found {status} {body}")),
    })
}

#[test]
fn a_worker_is_ready_with_the_first_fetched_revision_and_not_before() {
    let fake = FakeControl::start(Reply::unavailable());
    let mut mesh = Mesh::new("ready").filter_configuration(READY).start_with(fake);
    mesh.control().await_asked(2);
    assert_eq!(ask("GET", &mesh), (503, "no revision yet\n".to_owned()));
    // What is no question for readiness passes, with or without rules.
    assert_eq!(mesh.send(&Request::new("POST", "/graylane/ready")).seen().upstream, "stable");
    assert_eq!(mesh.send(&Request::get("/")).seen().upstream, "stable");
    mesh.control().reply(Reply::good(FIRST, &[samples::numbered(1)]));
    assert_eq!(await_ready(&mesh), "ok 7.1\n");
    assert_eq!(mesh.send(&Request::get("/").header("x-user-id", "42")).seen().upstream, "canary");
    mesh.control().reply(Reply::unavailable());
    mesh.control().await_asked(2);
    assert_eq!(ask("GET", &mesh), (200, "ok 7.1\n".to_owned()));
    // Questions for readiness are not counted.
    assert_eq!(counted(&mesh), (1, 2));
}

#[test]
fn embedded_rules_decide_but_do_not_make_ready() {
    let fake = FakeControl::start(Reply::unavailable());
    let mut mesh = Mesh::new("ready-embedded").filter_configuration(READY_EMBEDDED).start_with(fake);
    assert_eq!(mesh.send(&Request::get("/")).seen().upstream, "canary");
    assert_eq!(ask("GET", &mesh), (503, "no revision yet\n".to_owned()));
    mesh.control().reply(Reply::good(FIRST, &[samples::numbered(1)]));
    assert_eq!(await_ready(&mesh), "ok 7.1\n");
}

#[test]
fn requests_before_the_first_rules_pass_undecided_and_each_is_counted() {
    let fake = FakeControl::start(Reply::unavailable());
    let mut mesh = Mesh::new("no-rules").workers(2).start_with(fake);
    let load = Load::of(200).over(16).header("x-user-id", "42").header("x-gray-variant", "canary");
    let load = load.start(mesh.envoy().address());
    load.await_more(200);
    let vms = mesh.vms();
    mesh.control().reply(Reply::good(FIRST, &[samples::numbered(1)]));
    mesh.control().await_everyone(FIRST, vms);
    load.await_more(100);
    let report = load.stop();
    report.assert_none_failed(300);
    let (decided, undecided): (Vec<_>, Vec<_>) = report.answers().partition(|(_, outcome)| outcome.flags.is_some());
    assert!(decided.len() >= 100 && undecided.len() >= 200, "found {} and {}", decided.len(), undecided.len());
    assert_eq!(counted(&mesh), (decided.len() as u64, undecided.len() as u64));
    // Nobody chooses for himself, with rules or without.
    let chose = undecided.iter().filter(|(_, outcome)| outcome.upstream != "stable" || outcome.seen_variant.is_some());
    assert_eq!(chose.count(), 0);
}

// ---- gauges

/// Waits until staleness is in `expected` seconds.
fn await_staleness<C>(expected: RangeInclusive<u64>, mesh: &Running<C>) {
    eventually("the staleness to change", || match mesh.metric("staleness_seconds") {
        Some(found) if expected.contains(&found) => Ok(()),
        found => Err(format!("expected {expected:?}, found {found:?}")),
    });
}

#[test]
fn staleness_grows_while_no_control_plane_answers_and_ends_with_its_word() {
    let fake = FakeControl::start(Reply::unavailable());
    let mut mesh = Mesh::new("stale").start_with(fake);
    await_staleness(2..=10, &mesh);
    let vms = mesh.vms();
    mesh.control().reply(Reply::good(FIRST, &[samples::numbered(1)]));
    mesh.control().await_everyone(FIRST, vms);
    // It is recorded about once a second, so that a zero may be missed.
    await_staleness(0..=1, &mesh);
    mesh.control().reply(Reply::unavailable());
    await_staleness(2..=10, &mesh);
    // Also where it only says that nothing is newer.
    mesh.control().reply(Reply::nothing());
    await_staleness(0..=0, &mesh);
    assert_eq!(mesh.metric("snapshots_refused_total").unwrap_or(0), 0, "an answer that is no success is no refusal");
}

#[test]
fn a_refusal_leaves_its_time_and_where_it_is_known_its_revision() {
    let fake = FakeControl::start(Reply::good(FIRST, &[samples::numbered(1)]));
    let mut mesh = Mesh::new("refusal").start_with(fake);
    let vms = mesh.vms();
    mesh.control().await_everyone(FIRST, vms);
    let began = unix_now();
    assert_eq!(mesh.metric("last_refusal_timestamp_seconds").unwrap_or(0), 0);
    // No envelope: the fetcher refuses it, and nobody knows what it was.
    mesh.control().reply(Reply::envelope(b"nonsense".to_vec()));
    let refused = eventually("a refusal", || mesh.metric("last_refusal_timestamp_seconds").ok_or("none".to_owned()));
    assert!((began..=unix_now()).contains(&refused), "found a refusal at {refused}, which is not since {began}");
    assert_eq!(named_by(&mesh, "refused_revision"), None);
    // Well packed, so that only the VMs find that it is no snapshot.
    let envelope = graylane_rules::envelope::seal("default", SECOND, graylane_rules::SNAPSHOT_FORMAT, b"nonsense");
    mesh.control().reply(Reply::envelope(envelope));
    eventually("a refusal by the VMs", || match named_by(&mesh, "refused_revision") {
        Some(found) if found == SECOND.to_string() => Ok(()),
        found => Err(format!("found {found:?}")),
    });
    assert_eq!(named_by(&mesh, "revision"), Some(FIRST.to_string()));
}
