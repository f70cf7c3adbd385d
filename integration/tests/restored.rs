//! A store that is lost and restored from a backup, while Envoy goes on by revisions that the backup never had.

use std::{collections::BTreeMap, path::Path};

use graylane_integration::{
    Fleet, FleetPlan, Request, eventually,
    fleet::said,
    load::{BETWEEN, Load},
    samples,
};
use graylane_rules::Revision;
use serde_json::Value;

const WORKERS: usize = 2;

/// Publishes the rule set that tells `number`, and waits until every worker runs it.
fn publish(fleet: &Fleet, number: u32) -> Revision {
    let documents = fleet.documents("rules", &[("checkout.yaml", samples::numbered(number))]);
    let arguments = ["publish", text(&documents), "-m", "a test", "--wait", "20s", "-o", "json"];
    let said = fleet.graylane(0, &arguments).ended(0).json();
    assert_eq!(said["acks"]["workers"].as_array().map(Vec::len), Some(WORKERS), "{said:#}");
    revision(&said)
}

fn revision(said: &Value) -> Revision {
    said["revision"].as_str().and_then(|revision| revision.parse().ok()).unwrap_or_else(|| panic!("{said:#}"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// By which revision a request is decided now, and the number that it tells.
fn decided(fleet: &Fleet) -> (Revision, u32) {
    let answer = fleet.connect(0).exchange(&Request::get("/").header("x-user-id", "user")).expect("an answer");
    let revision = answer.header("x-graylane-revision").and_then(|revision| revision.parse().ok());
    let number = answer.seen().text("x-feature-flags").and_then(samples::number);
    (revision.expect("a revision"), number.expect("a number"))
}

#[test]
fn an_envoy_takes_the_restored_revision_for_its_later_epoch() {
    let mut fleet = FleetPlan::new("restored").workers(WORKERS).tell_revision().start();
    fleet.await_reports();
    let mut numbers: BTreeMap<_, _> = (1..=2).map(|number| (publish(&fleet, number), number)).collect();
    let load = Load::of(100).over(8).users(8).start(fleet.envoys()[0].address());
    load.await_more(BETWEEN);

    let (file, lost) = (fleet.scratch().join("nightly.graylane"), fleet.replicas()[0].store().to_owned());
    // A file is one process's own.
    fleet.replicas()[0].kill();
    let _ = said(&["backup", text(&file), "--store", &lost], &[]).ended(0);
    fleet.replicas()[0].start_again();
    fleet.await_reports();
    numbers.extend((3..=5).map(|number| (publish(&fleet, number), number)));
    let before = *numbers.last_key_value().expect("revisions").0;
    assert_eq!(decided(&fleet), (before, 5));

    fleet.replicas()[0].kill();
    load.await_more(BETWEEN);
    let store = format!("redb://{}", fleet.scratch().join("restored.redb").display());
    let restored = ["restore", text(&file), "--store", &store, "-m", "the disk was lost", "-o", "json"];
    let restored = revision(&said(&restored, &[]).ended(0).json());
    assert!(restored.epoch > before.epoch, "{restored} after {before}");
    numbers.insert(restored, 2);
    fleet.replicas()[0].start_again_over(&store);
    let path = format!("/v1/namespaces/default/revisions/{restored}/acks");
    eventually("the restored revision in every worker", || {
        let acks = fleet.replicas()[0].get(&path)?;
        let workers = acks["workers"].as_array().map_or(0, Vec::len);
        if acks["everywhere"] == true && workers == WORKERS { Ok(()) } else { Err(format!("found {acks:#}")) }
    });
    assert_eq!(decided(&fleet), (restored, 2));
    load.await_more(BETWEEN);

    let next = publish(&fleet, 6);
    assert_eq!(next, Revision { number: restored.number + 1, ..restored });
    numbers.insert(next, 6);
    assert_eq!(decided(&fleet), (next, 6));
    load.await_more(BETWEEN);
    let report = load.stop();
    report.assert_none_failed(4 * BETWEEN);
    report.assert_decided_by(&numbers);

    fleet.replicas()[0].kill();
    let verified = said(&["verify", "--store", &store, "-o", "json"], &[]).ended(0).json();
    assert_eq!(verified["revisions"], 4, "two of the backup, the restored one, and the next: {verified:#}");
}
