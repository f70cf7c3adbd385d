//! Envoy reconfigured, drained, replaced and killed while requests flow and rules change: whole histories are recorded,
//! and the promises proved on them.

use std::time::Duration;

use graylane_integration::{
    Mesh, Running,
    envoy::DRAIN,
    eventually,
    history::{BOUND, Bounds, History, Promise, Recorder, Window, check},
    load::{BETWEEN, Load, Loading},
    samples,
};
use serde_json::json;

fn mesh(name: &str, recorder: &Recorder) -> Mesh {
    Mesh::new(name).rules(&samples::numbered(0)).workers(2).recorded_by(recorder)
}

/// Requests whose answers begin 150 ms after they were sent, and take 600 ms to come.
fn long_streams<C>(recorder: &Recorder, mesh: &Running<C>) -> Loading {
    let load = Load::of(20).over(32).target("/slow?before=150&ms=600").header("x-user-id", "long");
    load.recorded_by(recorder).start(mesh.envoy().address())
}

#[test]
fn filters_pushed_by_ecds_under_load_lose_nothing() {
    let recorder = Recorder::new();
    let mut mesh = mesh("ecds", &recorder).by_ecds().start();
    let (load, long) = (mesh.load(&recorder), long_streams(&recorder, &mesh));
    for n in 1..=10 {
        let tick = format!("{}ms", 100 + n);
        mesh.push_filter(|filter| filter.configure("tick", json!(tick))).expect("another tick is accepted");
        mesh.publish_under(&load, n);
    }
    drop((load.stop(), long.stop()));
    recorder.await_logged();
    let history = recorder.take();
    let verdict = history.assert_kept(&Bounds::effect_within(BOUND), 10 * BETWEEN);
    assert!(verdict.counted.spanning > 10, "{verdict}");
    assert_eq!(verdict.counted.logged, verdict.counted.responses, "{verdict}");
    these_very_checks_notice(history);
}

/// The same history with a bound of nothing, and with the rules of two revisions exchanged.
fn these_very_checks_notice(mut history: History) {
    let at_once = check(&history, &Bounds::effect_within(Duration::ZERO));
    assert!(at_once.broken(Promise::TakesEffect) > 0, "{at_once}");
    let (first, second) = (history.published[1].revision, history.published[2].revision);
    (history.published[1].revision, history.published[2].revision) = (second, first);
    let exchanged = check(&history, &Bounds::effect_within(BOUND));
    assert!(exchanged.broken(Promise::NotTorn) > 0, "{exchanged}");
}

#[test]
fn a_filter_that_is_rejected_changes_nothing() {
    let recorder = Recorder::new();
    let mut mesh = mesh("ecds-rejected", &recorder).by_ecds().start();
    let load = mesh.load(&recorder);
    load.await_more(BETWEEN);
    for n in 1..=3 {
        let why = mesh.push_filter(|filter| filter.configure("nonsense", json!(n))).unwrap_err();
        assert!(why.contains("graylane"), "{why}");
        mesh.publish_under(&load, n);
    }
    mesh.push_filter(|filter| filter.configure("tick", json!("150ms"))).expect("a good one is accepted afterwards");
    mesh.publish_under(&load, 4);
    drop(load.stop());
    recorder.assert_kept(&Bounds::effect_within(BOUND), 4 * BETWEEN);
}

#[test]
fn two_listeners_share_the_vms_and_one_may_go() {
    let recorder = Recorder::new();
    let mut mesh = mesh("lds", &recorder).by_lds().start();
    let first = mesh.load(&recorder);
    mesh.push_listeners(|listeners| listeners.add_copy("second")).expect("a second listener is accepted");
    let second = mesh.load_on(mesh.listener("second"), &recorder);
    // As many VMs as before report: one a worker, and the main thread's.
    mesh.publish_under(&second, 1);
    mesh.push_listeners(|listeners| listeners.plugin("front").configure("tick", json!("120ms"))).expect("an update");
    mesh.publish_under(&first, 2);
    drop(second.stop());
    mesh.push_listeners(|listeners| listeners.remove("second")).expect("one listener is enough");
    mesh.publish_under(&first, 3);
    drop(first.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND), 4 * BETWEEN);
}

#[test]
fn long_streams_keep_their_revision() {
    let recorder = Recorder::new();
    let mut mesh = mesh("long", &recorder).by_ecds().start();
    let long = long_streams(&recorder, &mesh);
    for n in 1..=20 {
        mesh.publish(&[samples::numbered(n)]);
        long.await_more(1);
        if n % 5 == 0 {
            mesh.push_filter(|filter| filter.configure("tick", json!(format!("{}ms", 100 + n)))).expect("another tick");
        }
    }
    drop(long.stop());
    recorder.await_logged();
    let verdict = recorder.assert_kept(&Bounds::effect_within(BOUND), 20);
    assert!(verdict.counted.spanning >= 10, "{verdict}");
}

#[test]
fn an_envoy_that_drains_still_takes_new_rules() {
    let recorder = Recorder::new();
    let mut mesh = mesh("drain", &recorder).restartable().start();
    let (load, long) = (mesh.load(&recorder), long_streams(&recorder, &mesh));
    mesh.publish_under(&load, 1);
    mesh.envoy().drain();
    let drained = recorder.now();
    mesh.publish_under(&load, 2);
    drop((load.stop(), long.stop()));
    recorder.await_logged();
    // On a machine so slow that the listener was gone before, the requests of that time may fail.
    let gone = Window { from: drained + DRAIN, to: recorder.now() };
    recorder.assert_kept(&Bounds::effect_within(BOUND).failing_in(gone), BETWEEN);
    eventually("nobody to listen any more", || match std::net::TcpStream::connect(mesh.envoy().address()) {
        Err(_) => Ok(()),
        Ok(_) => Err("a connection was accepted".to_owned()),
    });
}

#[test]
fn a_hot_restart_loses_nothing() {
    let recorder = Recorder::new();
    let mut mesh = mesh("hot", &recorder).restartable().start();
    let (load, long) = (mesh.load(&recorder), long_streams(&recorder, &mesh));
    mesh.publish_under(&load, 1);
    let from = recorder.now();
    mesh.envoy_mut().restart_hot();
    mesh.await_everyone();
    mesh.publish_under(&load, 2);
    mesh.envoy_mut().await_parents_gone();
    // The new process has no rules at first: it shares no data with the one before.
    let without_rules = Window { from, to: recorder.now() };
    mesh.publish_under(&load, 3);
    drop((load.stop(), long.stop()));
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(without_rules), 3 * BETWEEN);
}

#[test]
fn an_envoy_that_is_killed_comes_back_with_the_newest_rules() {
    let recorder = Recorder::new();
    let mut mesh = mesh("killed", &recorder).restartable().start();
    let load = mesh.load(&recorder);
    mesh.publish_under(&load, 1);
    let from = recorder.now();
    mesh.envoy_mut().kill();
    mesh.write(&[samples::numbered(2)]);
    mesh.envoy_mut().start_again();
    mesh.await_everyone();
    let fault = Window { from, to: recorder.now() };
    mesh.publish_under(&load, 3);
    drop(load.stop());
    // Until the canary's health is checked, stable answers for it.
    let bounds = Bounds::effect_within(BOUND).stale_in(fault).failing_in(fault).with_any_upstream();
    let verdict = recorder.assert_kept(&bounds, 2 * BETWEEN);
    assert!(verdict.counted.exempt > 0, "{verdict}");
}
