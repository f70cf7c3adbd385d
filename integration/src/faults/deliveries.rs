//! Faults between the control plane and Envoy.

use std::time::Duration;

use super::stage::Real;
use crate::Mesh;

/// What passes in a second of a slow network: rules need longer than that.
const SLOW: u32 = 1500;

/// As shipped.
pub(super) fn plain(mesh: Mesh) -> Mesh {
    mesh
}

/// With a network that can be harmed.
pub(super) fn by_cable(mesh: Mesh) -> Mesh {
    mesh.by_cable()
}

pub(super) fn killed(stage: &mut Real, hold: Duration) {
    stage.change_between(|mesh| mesh.control().kill(), hold, |mesh| mesh.control().start_again());
}

pub(super) fn hung(stage: &mut Real, hold: Duration) {
    stage.change_between(|mesh| mesh.control().process().pause(), hold, |mesh| mesh.control().process().resume());
}

pub(super) fn slow(stage: &mut Real, hold: Duration) {
    stage.change_between(|mesh| mesh.cable().slow_down(SLOW), hold, |mesh| mesh.cable().mend());
}

pub(super) fn cut(stage: &mut Real, hold: Duration) {
    stage.change_between(|mesh| mesh.cable().cut(), hold, |mesh| mesh.cable().mend());
}

pub(super) fn silent(stage: &mut Real, hold: Duration) {
    stage.change_between(|mesh| mesh.cable().swallow(), hold, |mesh| mesh.cable().mend());
}
