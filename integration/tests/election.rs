//! Who fetches where the bootstrap's fetcher died, stalled or was never there: a VM is elected, under load, and changes reach
//! everyone again. The same with a vm_id and with the empty one, which Istio's WasmPlugin gives, and in each way to install it in
//! Istio.

use std::time::{Duration, Instant};

use graylane_integration::{
    Control, Form, Installation, Mesh, Request, Running, eventually,
    history::{BOUND, Bounds, Recorder, Window},
    load::{BETWEEN, Loading},
    samples,
};
use graylane_istio::proxy::Kind;

/// How long the fetcher that stalls is busy: longer than the 3 s after which another one is elected, by enough to see it work.
const STALL: Duration = Duration::from_secs(7);

fn mesh(name: &str, recorder: &Recorder) -> Mesh {
    Mesh::new(name).wasm("hooks").rules(&samples::numbered(0)).workers(2).recorded_by(recorder)
}

/// Publishes rules `n` and waits until some requests were served by them; `vms` report them.
fn publish(n: u32, vms: usize, mesh: &mut Running<Control>, load: &Loading) {
    let documents = [samples::numbered(n)];
    mesh.write(&documents);
    mesh.control().await_everyone(&documents, vms);
    load.await_more(BETWEEN);
}

/// Has whoever fetches do as `what` says.
fn tell_fetcher(what: &str, mesh: &Running<Control>) {
    let _answer_if_any = mesh.try_send(&Request::get("/").header("x-graylane-test", format!("fetcher-{what}")).bytes());
}

/// How often a VM was elected.
fn elections(mesh: &Running<Control>) -> u64 {
    mesh.metric("fetcher_elected_total").unwrap_or(0)
}

fn await_elections(count: u64, mesh: &Running<Control>) {
    eventually("an election", || match elections(mesh) {
        found if found >= count => Ok(()),
        found => Err(format!("expected {count} elections, found {found}")),
    });
}

/// Waits until the report of a `bootstrap` or `elected` fetcher has come.
fn await_report_of(kind: &str, mesh: &mut Running<Control>) {
    eventually("a report by another fetcher", || {
        let status = mesh.control().status()?;
        let found: Vec<_> = status.nodes.iter().map(|node| node.fetcher.as_deref()).collect();
        if found == [Some(kind)] { Ok(()) } else { Err(format!("expected {kind}, found {found:?}")) }
    });
}

/// What is written while nobody fetches reaches everyone once somebody is elected, and no request fails.
fn a_dead_fetcher_is_replaced(name: &str, shape: impl Fn(Mesh) -> Mesh) {
    let recorder = Recorder::new();
    let mut mesh = shape(mesh(name, &recorder)).start();
    let load = mesh.load(&recorder);
    publish(1, 3, &mut mesh, &load);
    await_report_of("bootstrap", &mut mesh);
    let from = recorder.now();
    tell_fetcher("trap", &mesh);
    mesh.write(&[samples::numbered(2)]);
    assert_eq!(elections(&mesh), 0, "nobody is elected before the silence is long enough");
    mesh.await_everyone();
    await_report_of("elected", &mut mesh);
    let leaderless = Window { from, to: recorder.now() };
    publish(3, 3, &mut mesh, &load);
    publish(4, 3, &mut mesh, &load);
    assert_eq!(elections(&mesh), 1);
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(leaderless), 4 * BETWEEN);
}

#[test]
fn a_vm_takes_over_from_a_fetcher_that_died() {
    a_dead_fetcher_is_replaced("fetcher-dies", |mesh| mesh);
}

#[test]
fn a_vm_takes_over_from_a_fetcher_that_died_with_an_empty_vm_id() {
    a_dead_fetcher_is_replaced("fetcher-dies-empty", Mesh::empty_vm_id);
}

