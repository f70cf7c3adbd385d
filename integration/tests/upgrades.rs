//! The filter is replaced by ECDS, under load, while the fetcher stays what it was until Envoy restarts: builds that differ in
//! the snapshot formats they read, in both orders.
//!
//! The shipped build reads format 2; `next` reads 2 and 3, and prefers 3.

use graylane_integration::{
    Control, Mesh, Running, eventually,
    history::{BOUND, Bounds, Recorder, Window},
    load::{BETWEEN, Loading},
    samples,
};

const NEXT: Option<&str> = Some("next");
const SHIPPED: Option<&str> = None;

fn mesh(name: &str, recorder: &Recorder) -> Mesh {
    Mesh::new(name).rules(&samples::numbered(0)).workers(2).by_ecds().recorded_by(recorder)
}

/// Replaces the filter by another build; returns once the VMs of the one before are forgotten.
fn replace(build: Option<&str>, mesh: &mut Running<Control>) {
    let before = formats_read(mesh);
    mesh.push_filter(|filter| filter.wasm(build)).expect("another build is accepted");
    eventually("only VMs of the other build", || {
        let status = mesh.control().status()?;
        status.on_it(3)?;
        match formats_read(mesh) {
            found if found != before && found.iter().all(|formats| formats == &found[0]) => Ok(()),
            found => Err(format!("found VMs that read {found:?}")),
        }
    });
}

/// The formats that each VM reads.
fn formats_read(mesh: &mut Running<Control>) -> Vec<Vec<u16>> {
    let status = mesh.control().status().expect("control answers");
    status.workers().map(|worker| worker.formats.clone()).collect()
}

/// Publishes rules `n`, waits until some requests were served by them, and gives the format in which they were fetched.
fn publish(n: u32, mesh: &mut Running<Control>, load: &Loading) -> u16 {
    let from = mesh.envoy().process().error_line_count();
    let revision = mesh.publish_under(load, n);
    let fetched = format!("revision {revision} fetched: format ");
    mesh.envoy().process().error_line(from, "the format that was fetched", |line| {
        line.split_once(&fetched)?.1.split_once(',')?.0.parse().ok()
    })
}

/// The first change after the VMs have changed answers a question that was asked before, and so in the format asked for then.
fn publish_twice(n: u32, mesh: &mut Running<Control>, load: &Loading) -> u16 {
    publish(n, mesh, load);
    publish(n + 1, mesh, load)
}

fn kept(recorder: &Recorder, bounds: &Bounds, count: usize) {
    recorder.await_logged();
    recorder.assert_kept(bounds, count);
}

#[test]
fn a_new_filter_under_an_old_fetcher_gets_the_new_format_once_no_vm_of_the_old_one_is_left() {
    let recorder = Recorder::new();
    let mut mesh = mesh("upgrade", &recorder).control_build("next").start();
    let load = mesh.load(&recorder);
    assert_eq!(publish_twice(1, &mut mesh, &load), 2);
    mesh.push_filter(|filter| filter.wasm(NEXT)).expect("another build is accepted");
    // The VMs of the old filter are not forgotten yet.
    mesh.write(&[samples::numbered(3)]);
    load.await_more(BETWEEN);
    mesh.await_everyone();
    assert_eq!(publish_twice(4, &mut mesh, &load), 3);
    drop(load.stop());
    kept(&recorder, &Bounds::effect_within(BOUND), 5 * BETWEEN);
}

#[test]
fn an_old_filter_under_a_new_fetcher_gets_the_format_it_reads_until_it_is_replaced() {
    let recorder = Recorder::new();
    let mut mesh = mesh("old-filter", &recorder).control_build("next").fetcher_wasm("next").start();
    let load = mesh.load(&recorder);
    assert_eq!(publish_twice(1, &mut mesh, &load), 2);
    replace(NEXT, &mut mesh);
    assert_eq!(publish_twice(3, &mut mesh, &load), 3);
    drop(load.stop());
    kept(&recorder, &Bounds::effect_within(BOUND), 4 * BETWEEN);
}

/// Back from a filter that is served format 3: first the control plane, which then publishes in format 2, and the filter when
/// everybody runs that.
fn goes_back_in_order(name: &str, shape: impl Fn(Mesh) -> Mesh) {
    let recorder = Recorder::new();
    let mut mesh = shape(mesh(name, &recorder).control_build("next").filter_wasm("next")).start();
    let load = mesh.load(&recorder);
    assert_eq!(publish_twice(1, &mut mesh, &load), 3);
    let from = recorder.now();
    mesh.control().kill();
    mesh.control().use_build(SHIPPED);
    mesh.control().start_again();
    mesh.await_everyone();
    let without_control = Window { from, to: recorder.now() };
    replace(SHIPPED, &mut mesh);
    assert_eq!(publish(3, &mut mesh, &load), 2);
    drop(load.stop());
    kept(&recorder, &Bounds::effect_within(BOUND).stale_in(without_control), 3 * BETWEEN);
}

#[test]
fn control_and_then_the_filter_go_back_under_an_old_fetcher_without_a_loss() {
    goes_back_in_order("back-old", |mesh| mesh);
}

#[test]
fn control_and_then_the_filter_go_back_under_a_new_fetcher_without_a_loss() {
    goes_back_in_order("back-new", |mesh| mesh.fetcher_wasm("next"));
}

/// An older filter finds the newest revision in its format as well.
fn goes_back_first(name: &str, without_control: bool) {
    let recorder = Recorder::new();
    let mut mesh = mesh(name, &recorder).control_build("next").filter_wasm("next").start();
    let load = mesh.load(&recorder);
    assert_eq!(publish_twice(1, &mut mesh, &load), 3);
    if without_control {
        mesh.control().kill();
    }
    mesh.push_filter(|filter| filter.wasm(SHIPPED)).expect("another build is accepted");
    // Longer than the VMs before are remembered.
    load.await_more(1200);
    let from = recorder.now();
    if without_control {
        mesh.control().start_again();
    }
    assert_eq!(publish_twice(3, &mut mesh, &load), 2);
    let without_control = Window { from, to: recorder.now() };
    drop(load.stop());
    kept(&recorder, &Bounds::effect_within(BOUND).stale_in(without_control), 1200);
    assert_eq!(mesh.metric("snapshots_refused_total").unwrap_or(0), 0, "what could be read was refused");
}

#[test]
fn a_filter_that_goes_back_before_control_loses_nothing() {
    goes_back_first("back-first", false);
}

#[test]
fn a_filter_that_goes_back_while_control_is_away_loses_nothing() {
    goes_back_first("back-away", true);
}

#[test]
fn an_old_control_plane_serves_new_filters_and_fetchers_and_old_ones() {
    let recorder = Recorder::new();
    let mut mesh = mesh("old-control", &recorder).wasm("next").start();
    let load = mesh.load(&recorder);
    assert_eq!(publish_twice(1, &mut mesh, &load), 2);
    replace(SHIPPED, &mut mesh);
    assert_eq!(publish(3, &mut mesh, &load), 2);
    drop(load.stop());
    kept(&recorder, &Bounds::effect_within(BOUND), 3 * BETWEEN);
}
