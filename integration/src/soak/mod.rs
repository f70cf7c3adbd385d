//! A soak: thousands of updates under load, and whether anything grows that must not.
//!
//! The shipped configuration with two workers gets one update after another, each made once the one before is in effect
//! everywhere, while an open-loop load runs through both workers. Names of rule sets, rules and variants change as they
//! go, and some updates are refused. Every tenth of the updates (every thousand, where there are more than 10,000) is a
//! line of the report, and the first one is held against the last.

mod decide;
mod script;
mod table;
mod updates;
mod vitals;

use crate::{
    Control, Mesh, Request, Running,
    program::Outcome,
    race::{
        traffic::{Lane, Pace, Traffic},
        ways::Folder,
        workers::spread,
    },
};
use decide::Cost;
use script::{Step, document};
use updates::{Update, Updates};
use vitals::Vitals;

/// How many workers Envoy has.
const WORKERS: usize = 2;
/// How many updates nobody counts, at least.
const WARM_UP: u32 = 40;
/// The update that is there from the start.
const FIRST: u32 = 1;
/// What the shipped listener's statistics are called, on a free port.
const LISTENER: &str = "127.0.0.1_0";
/// The name that the harness gives its one document in JSON.
const FILE: &str = "00.json";
/// The most updates in a line of the report, and how often the vitals are taken for it.
const LINE: usize = 1000;
const VITALS: usize = 20;

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many updates, at least 20.
    pub updates: u32,
    /// How many requests a second.
    pub per_second: f64,
    /// How many connections to each worker, at least 1.
    pub connections: usize,
    /// What the order of the last comparison is drawn by.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { updates: 10_000, per_second: 1000.0, connections: 8, seed: 1 }
    }
}

/// A mesh and the load on it, which ends first.
struct Stage {
    traffic: Traffic,
    mesh: Running<Control>,
}

/// Some updates in a row, and what was seen meanwhile.
struct Line {
    updates: Vec<Update>,
    vitals: Vec<Vitals>,
}

/// Makes the updates, and gives the report to print.
///
/// # Panics
/// Where an artefact is missing, something does not start, or an update is neither used nor refused.
pub fn run(options: &Options) -> Outcome {
    let stage = Stage::start("soak", options, FIRST);
    let length = (options.updates as usize / 10).clamp(1, LINE);
    let (lines, used) = soak(options, &stage, length);
    stage.traffic.set(Pace::Idle);
    let fresh = Stage::start("fresh", options, used);
    let cost = decide::compare(options.seed, &stage, &fresh);
    table::outcome(options, &lines, cost)
}

impl Stage {
    /// Starts a mesh with the update `number` in effect, and a load that is idle.
    fn start(name: &str, options: &Options, number: u32) -> Self {
        let mesh = Mesh::new(name).rules(&document(number).to_string()).workers(WORKERS).quiet().start();
        let workers = spread(mesh.admin(), LISTENER, mesh.envoy().address(), WORKERS, options.connections);
        let request = Request::get("/").header("x-user-id", "42");
        Self { traffic: Traffic::start(vec![Lane { workers, request }]), mesh }
    }
}

/// Makes all updates, after some that nobody counts; gives the lines, and the last update that was used.
fn soak(options: &Options, stage: &Stage, length: usize) -> (Vec<Line>, u32) {
    let folder = Folder::beside(stage.mesh.control.rules().directory(), stage.mesh.scratch(), FILE);
    stage.traffic.set(Pace::Open { lane: 0, per_second: options.per_second });
    stage.traffic.await_number(0, FIRST);
    stage.traffic.take();
    let mut updates = Updates { mesh: &stage.mesh, traffic: &stage.traffic, folder: &folder, used: FIRST };
    // Caches, pools and compiled code are there before the first line.
    let counted = FIRST + 1 + WARM_UP.max(length as u32 / 5);
    (FIRST + 1..counted).for_each(|number| drop(updates.make(number)));
    let numbers: Vec<_> = (counted..counted + options.updates).collect();
    let lines = numbers.chunks(length).enumerate().map(|(at, numbers)| {
        let line = line(&mut updates, numbers);
        eprintln!("{} of {} updates", at * length + numbers.len(), options.updates);
        line
    });
    (lines.collect(), updates.used)
}

fn line(updates: &mut Updates, numbers: &[u32]) -> Line {
    let every = (numbers.len() / VITALS).max(1);
    let mut line = Line { updates: Vec::new(), vitals: Vec::new() };
    for (at, &number) in numbers.iter().enumerate() {
        line.updates.push(updates.make(number));
        if at % every == every - 1 {
            line.vitals.push(Vitals::of(updates.mesh));
        }
    }
    line
}
