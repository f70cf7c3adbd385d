//! Control planes and members of etcd are killed while revisions are published and requests are decided: no request fails,
//! and no revision that was acknowledged is lost.

#[path = "killed/publisher.rs"]
mod publisher;

use std::collections::BTreeMap;

use graylane_integration::{
    Etcd, Fleet, FleetPlan, Request, eventually,
    fleet::said,
    load::{BETWEEN, Load, Loading},
    samples,
};
use graylane_rules::Revision;
use publisher::{Acknowledged, Publisher};
use serde_json::Value;

const REPLICAS: usize = 3;
const ENVOYS: usize = 2;
const WORKERS: usize = 2;

/// Requests a second, for each Envoy.
const PER_SECOND: u32 = 100;

/// So many revisions are to be published while somebody is away.
const MEANWHILE: usize = 10;

/// What stands in the history about the revision with this number.
fn reason(number: u32) -> String {
    format!("number {number}")
}

#[test]
fn nothing_acknowledged_is_lost_and_no_request_fails_whoever_is_killed() {
    let mut etcd = Etcd::start(3);
    let plan = FleetPlan::new("killed").store(&etcd.url()).replicas(REPLICAS).envoys(ENVOYS).workers(WORKERS);
    let mut fleet = plan.tell_revision().start();
    let controls: Vec<_> = fleet.replicas().iter().map(|replica| replica.address()).collect();
    let publisher = Publisher::start(controls);
    reaches_everybody(&mut fleet, 0, publisher.go_on(1));
    let loads = begin(&mut fleet);

    // Each Envoy asks another replica first: 0 asks 0, and 1 asks 1.
    let follower = (etcd.leader() + 1) % etcd.count();
    for (replica, member) in [(Some(0), None), (None, Some(follower)), (Some(1), None), (None, Some(etcd.leader()))] {
        away(&mut fleet, &mut etcd, &publisher, replica, member);
    }
    // One of each at once, the member that leads by now.
    let leader = etcd.leader();
    away(&mut fleet, &mut etcd, &publisher, Some(2), Some(leader));

    let (acknowledged, retried) = publisher.stop();
    let last = *acknowledged.last().expect("revisions");
    for replica in 0..REPLICAS {
        reaches_everybody(&mut fleet, replica, last);
    }
    loads.iter().for_each(|load| load.await_more(BETWEEN));
    let reports: Vec<_> = loads.into_iter().map(Loading::stop).collect();
    decides_by(&fleet, last);
    let history = whole_history(&mut fleet, &etcd, &acknowledged);
    for report in &reports {
        report.assert_none_failed(10 * BETWEEN);
        report.assert_decided_by(&history);
    }
    let requests: usize = reports.iter().map(|report| report.records.len()).sum();
    println!(
        "{} revisions, {} acknowledged, asked for again {retried} times; {requests} requests, none failed",
        history.len(),
        acknowledged.len()
    );
}

/// A load of users for each Envoy.
fn begin(fleet: &mut Fleet) -> Vec<Loading> {
    let load = || Load::of(PER_SECOND).over(8).users(8);
    let loads: Vec<_> = fleet.envoys().iter().map(|envoy| load().start(envoy.address())).collect();
    loads.iter().for_each(|load| load.await_more(BETWEEN));
    loads
}

/// Kills a replica, or a member, or both; what is published meanwhile reaches every worker; then they come back.
fn away(fleet: &mut Fleet, etcd: &mut Etcd, publisher: &Publisher, replica: Option<usize>, member: Option<usize>) {
    if let Some(replica) = replica {
        fleet.replicas()[replica].kill();
    }
    if let Some(member) = member {
        etcd.kill(member);
    }
    let meanwhile = publisher.go_on(MEANWHILE);
    let living = replica.map_or(0, |replica| (replica + 1) % REPLICAS);
    reaches_everybody(fleet, living, meanwhile);
    if let Some(member) = member {
        etcd.start_again(member);
    }
    if let Some(replica) = replica {
        fleet.replicas()[replica].start_again();
    }
    let afterwards = publisher.go_on(MEANWHILE);
    reaches_everybody(fleet, replica.unwrap_or(living), afterwards);
}

/// Waits until a replica knows of every worker that it runs this revision, or a later one.
fn reaches_everybody(fleet: &mut Fleet, replica: usize, acknowledged: Acknowledged) {
    let path = format!("/v1/namespaces/default/revisions/{}/acks", acknowledged.revision);
    eventually("the revision in every worker", || {
        let acks = fleet.replicas()[replica].get(&path)?;
        let workers = acks["workers"].as_array().map_or(0, Vec::len);
        if acks["everywhere"] == true && workers == ENVOYS * WORKERS { Ok(()) } else { Err(format!("found {acks:#}")) }
    });
}

/// Every worker decides by `last`, as a few connections to each Envoy see.
fn decides_by(fleet: &Fleet, last: Acknowledged) {
    for envoy in 0..ENVOYS {
        for _ in 0..8 {
            let answer = fleet.connect(envoy).exchange(&Request::get("/").header("x-user-id", "user")).unwrap();
            let told = |name: &str| answer.header(name).unwrap_or_default().to_owned();
            assert_eq!(told("x-graylane-revision"), last.revision.to_string());
            assert_eq!(told("x-graylane-variant"), "canary");
            assert_eq!(answer.seen().text("x-feature-flags").and_then(samples::number), Some(last.number));
        }
    }
}

/// The history, which is one chain, the same by every replica, with everything that was acknowledged: the number that each
/// revision tells.
fn whole_history(fleet: &mut Fleet, etcd: &Etcd, acknowledged: &[Acknowledged]) -> BTreeMap<Revision, u32> {
    let histories: Vec<_> = (0..REPLICAS).map(|replica| history(fleet, replica)).collect();
    assert!(histories.iter().all(|history| *history == histories[0]), "replicas tell different histories");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for (later, earlier) in histories[0].iter().zip(&histories[0][1..]) {
        assert_eq!(later["previous"]["revision"], earlier["revision"], "found a gap");
    }
    let oldest = histories[0].last().expect("revisions");
    assert_eq!(oldest["previous"], Value::Null, "the chain goes back to the first: {oldest:#}");
    let number = |manifest: &Value| text(&manifest["reason"]).strip_prefix("number ")?.parse().ok();
    let numbers: BTreeMap<Revision, u32> = histories[0]
        .iter()
        .map(|manifest| (text(&manifest["revision"]).parse().unwrap(), number(manifest).expect("a number")))
        .collect();
    for Acknowledged { revision, number } in acknowledged {
        assert_eq!(numbers.get(revision), Some(number), "{revision} was acknowledged");
    }
    let verified = said(&["verify", "--store", &etcd.url(), "-o", "json"], &[]).ended(0).json();
    assert_eq!(verified["revisions"], numbers.len(), "{verified:#}");
    numbers
}

/// The manifests of all revisions, as a replica tells them, the newest first.
fn history(fleet: &mut Fleet, replica: usize) -> Vec<Value> {
    let mut manifests: Vec<Value> = Vec::new();
    loop {
        let before = manifests.last().and_then(|oldest| oldest["revision"].as_str());
        let before = before.map(|oldest| format!("&before={oldest}")).unwrap_or_default();
        let path = format!("/v1/namespaces/default/revisions?limit=1000{before}");
        let part = fleet.replicas()[replica].get(&path).unwrap();
        let part = part["revisions"].as_array().unwrap_or_else(|| panic!("found {part:#}")).clone();
        if part.is_empty() {
            return manifests;
        }
        manifests.extend(part);
    }
}
