//! An empty or dead canary harms nobody: stable answers instead.

use graylane_integration::{Mesh, Request, load::Load, samples};

#[test]
fn without_a_canary_stable_answers() {
    let mesh = Mesh::new("fallback-absent").rules(&samples::header_to_canary("gray")).start();
    // Decided for the canary all the same: the fallback is the cluster's, not the rules'.
    let mesh_without = Mesh::new("fallback-absent").rules(&samples::header_to_canary("gray")).without_canary().start();
    let gray = Request::get("/").header("x-env", "gray");
    assert_eq!(mesh.send(&gray).seen().upstream, "canary");
    for _ in 0..20 {
        let answer = mesh_without.send(&gray);
        assert_eq!((answer.seen().upstream.as_str(), answer.seen().text("x-gray-variant")), ("stable", Some("canary")));
    }
}

#[test]
fn a_canary_that_is_killed_and_started_under_load_costs_no_request() {
    let mut mesh = Mesh::new("fallback-killed").rules(&samples::header_to_canary("gray")).workers(2).start();
    let canary = mesh.upstreams().1.expect("the canary runs");
    let load = Load::of(500).over(32).header("x-env", "gray").start(mesh.envoy().address());
    load.await_more(250);
    mesh.kill_canary();
    load.await_more(500);
    mesh.start_canary(canary);
    // Its health check must pass, and an ejection must have ended.
    graylane_integration::eventually("the canary to be used again", || {
        let upstream = mesh.send(&Request::get("/").header("x-env", "gray")).seen().upstream;
        if upstream == "canary" { Ok(()) } else { Err(format!("found {upstream}")) }
    });
    let report = load.stop();
    report.assert_none_failed(750);
    let by_stable = report.answers().filter(|(_, outcome)| outcome.upstream == "stable").count();
    assert!(by_stable >= 400, "found {by_stable} requests answered by stable while the canary was gone");
}
