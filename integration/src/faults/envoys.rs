//! Faults of Envoy, its VMs and its configuration.

use std::{thread::sleep, time::Duration};

use serde_json::json;

use super::stage::Real;
use crate::Mesh;

/// How long a fetcher is stalled: longer than the 3 s after which another is elected.
const STALL: &str = "fetcher-stall=4000";

/// How old a VM must be for the one after it to be made at once: `base_interval` of Envoy's `reload_config`, and up to half
/// of it by chance.
const RELOAD: Duration = Duration::from_millis(1500);

/// With a filter that obeys orders, in an Envoy that can be started again.
pub(super) fn obedient(mesh: Mesh) -> Mesh {
    mesh.wasm("hooks").restartable()
}

pub(super) fn restartable(mesh: Mesh) -> Mesh {
    mesh.restartable()
}

pub(super) fn by_ecds(mesh: Mesh) -> Mesh {
    mesh.by_ecds()
}

pub(super) fn by_lds(mesh: Mesh) -> Mesh {
    mesh.by_lds()
}

pub(super) fn fetcher_trapped(stage: &mut Real, hold: Duration) {
    stage.order("fetcher-trap");
    sleep(hold);
    stage.change();
}

pub(super) fn fetcher_stalled(stage: &mut Real, hold: Duration) {
    stage.order(STALL);
    sleep(hold);
    stage.change();
}

pub(super) fn worker_trapped(stage: &mut Real, hold: Duration) {
    stage.order("trap");
    stage.change();
    sleep(hold);
}

/// A VM of a worker that dies sooner is not made anew before that time is over.
pub(super) fn old_enough(_: &mut Real) {
    sleep(RELOAD);
}

/// Envoy never starts a bootstrap extension's VM again.
pub(super) fn new_envoy(stage: &mut Real) {
    stage.new_envoy();
}

/// Envoy tries each configuration on its main thread first, and rejects what fails there.
pub(super) fn rejected(stage: &mut Real, hold: Duration) {
    stage.change();
    let tick = another_tick(stage);
    let pushed = stage.mesh.push_filter(|filter| filter.configure("nonsense", json!(tick)));
    assert!(pushed.is_err(), "found a configuration with nonsense in it accepted");
    sleep(hold);
}

pub(super) fn filter_pushed(stage: &mut Real, _: Duration) {
    stage.change();
    let tick = another_tick(stage);
    stage.mesh.push_filter(|filter| filter.configure("tick", json!(tick))).expect("another tick is accepted");
}

pub(super) fn listener_pushed(stage: &mut Real, _: Duration) {
    stage.change();
    let tick = another_tick(stage);
    let pushed = stage.mesh.push_listeners(|listeners| listeners.plugin("front").configure("tick", json!(tick)));
    pushed.expect("another tick is accepted");
}

pub(super) fn killed(stage: &mut Real, hold: Duration) {
    stage.change_between(|mesh| mesh.envoy_mut().kill(), hold, |mesh| mesh.envoy_mut().start_again());
}

/// Each pushed configuration must differ from all before, or Envoy takes it for none.
fn another_tick(stage: &Real) -> String {
    format!("{}ms", 50 + stage.number())
}