/// While the fetcher is busy, and the main thread with it, a worker fetches; afterwards the fetcher does again.
fn a_stalled_fetcher_is_replaced_and_comes_back(name: &str, shape: impl Fn(Mesh) -> Mesh) {
    let recorder = Recorder::new();
    let mut mesh = shape(mesh(name, &recorder)).start();
    let load = mesh.load(&recorder);
    publish(1, 3, &mut mesh, &load);
    let (from, begin) = (recorder.now(), Instant::now());
    tell_fetcher(&format!("stall={}", STALL.as_millis()), &mesh);
    // The main thread's VM is silent, too: two VMs are known to the one that was elected.
    publish(2, 2, &mut mesh, &load);
    await_report_of("elected", &mut mesh);
    assert!(
        begin.elapsed() < STALL,
        "found {:?} until a change arrived, expected it within the stall",
        begin.elapsed()
    );
    let vacancy = Window { from, to: recorder.now() };
    await_report_of("bootstrap", &mut mesh);
    assert!(begin.elapsed() >= STALL, "the fetcher came back before its stall was over");
    publish(3, 3, &mut mesh, &load);
    publish(4, 3, &mut mesh, &load);
    await_report_of("bootstrap", &mut mesh);
    assert_eq!(elections(&mesh), 1);
    drop(load.stop());
    recorder.await_logged();
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(vacancy), 4 * BETWEEN);
}

#[test]
fn a_fetcher_that_stalled_is_replaced_and_takes_over_again() {
    a_stalled_fetcher_is_replaced_and_comes_back("fetcher-stalls", |mesh| mesh);
}

#[test]
fn a_fetcher_that_stalled_is_replaced_and_takes_over_again_with_an_empty_vm_id() {
    a_stalled_fetcher_is_replaced_and_comes_back("fetcher-stalls-empty", Mesh::empty_vm_id);
}

/// Somebody is elected at once, and somebody else when that VM has died.
fn without_a_fetcher_vms_elect_one_and_another(name: &str, shape: impl Fn(Mesh) -> Mesh) {
    let recorder = Recorder::new();
    let mut mesh = shape(mesh(name, &recorder).without_fetcher()).start();
    assert_eq!(elections(&mesh), 1);
    await_report_of("elected", &mut mesh);
    let load = mesh.load(&recorder);
    publish(1, 3, &mut mesh, &load);
    // Envoy makes no VM anew sooner than 1.5 s after the one before.
    assert_eq!(mesh.send(&Request::get("/slow?before=1600")).status, 200);
    // A worker that was elected before its first request has left the office to the main thread's VM by now.
    let before = elections(&mesh);
    assert!((1..=2).contains(&before), "found {before} elections");
    let from = recorder.now();
    tell_fetcher("trap", &mesh);
    mesh.write(&[samples::numbered(2)]);
    await_elections(before + 1, &mesh);
    // It was the main thread's, which no request makes anew.
    let vms = 2;
    publish(2, vms, &mut mesh, &load);
    let fault = Window { from, to: recorder.now() };
    publish(3, vms, &mut mesh, &load);
    publish(4, vms, &mut mesh, &load);
    assert_eq!(elections(&mesh), before + 1);
    drop(load.stop());
    recorder.await_logged();
    let verdict = recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(fault), 4 * BETWEEN);
    assert_eq!(verdict.counted.failed, 0, "it was the main thread's VM, which serves none: {verdict}");
}

#[test]
fn where_there_is_no_fetcher_a_vm_is_elected_and_another_when_it_died() {
    without_a_fetcher_vms_elect_one_and_another("elected", |mesh| mesh);
}

#[test]
fn where_there_is_no_fetcher_a_vm_is_elected_and_another_when_it_died_with_an_empty_vm_id() {
    without_a_fetcher_vms_elect_one_and_another("elected-empty", Mesh::empty_vm_id);
}

