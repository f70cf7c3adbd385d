//! New rules reach every worker within a fraction of a second, while requests flow, and no request is lost by it.

use std::{collections::HashMap, time::Duration};

use graylane_integration::{
    Mesh,
    changes::{Changes, WARM_UP},
    load::{Load, Report},
    samples,
};

const CHANGES: u32 = 100;
const PER_SECOND: u32 = 500;
/// How soon the last worker must have the new rules, at the median.
const MEDIAN_AT_MOST: Duration = Duration::from_millis(200);

#[test]
fn a_hundred_changes_under_load_lose_nothing_and_arrive_soon() {
    let mut mesh = Mesh::new("update").rules(&samples::numbered(0)).workers(2).start();
    let load = Load::of(PER_SECOND).over(32).header("x-user-id", "42").start(mesh.envoy().address());
    load.await_more(WARM_UP);
    let changes = Changes::make(CHANGES, &mut mesh, &load);
    let report = load.stop();

    report.assert_none_failed(CHANGES as usize * 25);
    no_connection_goes_back(&report);
    let (last_old, reported) = (changes.last_old(&report), changes.reported());
    println!("{CHANGES} changes at {PER_SECOND} requests a second, {} requests, none failed", report.records.len());
    println!("rename to the last request by the old rules   {last_old}");
    println!("change accepted to the last worker's report   {reported}");
    println!("latency of the requests                       {}", report.latencies());
    assert!(last_old.median() <= MEDIAN_AT_MOST, "found a median of {:?}", last_old.median());
    assert!(reported.median() <= MEDIAN_AT_MOST, "found a median of {:?}", reported.median());
}

/// On one connection, which belongs to one worker, a response is never by older rules than the one before.
fn no_connection_goes_back(report: &Report) {
    let mut newest = HashMap::new();
    let mut in_order: Vec<_> = report.answers().collect();
    in_order.sort_by_key(|(record, _)| record.sent);
    for (record, outcome) in in_order {
        let n = outcome.flags.as_deref().and_then(samples::number).expect("every request is by some numbered rules");
        let newest = newest.entry(record.connection).or_insert(n);
        assert!(n >= *newest, "connection {}: found {n} after {newest}", record.connection);
        *newest = n;
    }
}
