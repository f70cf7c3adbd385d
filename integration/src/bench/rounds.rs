//! The rounds: new Envoys, and the same requests to each way, in turns whose order is drawn anew.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Options,
    arena::{self, Arena, Controls},
    contestants::Contestant,
    cpu::{self, Cores},
    load::{Load, Tally},
    probes,
    statistics::Random,
};

/// Microseconds of CPU time a request: one list a contestant, one entry a round.
pub type Samples = Vec<Vec<f64>>;

/// Turns that each has in a round: a machine that is slower for a second is slower for all of them.
const TURNS: usize = 10;

/// How long after its start an Envoy is measured at the earliest. Until a filter of Graylane has fetched rules, or for its first two
/// seconds, it looks for them every 10 ms, which would be measured as a cost of requests, and in short rounds alone.
const SETTLED: Duration = Duration::from_secs(3);

/// One contestant's part in a round.
struct Entrant {
    arena: Arena,
    load: Load,
    spent: Duration,
    tally: Tally,
}

/// Measures all rounds.
///
/// # Panics
/// Where a way answers otherwise than it must.
pub fn measure(options: &Options, contestants: &[Contestant], cores: &Cores) -> Samples {
    let controls = Controls::start(contestants);
    let mut random = Random::new(1);
    let mut samples = vec![Vec::new(); contestants.len()];
    for round in 0..options.rounds {
        let mut order: Vec<_> = contestants.iter().cloned().enumerate().collect();
        random.shuffle(&mut order);
        let mut entrants: Vec<_> = arena::start(&order, &controls, round, cores).into_iter().map(enter).collect();
        let started = Instant::now();
        warm_up(&mut entrants, options.requests / 2, round, random.next());
        thread::sleep(SETTLED.saturating_sub(started.elapsed()));
        (0..TURNS).for_each(|turn| one_turn(&mut entrants, turn, options.requests, &mut random));
        for Entrant { arena, spent, tally, .. } in entrants {
            let requests = arena.contestant.share(options.requests);
            tally.check(&arena.contestant, requests);
            samples[arena.at].push(spent.as_secs_f64() * 1e6 / requests as f64);
        }
        eprintln!("round {} of {}", round + 1, options.rounds);
    }
    samples
}

fn enter(arena: Arena) -> Entrant {
    let load = Load::open(arena.address);
    Entrant { arena, load, spent: Duration::ZERO, tally: Tally::default() }
}

/// Has everything compiled and cached that will be, and checks that equal work is done: of users in every round, of rules in
/// the first, since they are the same in all.
fn warm_up(entrants: &mut [Entrant], requests: usize, round: usize, users: u64) {
    for Entrant { arena, load, .. } in entrants.iter_mut() {
        load.send(arena.contestant.share(requests), users, &mut Tally::default());
    }
    let arenas: Vec<_> = entrants.iter().map(|entrant| &entrant.arena).collect();
    probes::agree_on_users(&arenas);
    if round == 0 {
        probes::agree_on_rules(&arenas);
    }
}

fn one_turn(entrants: &mut [Entrant], turn: usize, requests: usize, random: &mut Random) {
    let users = random.next();
    random.shuffle(entrants);
    for Entrant { arena, load, spent, tally } in entrants {
        let all = arena.contestant.share(requests);
        let share = all / TURNS + usize::from(turn < all % TURNS);
        let before = cpu::time_used(arena.pid());
        load.send(share, users, tally);
        *spent += cpu::time_used(arena.pid()).saturating_sub(before);
    }
}
