//! Checks that equal work is done: the same answers to the same requests.

use std::collections::BTreeMap;

use super::{
    arena::Arena,
    contestants::Expects,
    load::{Connection, request},
};
use crate::{Request, workload::Workload};

/// Users asked about where ways that hash alike are compared.
const USERS: u64 = 500;
/// Rules asked about, of each size.
const RULES: usize = 60;

/// Checks that ways that hash alike give every user the same variant.
///
/// # Panics
/// With the first user who got two different answers.
pub fn agree_on_users(arenas: &[&Arena]) {
    let alike = arenas.iter().filter(|arena| arena.contestant.expects == Expects::Halves(true));
    let mut open: Vec<_> = alike.map(|arena| (arena.contestant.label(), Connection::open(arena.address))).collect();
    for user in 0..USERS {
        let asked = request(user);
        let answers: Vec<_> = open.iter_mut().map(|(name, connection)| (&*name, connection.exchange(&asked))).collect();
        let same = answers.windows(2).all(|pair| pair[0].1 == pair[1].1);
        assert!(same, "user {user}: found {answers:?}, expected one variant");
    }
}

/// Checks that everybody gives the same answers to requests that match a rule of workload W, and to some that only just do not.
///
/// # Panics
/// With the first request that was answered otherwise.
pub fn agree_on_rules(arenas: &[&Arena]) {
    let mut sizes: BTreeMap<usize, Vec<&&Arena>> = BTreeMap::new();
    for arena in arenas {
        if let Some(rules) = arena.contestant.rules {
            sizes.entry(rules).or_default().push(arena);
        }
    }
    for (size, arenas) in sizes {
        let workload = Workload::of(size);
        let probes = workload.probes(RULES);
        for arena in arenas {
            let mut connection = Connection::open(arena.address);
            for probe in probes.iter().filter(|probe| arena.contestant.says(&workload.rules[probe.rule].ask)) {
                let (name, value) = &probe.header;
                let found =
                    connection.exchange(&Request::get("/").header("x-user-id", "42").header(name, value).bytes());
                let rule = &workload.rules[probe.rule];
                assert_eq!(found, probe.variant, "{}: {name}: {value}, about {rule:?}", arena.contestant.label());
            }
        }
    }
}
