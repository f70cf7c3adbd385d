//! The Envoys of a round: each with a listener for each of the ways it is measured with.

use std::{collections::BTreeMap, fs, net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    contestants::{Contestant, Way},
    cpu::Cores,
    listener::listener,
};
use crate::{Control, Envoy, Rules, Settings, envoy::Starting, eventually, race::bootstrap, workload::Workload};

/// How many workers the Envoys of a round have.
const WORKERS: usize = 1;

/// A way, and the Envoy it is measured in, which ends with the last of its ways.
#[derive(Debug)]
pub struct Arena {
    /// What is measured.
    pub contestant: Contestant,
    /// Its place among all.
    pub at: usize,
    /// Where to send requests.
    pub address: SocketAddr,
    host: Arc<Host>,
}

#[derive(Debug)]
struct Host {
    envoy: Envoy,
    _scratch: TempDir,
}

impl Arena {
    /// The process to ask for its CPU time.
    pub fn pid(&self) -> u32 {
        self.host.envoy.id()
    }
}

/// The control planes of a run, one for each size, by their numbers of rules.
#[derive(Debug)]
pub struct Controls {
    serving: BTreeMap<usize, Control>,
    _scratch: TempDir,
}

impl Controls {
    /// Starts one for each size that is delivered to any of `contestants`.
    ///
    /// # Panics
    /// Where one does not start.
    pub fn start(contestants: &[Contestant]) -> Self {
        let scratch = TempDir::new().expect("a temporary directory");
        let delivered = contestants.iter().filter(|contestant| contestant.way == Way::Delivered);
        let serve = |contestant: &Contestant| {
            let size = contestant.rules.expect("a size");
            let directory = scratch.path().join(size.to_string());
            fs::create_dir(&directory).expect("the temporary directory can be written");
            let rules = Rules::new(directory);
            rules.write(&[Workload::of(size).document().to_string()]);
            (size, Control::start(rules, "127.0.0.1:0", false))
        };
        Self { serving: delivered.map(serve).collect(), _scratch: scratch }
    }

    fn of(&self, contestant: &Contestant) -> Option<&Control> {
        let size = contestant.rules.filter(|_| contestant.way == Way::Delivered)?;
        self.serving.get(&size)
    }
}

/// Starts all Envoys of a round, on every core, and binds them to theirs once all are ready and have their rules.
///
/// # Panics
/// Where one does not start, or gets no rules.
pub fn start(order: &[(usize, Contestant)], controls: &Controls, round: usize, cores: &Cores) -> Vec<Arena> {
    let mut envoys: Vec<(String, Vec<&(usize, Contestant)>)> = Vec::new();
    for entry in order {
        let name = entry.1.envoy();
        match envoys.iter_mut().find(|(known, _)| *known == name) {
            Some((_, entries)) => entries.push(entry),
            None => envoys.push((name, vec![entry])),
        }
    }
    cores.release();
    let starting: Vec<_> = envoys.iter().map(|(name, entries)| begin(name, entries, controls, round)).collect();
    let arenas = starting.into_iter().zip(&envoys).flat_map(|((starting, scratch), (name, entries))| {
        let host = Arc::new(Host { envoy: starting.ready(), _scratch: scratch });
        let control = controls.of(&entries[0].1);
        if let Some(control) = control {
            await_rules(control, &node(name, round), WORKERS);
        }
        cores.pin_process_to_envoys(host.envoy.id());
        enter(&host, entries)
    });
    let arenas = arenas.collect();
    cores.pin_to_load();
    arenas
}

fn begin(name: &str, entries: &[&(usize, Contestant)], controls: &Controls, round: usize) -> (Starting, TempDir) {
    let contestants: Vec<_> = entries.iter().map(|(_, contestant)| contestant).collect();
    let control = controls.of(contestants[0]).map(Control::address);
    envoy(&node(name, round), &contestants, control, WORKERS)
}

/// Starts an Envoy with a listener for each of `contestants`, whose fetcher, if it has one, asks `control`.
pub(crate) fn envoy(
    node: &str,
    contestants: &[&Contestant],
    control: Option<SocketAddr>,
    workers: usize,
) -> (Starting, TempDir) {
    let scratch = TempDir::new().expect("a temporary directory");
    let file = scratch.path().join("envoy.json");
    let listeners: Vec<_> = contestants.iter().map(|contestant| listener(contestant)).collect();
    fs::write(&file, bootstrap(node, listeners, control).to_string()).expect("the temporary directory can be written");
    (Envoy::begin(&file, scratch.path(), &Settings { workers, into_files: false }), scratch)
}

fn enter(host: &Arc<Host>, entries: &[&(usize, Contestant)]) -> Vec<Arena> {
    let listeners = host.envoy.admin().listeners().expect("Envoy tells where it listens");
    let arena = |(at, contestant): &(usize, Contestant)| {
        let label = contestant.label();
        let found = listeners.iter().find(|(name, _)| *name == label);
        let (_, address) = found.unwrap_or_else(|| panic!("found {listeners:?}, expected {label}"));
        Arena { contestant: contestant.clone(), at: *at, address: *address, host: Arc::clone(host) }
    };
    entries.iter().map(|entry| arena(entry)).collect()
}

fn node(name: &str, round: usize) -> String {
    format!("{name} in round {round}")
}

/// Waits until every VM of the Envoy `node`, those of its workers and the main thread's, has said that it runs what is published;
/// gives the revision.
pub(crate) fn await_rules(control: &Control, node: &str, workers: usize) -> String {
    eventually("the rules in every VM", || {
        let status = control.status()?;
        let revision = status.revision.clone().ok_or_else(|| format!("nothing is published: {:?}", status.problems))?;
        let found = status.nodes.iter().find(|found| found.id == node).ok_or("found no report")?;
        let on_it = found.workers.iter().filter(|worker| worker.revision.as_ref() == Some(&revision)).count();
        let expected = workers + 1;
        (on_it == expected).then_some(revision).ok_or_else(|| format!("expected {expected} VMs on it, found {found:?}"))
    })
}

fn bootstrap(node: &str, listeners: Vec<Value>, control: Option<SocketAddr>) -> Value {
    let mut bootstrap = json!({
        "node": {"id": node, "cluster": "bench"},
        "admin": {"address": bootstrap::free_port()},
        "static_resources": {"listeners": listeners},
        "stats_config": bootstrap::stats_tags(),
    });
    if let Some(control) = control {
        bootstrap["bootstrap_extensions"] =
            json!([{"name": "envoy.bootstrap.wasm", "typed_config": bootstrap::fetcher()}]);
        bootstrap["static_resources"]["clusters"] = json!([bootstrap::cluster("graylane_control", control)]);
    }
    bootstrap
}
