//! Envoy reconfigured, drained, replaced and killed while requests flow and rules change: whole histories are recorded,
//! and the promises proved on them.

use std::time::Duration;

use graylane_integration::{
    Control, Mesh, Running,
    envoy::DRAIN,
    eventually,
    history::{Bounds, History, Promise, Recorder, Verdict, Window, check},
    load::{Load, Loading},
    samples,
};
use serde_json::json;

/// Generous, since machines that run tests are busy. How soon it usually is, `make race` measures.
const BOUND: Duration = Duration::from_secs(2);
/// How many requests are served by some rules before anything else is done.
const BETWEEN: usize = 40;

fn mesh(name: &str, recorder: &Recorder) -> Mesh {
    Mesh::new(name).rules(&samples::numbered(0)).workers(2).recorded_by(recorder)
}

/// Ordinary requests: 8 users in turn, on so few connections that each is used several times a second.
fn load<C>(recorder: &Recorder, mesh: &Running<C>) -> Loading {
    load_of(recorder, mesh.envoy().address())
}

fn load_of(recorder: &Recorder, address: std::net::SocketAddr) -> Loading {
    Load::of(200).over(16).users(8).recorded_by(recorder).start(address)
}

/// Requests whose answers begin 150 ms after they were sent, and take 600 ms to come.
fn long_streams<C>(recorder: &Recorder, mesh: &Running<C>) -> Loading {
    let load = Load::of(20).over(32).target("/slow?before=150&ms=600").header("x-user-id", "long");
    load.recorded_by(recorder).start(mesh.envoy().address())
}

/// Publishes rules `n`, and waits until some requests were served by them.
fn publish(n: u32, mesh: &mut Running<Control>, load: &Loading) {
    mesh.publish(&[samples::numbered(n)]);
    load.await_more(BETWEEN);
}

/// All promises are kept, and at least `count` requests were held to them.
fn kept(recorder: &Recorder, bounds: &Bounds, count: usize) -> Verdict {
    kept_in(&recorder.take(), bounds, count)
}

fn kept_in(history: &History, bounds: &Bounds, count: usize) -> Verdict {
    let verdict = check(history, bounds);
    println!("{verdict}");
    verdict.assert_kept();
    assert!(verdict.counted.numbered >= count, "{verdict}");
    verdict
}

#[test]
fn filters_pushed_by_ecds_under_load_lose_nothing() {
    let recorder = Recorder::new();
    let mut mesh = mesh("ecds", &recorder).by_ecds().start();
    let (load, long) = (load(&recorder, &mesh), long_streams(&recorder, &mesh));
    for n in 1..=10 {
        let tick = format!("{}ms", 100 + n);
        mesh.push_filter(|filter| filter.configure("tick", json!(tick))).expect("another tick is accepted");
        publish(n, &mut mesh, &load);
    }
    drop((load.stop(), long.stop()));
    recorder.await_logged();
    let history = recorder.take();
    let verdict = kept_in(&history, &Bounds::effect_within(BOUND), 10 * BETWEEN);
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
    let load = load(&recorder, &mesh);
    load.await_more(BETWEEN);
    for n in 1..=3 {
        let why = mesh.push_filter(|filter| filter.configure("nonsense", json!(n))).unwrap_err();
        assert!(why.contains("graylane"), "{why}");
        publish(n, &mut mesh, &load);
    }
    mesh.push_filter(|filter| filter.configure("tick", json!("150ms"))).expect("a good one is accepted afterwards");
    publish(4, &mut mesh, &load);
    drop(load.stop());
    kept(&recorder, &Bounds::effect_within(BOUND), 4 * BETWEEN);
}

#[test]
fn two_listeners_share_the_vms_and_one_may_go() {
    let recorder = Recorder::new();
    let mut mesh = mesh("lds", &recorder).by_lds().start();
    let first = load(&recorder, &mesh);
    mesh.push_listeners(|listeners| listeners.add_copy("second")).expect("a second listener is accepted");
    let second = load_of(&recorder, mesh.listener("second"));
    // As many VMs as before report: one a worker, and the main thread's.
    publish(1, &mut mesh, &second);
    mesh.push_listeners(|listeners| listeners.plugin("front").configure("tick", json!("120ms"))).expect("an update");
    publish(2, &mut mesh, &first);
    drop(second.stop());
    mesh.push_listeners(|listeners| listeners.remove("second")).expect("one listener is enough");
    publish(3, &mut mesh, &first);
    drop(first.stop());
    recorder.await_logged();
    kept(&recorder, &Bounds::effect_within(BOUND), 4 * BETWEEN);
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
    let verdict = kept(&recorder, &Bounds::effect_within(BOUND), 20);
    assert!(verdict.counted.spanning >= 10, "{verdict}");
}

#[test]
fn an_envoy_that_drains_still_takes_new_rules() {
    let recorder = Recorder::new();
    let mut mesh = mesh("drain", &recorder).restartable().start();
    let (load, long) = (load(&recorder, &mesh), long_streams(&recorder, &mesh));
    publish(1, &mut mesh, &load);
    mesh.envoy().drain();
    let drained = recorder.now();
    publish(2, &mut mesh, &load);
    drop((load.stop(), long.stop()));
    recorder.await_logged();
    // On a machine so slow that the listener was gone before, the requests of that time may fail.
    let gone = Window { from: drained + DRAIN, to: recorder.now() };
    kept(&recorder, &Bounds::effect_within(BOUND).failing_in(gone), BETWEEN);
    eventually("nobody to listen any more", || match std::net::TcpStream::connect(mesh.envoy().address()) {
        Err(_) => Ok(()),
        Ok(_) => Err("a connection was accepted".to_owned()),
    });
}

#[test]
fn a_hot_restart_loses_nothing() {
    let recorder = Recorder::new();
    let mut mesh = mesh("hot", &recorder).restartable().start();
    let (load, long) = (load(&recorder, &mesh), long_streams(&recorder, &mesh));
    publish(1, &mut mesh, &load);
    let from = recorder.now();
    mesh.envoy_mut().restart_hot();
    mesh.await_everyone();
    publish(2, &mut mesh, &load);
    mesh.envoy_mut().await_parents_gone();
    // The new process has no rules at first: it shares no data with the one before.
    let without_rules = Window { from, to: recorder.now() };
    publish(3, &mut mesh, &load);
    drop((load.stop(), long.stop()));
    recorder.await_logged();
    kept(&recorder, &Bounds::effect_within(BOUND).stale_in(without_rules), 3 * BETWEEN);
}

#[test]
fn an_envoy_that_is_killed_comes_back_with_the_newest_rules() {
    let recorder = Recorder::new();
    let mut mesh = mesh("killed", &recorder).restartable().start();
    let load = load(&recorder, &mesh);
    publish(1, &mut mesh, &load);
    let from = recorder.now();
    mesh.envoy_mut().kill();
    mesh.write(&[samples::numbered(2)]);
    mesh.envoy_mut().start_again();
    mesh.await_everyone();
    let fault = Window { from, to: recorder.now() };
    publish(3, &mut mesh, &load);
    drop(load.stop());
    // Until the canary's health is checked, stable answers for it.
    let bounds = Bounds::effect_within(BOUND).stale_in(fault).failing_in(fault).with_any_upstream();
    let verdict = kept(&recorder, &bounds, 2 * BETWEEN);
    assert!(verdict.counted.exempt > 0, "{verdict}");
}
