//! What a request costs the Envoy that took all those updates, beside one that was started just now.
//!
//! Side by side, because a machine is never as fast as it was ten minutes ago.

use std::time::Duration;

use super::Stage;
use crate::{
    bench::{
        cpu,
        statistics::{Estimate, Random, bootstrap, median},
    },
    race::traffic::Pace,
};

/// Turns of each Envoy.
const TURNS: usize = 30;
/// Requests in a turn: in a closed loop, which costs few wake-ups.
const REQUESTS: usize = 1000;

/// Microseconds of Envoy's CPU time for each request, with no update under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) fresh: f64,
    pub(super) soaked: f64,
    /// The second in first ones.
    pub(super) ratio: Estimate,
}

/// Measures both, in turns whose order is drawn.
pub(super) fn compare(seed: u64, soaked: &Stage, fresh: &Stage) -> Cost {
    let mut random = Random::new(seed);
    let mut order: Vec<_> = [0, 1].into_iter().flat_map(|which| vec![which; TURNS]).collect();
    random.shuffle(&mut order);
    let stages = [fresh, soaked];
    // Has everything compiled and cached that will be.
    for stage in stages {
        let _warm = turn(stage);
    }
    let mut taken = [Vec::new(), Vec::new()];
    for which in order {
        taken[which].push(turn(stages[which]));
    }
    let [fresh, soaked] = taken;
    let of = |taken: &[f64], drawn: &[usize]| median(drawn.iter().map(|&at| taken[at]));
    let ratio = bootstrap(TURNS, |drawn| of(&soaked, drawn) / of(&fresh, drawn));
    Cost { fresh: median(fresh), soaked: median(soaked), ratio }
}

fn turn(stage: &Stage) -> f64 {
    let pid = stage.mesh.envoy().id();
    stage.traffic.take();
    let before = cpu::time_used(pid);
    stage.traffic.set(Pace::Closed { lane: 0 });
    stage.traffic.await_more(REQUESTS);
    stage.traffic.set(Pace::Idle);
    // The other's turn begins once nothing is under way here.
    std::thread::sleep(Duration::from_millis(5));
    let spent = cpu::time_used(pid).saturating_sub(before);
    spent.as_secs_f64() * 1e6 / stage.traffic.take().len() as f64
}
