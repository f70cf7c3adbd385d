//! What may grow where it must not.
//!
//! Envoy tells neither how much shared data it holds nor how many messages its queues; both lie in its heap, whose size
//! it tells to the byte.

use crate::{Admin, Control, Running, Stats};

/// Ends the name of every series of decisions, whatever its tags.
const SERIES: &str = "graylane_requests_total";

/// Of one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vitals {
    /// Resident memory, in bytes.
    pub(super) envoy: f64,
    pub(super) control: f64,
    /// Envoy's heap in use, in bytes: without the memory of VMs.
    pub(super) heap: f64,
    /// Series of decisions, and all other metrics.
    pub(super) series: f64,
    pub(super) metrics: f64,
    /// VMs that live, and that ever did.
    pub(super) vms: f64,
    pub(super) vms_created: f64,
}

impl Vitals {
    /// Those of `mesh` now.
    pub(super) fn of(mesh: &Running<Control>) -> Self {
        let stats = mesh.admin().stats().expect("stats");
        let series = stats.with(SERIES).filter(|(name, _)| name.ends_with(SERIES)).count();
        Self {
            envoy: mesh.envoy().process().resident_bytes() as f64,
            control: mesh.control.process().resident_bytes() as f64,
            heap: heap(mesh.admin()),
            series: series as f64,
            metrics: (stats.count() - series) as f64,
            vms: vms(&stats, "active"),
            vms_created: vms(&stats, "created"),
        }
    }
}

fn heap(admin: Admin) -> f64 {
    let memory = admin.json("/memory").expect("memory");
    memory["allocated"].as_str().and_then(|bytes| bytes.parse().ok()).unwrap_or_else(|| panic!("found {memory}"))
}

fn vms(stats: &Stats, which: &str) -> f64 {
    let name = format!("wasm.envoy.wasm.runtime.v8.{which}");
    stats.value(&name).unwrap_or_else(|| panic!("found no {name} among the stats")) as f64
}