#[test]
fn the_office_passes_from_vm_to_vm_and_the_main_threads_goes_first() {
    let recorder = Recorder::new();
    let mut mesh = mesh("office", &recorder).start();
    let load = mesh.load(&recorder);
    publish(1, 3, &mut mesh, &load);
    let from = recorder.now();
    tell_fetcher("trap", &mesh);
    await_elections(1, &mesh);
    publish(2, 3, &mut mesh, &load);
    let first = Window { from, to: recorder.now() };

    // It serves no request, so that none fails, and none makes it anew.
    let from = recorder.now();
    tell_fetcher("trap", &mesh);
    await_elections(2, &mesh);
    publish(3, 2, &mut mesh, &load);
    let second = Window { from, to: recorder.now() };

    // The third is a worker's, which takes with it what it serves.
    let from = recorder.now();
    tell_fetcher("trap", &mesh);
    await_elections(3, &mesh);
    publish(4, 2, &mut mesh, &load);
    let third = Window { from, to: recorder.now() };
    assert_eq!(mesh.admin().stat("wasm.graylane.vm_reload_success"), Some(1));
    drop(load.stop());
    recorder.await_logged();
    let bounds = Bounds::effect_within(BOUND).stale_in(first).stale_in(second).stale_in(third).failing_in(third);
    recorder.assert_kept(&bounds, 4 * BETWEEN);
}

#[test]
fn nobody_is_elected_where_the_filter_is_not_told_how_to_fetch() {
    let recorder = Recorder::new();
    let mut mesh = mesh("never-elected", &recorder).filter_never_fetches().start();
    let load = mesh.load(&recorder);
    publish(1, 3, &mut mesh, &load);
    tell_fetcher("trap", &mesh);
    let before = mesh.control().status().expect("control answers").revision;
    let from = recorder.now();
    mesh.write(&[samples::numbered(2)]);
    // Longer than it takes to elect somebody.
    load.await_more(1000);
    assert_eq!(elections(&mesh), 0);
    let stale = mesh.metric("staleness_seconds");
    assert!(stale >= Some(3), "found a staleness of {stale:?}");
    assert_ne!(mesh.control().status().expect("control answers").revision, before);
    let for_ever = Window { from, to: recorder.now() };
    drop(load.stop());
    recorder.assert_kept(&Bounds::effect_within(BOUND).stale_in(for_ever), BETWEEN);
    let seen = mesh.send(&Request::get("/").header("x-user-id", "42")).seen();
    assert_eq!(seen.text("x-feature-flags"), Some("n=1"));
}

/// The office in a proxy of Istio, in each of these ways to install Graylane.
fn in_istio(proxy: Kind, forms: &[Form], check: impl Fn(&str, &dyn Fn(Mesh) -> Mesh)) {
    for &form in forms {
        let name = format!("{proxy:?}-{form:?}").to_lowercase();
        eprintln!("{name}");
        check(&name, &|mesh: Mesh| mesh.in_istio(Installation::new(proxy, form, "1.31.0")));
    }
}

const WITH_BOOTSTRAP: [Form; 2] = [Form::EnvoyFilterAndBootstrap, Form::WasmPluginAndBootstrap];
const WITHOUT: [Form; 3] = [Form::EnvoyFilter, Form::WasmPlugin, Form::TrafficExtension];

#[test]
fn in_a_sidecar_a_vm_takes_over_from_a_fetcher_that_died() {
    in_istio(Kind::Sidecar, &WITH_BOOTSTRAP, |name, shape| a_dead_fetcher_is_replaced(name, shape));
}

#[test]
fn in_a_gateway_a_vm_takes_over_from_a_fetcher_that_died() {
    in_istio(Kind::Gateway, &WITH_BOOTSTRAP, |name, shape| a_dead_fetcher_is_replaced(name, shape));
}

#[test]
fn in_a_sidecar_without_a_fetcher_a_vm_is_elected_and_another_when_it_died() {
    in_istio(Kind::Sidecar, &WITHOUT, |name, shape| without_a_fetcher_vms_elect_one_and_another(name, shape));
}

#[test]
fn in_a_gateway_without_a_fetcher_a_vm_is_elected_and_another_when_it_died() {
    in_istio(Kind::Gateway, &WITHOUT, |name, shape| without_a_fetcher_vms_elect_one_and_another(name, shape));
}
