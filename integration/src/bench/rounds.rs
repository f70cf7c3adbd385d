//! The rounds: new Envoys, and the same requests to each, in turns whose order is drawn anew.

use std::time::Duration;

use super::{
    Options,
    arena::Arena,
    cpu::{self, Cores},
    filters::Filter,
    load::{self, Load, Tally},
    statistics::Random,
};

/// Microseconds of CPU time a request: one list a filter, one entry a round.
pub type Samples = Vec<Vec<f64>>;

/// Turns that each Envoy has in a round: a machine that is slower for a second is slower for all of them.
const TURNS: usize = 10;

/// One filter's part in a round.
struct Entrant {
    /// Its place among the filters.
    at: usize,
    arena: Arena,
    load: Load,
    spent: Duration,
    tally: Tally,
}

/// Measures all rounds.
///
/// # Panics
/// Where a filter answers otherwise than it must.
pub fn measure(options: &Options, filters: &[Filter], cores: &Cores) -> Samples {
    let mut random = Random::new(1);
    let mut samples = vec![Vec::new(); filters.len()];
    for _ in 0..options.rounds {
        let mut entrants = start(filters, cores, &mut random);
        warm_up(&mut entrants, options.requests / 2, random.next());
        for turn in 0..TURNS {
            let share = options.requests / TURNS + usize::from(turn < options.requests % TURNS);
            one_turn(&mut entrants, share, &mut random);
        }
        for entrant in entrants {
            entrant.tally.check(&entrant.arena.filter, options.requests);
            samples[entrant.at].push(entrant.spent.as_secs_f64() * 1e6 / options.requests as f64);
        }
    }
    samples
}

fn start(filters: &[Filter], cores: &Cores, random: &mut Random) -> Vec<Entrant> {
    let mut order: Vec<_> = filters.iter().copied().enumerate().collect();
    random.shuffle(&mut order);
    // What is started now inherits the core: Envoy with all its threads.
    cores.pin_to_envoys();
    let arenas: Vec<_> = order.into_iter().map(|(at, filter)| (at, Arena::start(filter))).collect();
    cores.pin_to_load();
    let enter = |(at, arena): (usize, Arena)| {
        let load = Load::open(arena.address());
        Entrant { at, arena, load, spent: Duration::ZERO, tally: Tally::default() }
    };
    arenas.into_iter().map(enter).collect()
}

/// Has everything compiled and cached that will be, and checks that equal work is done.
fn warm_up(entrants: &mut [Entrant], requests: usize, users: u64) {
    for entrant in entrants.iter_mut() {
        entrant.load.send(requests, users, &mut Tally::default());
    }
    load::agree(entrants.iter().map(|entrant| &entrant.arena).filter(|arena| arena.filter.agrees));
}

fn one_turn(entrants: &mut [Entrant], requests: usize, random: &mut Random) {
    let users = random.next();
    random.shuffle(entrants);
    for entrant in entrants {
        let before = cpu::time_used(entrant.arena.pid());
        entrant.load.send(requests, users, &mut entrant.tally);
        entrant.spent += cpu::time_used(entrant.arena.pid()).saturating_sub(before);
    }
}
