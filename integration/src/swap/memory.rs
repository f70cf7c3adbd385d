//! What Envoys weigh.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{
    Control, Rules,
    bench::{
        arena,
        contestants::{Contestant, OURS, ROUTES},
        load::{Load, Tally},
    },
};

/// Fewer and more workers: their difference is what one of them has.
pub(super) const FEW: usize = 1;
pub(super) const MANY: usize = 3;
/// Enough to have every worker serve some.
const REQUESTS: usize = 2000;

/// Resident bytes of an Envoy with few workers and with many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) few: f64,
    pub(super) many: f64,
}

impl Weight {
    /// What each worker adds.
    pub(super) fn each(self) -> f64 {
        (self.many - self.few) / (MANY - FEW) as f64
    }
}

/// The Envoys, without and with the rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    pub(super) no_filter: Weight,
    pub(super) routes: Weight,
    pub(super) no_rules: Weight,
    pub(super) rules: Weight,
}

impl Weights {
    /// Weighs them: `first` and then `second`, of `size` rules, are published, so that a swap is over.
    pub(super) fn measure(size: usize, first: &str, second: &str) -> Self {
        let sized = |name: &str| find(&format!("{name} {size}"), name);
        let weigh = |contestant: &Contestant, documents: &[&str]| {
            let [few, many] = [FEW, MANY].map(|workers| weigh(contestant, documents, workers));
            Weight { few, many }
        };
        Self {
            no_filter: weigh(&Contestant::choose(&["no filter".to_owned()])[0], &[]),
            routes: weigh(&sized(ROUTES), &[]),
            no_rules: weigh(&sized(OURS), &[]),
            rules: weigh(&sized(OURS), &[first, second]),
        }
    }
}

fn find(label: &str, name: &str) -> Contestant {
    let all = Contestant::choose(&[name.to_owned()]);
    let found = all.iter().find(|contestant| contestant.label() == label);
    found.unwrap_or_else(|| panic!("found no {label}, expected one of the sizes of workload W")).clone()
}

/// The resident bytes of an Envoy with `workers`, after it has served requests by the last of `documents`.
fn weigh(contestant: &Contestant, documents: &[&str], workers: usize) -> f64 {
    let scratch = TempDir::new().expect("a temporary directory");
    let control = Control::start(Rules::new(PathBuf::from(scratch.path())), "127.0.0.1:0", false);
    let (starting, _directory) = arena::envoy("weighed", &[contestant], Some(control.address()), workers);
    let envoy = starting.ready();
    let mut last = None;
    for document in documents {
        control.rules().write(&[(*document).to_owned()]);
        let revision = crate::eventually("another revision", || {
            let now = arena::await_rules(&control, "weighed", workers);
            if last.as_ref() == Some(&now) { Err(format!("found {now} still")) } else { Ok(now) }
        });
        last = Some(revision);
    }
    Load::open(envoy.address()).send(REQUESTS, 1, &mut Tally::default());
    envoy.process().resident_bytes() as f64
}
