//! What stands beside what.

use std::hint::black_box;

use graylane_rules::Snapshot;

use crate::{
    datalogic::Datalogic,
    floor::Floor,
    outcome::Outcome,
    unleash::Unleash,
    workload::{REQUEST, Workload},
};

/// A way to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `Snapshot::decide` on the bytes of a snapshot.
    Graylane,
    /// By hand.
    Floor,
    /// datalogic-rs.
    Datalogic,
    /// unleash-yggdrasil.
    Unleash,
}

/// A way to decide, with its rules.
pub enum Ready {
    /// The snapshot, loaded.
    Graylane(Box<Snapshot>),
    /// What the code by hand knows.
    Floor(Floor),
    /// The engine.
    Datalogic(Box<Datalogic>),
    /// The engine.
    Unleash(Box<Unleash>),
}

impl Column {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Graylane, Self::Floor, Self::Datalogic, Self::Unleash];

    /// The name in the table, and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graylane => "graylane",
            Self::Floor => "floor",
            Self::Datalogic => "datalogic-rs",
            Self::Unleash => "unleash-yggdrasil",
        }
    }

    /// Prepares what is known before a request comes.
    pub fn ready(self, workload: Workload) -> Ready {
        match self {
            Self::Graylane => Ready::Graylane(Box::new(workload.snapshot())),
            Self::Floor => Ready::Floor(Floor::of(workload)),
            Self::Datalogic => Ready::Datalogic(Box::new(Datalogic::of(workload, &REQUEST))),
            Self::Unleash => Ready::Unleash(Box::new(Unleash::of(workload, &REQUEST))),
        }
    }
}

impl Ready {
    /// Decides the request `times` over; what is counted and timed.
    pub fn decide(&mut self, times: u32) {
        match self {
            Self::Graylane(snapshot) => measured(times, || {
                black_box(by_snapshot(black_box(snapshot)));
            }),
            Self::Floor(floor) => measured(times, || {
                black_box(black_box(&*floor).decide(black_box(&REQUEST)));
            }),
            Self::Datalogic(engine) => measured(times, || {
                black_box(black_box(&mut *engine).decide());
            }),
            Self::Unleash(engine) => measured(times, || {
                black_box(black_box(&*engine).decide());
            }),
        }
    }

    /// The decision.
    pub fn outcome(&mut self) -> Outcome<'_> {
        match self {
            Self::Graylane(snapshot) => by_snapshot(snapshot),
            Self::Floor(floor) => floor.decide(&REQUEST),
            Self::Datalogic(engine) => engine.decide(),
            Self::Unleash(engine) => engine.decide(),
        }
    }
}

#[inline]
fn by_snapshot(snapshot: &Snapshot) -> Outcome<'_> {
    snapshot.decide(black_box(&REQUEST)).next().map(Outcome::from).expect("a rule set that includes every request")
}

/// What callgrind counts, by its name.
#[inline(never)]
fn measured(times: u32, mut call: impl FnMut()) {
    for _ in 0..times {
        call();
    }
}
