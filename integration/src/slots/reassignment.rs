//! How many identities a change of weights moves: by Graylane, by ranges in a row, by a hash modulo the sum.

use graylane_rules::{
    allocation::{Allocation, counts},
    slot::{Domain, SLOTS, seed, slot},
};

use super::{Part, families::FAMILIES};

/// Identities that are watched while weights change.
const WATCHED: usize = 1_000_000;

/// Weights before and after, and the slots that have to move.
const CHANGES: [(&[u32], &[u32], u32); 6] = [
    (&[34, 33, 33], &[10, 45, 45], 24_000),
    (&[80, 10, 10], &[70, 10, 20], 10_000),
    (&[10, 90], &[20, 90], 8_182),
    (&[34, 33, 33], &[34, 33, 33, 25], 20_000),
    (&[25, 25, 25, 25], &[25, 25, 0, 25], 25_000),
    (&[90, 5, 5], &[0, 50, 50], 90_000),
];

/// A line for each change.
pub(super) fn measured() -> Part {
    let mut text = format!(
        "Identities that a change of weights moves; observed are {WATCHED} sequential numbers\n{:<32}{:>12}{:>14}{:>12}{:>18}{:>18}\n",
        "weights", "must move", "allocate", "observed", "ranges in a row", "hash modulo sum"
    );
    let identities: Vec<String> = FAMILIES[0].identities(WATCHED).collect();
    let mut passed = true;
    for (before, after, must) in CHANGES {
        let first = Allocation::consecutive(&slots(before));
        let moved = first.moved_to(&slots(after)).expect("few variants have few ranges");
        let row = Allocation::consecutive(&slots(after));
        let [allocated, in_row] = [&moved, &row].map(|after| moves(&first, after));
        let seen = observed(&identities, &first, &moved);
        let modulo = by_modulo(&identities, before, after);
        let right = allocated == must && (seen - f64::from(must) / f64::from(SLOTS)).abs() < 0.002;
        passed &= right;
        let weights = format!("{} → {}{}", joined(before), joined(after), if right { "" } else { " !" });
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let exact = |slots: u32| format!("{}.{:03} %", slots / 1_000, slots % 1_000);
        text.push_str(&format!(
            "{weights:<32}{:>12}{:>14}{:>12}{:>18}{:>18}\n",
            exact(must),
            exact(allocated),
            percent(seen),
            exact(in_row),
            percent(modulo)
        ));
    }
    Part { text, passed }
}

fn joined(weights: &[u32]) -> String {
    weights.iter().map(u32::to_string).collect::<Vec<_>>().join("/")
}

/// The slots of variants called by their places.
fn slots(weights: &[u32]) -> Vec<(String, u32)> {
    let counts = counts(weights).expect("weights that are worth slots");
    counts.into_iter().enumerate().map(|(place, count)| (place.to_string(), count)).collect()
}

fn moves(before: &Allocation, after: &Allocation) -> u32 {
    before.transfers(after).iter().map(|transfer| transfer.slots).sum()
}

/// The share of identities whose variant is another one.
fn observed(identities: &[String], before: &Allocation, after: &Allocation) -> f64 {
    let seed = seed(Domain::Split, "checkout/login");
    let owners = |allocation: &Allocation| -> Vec<String> {
        allocation.ranges().flat_map(|(range, name)| range.map(move |_| name.to_owned())).collect()
    };
    let (before, after) = (owners(before), owners(after));
    let moved = identities.iter().filter(|identity| {
        let slot = slot(identity.as_bytes(), seed) as usize;
        before[slot] != after[slot]
    });
    moved.count() as f64 / identities.len() as f64
}

/// The same where the hash modulo the sum of the weights falls into one of the weights in a row.
fn by_modulo(identities: &[String], before: &[u32], after: &[u32]) -> f64 {
    let variant = |hash: u64, weights: &[u32]| {
        let mut rest = hash % weights.iter().map(|&weight| u64::from(weight)).sum::<u64>();
        weights.iter().position(|&weight| {
            let found = rest < u64::from(weight);
            rest = rest.saturating_sub(u64::from(weight));
            found
        })
    };
    let moved = identities.iter().filter(|identity| {
        // Any hash of 64 bits will do; that of a salt is one.
        let hash = seed(Domain::Split, identity);
        variant(hash, before) != variant(hash, after)
    });
    moved.count() as f64 / identities.len() as f64
}
