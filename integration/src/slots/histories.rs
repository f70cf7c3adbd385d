//! How many ranges long histories of changes leave, with the laws checked at each step.

use std::collections::BTreeMap;

use graylane_rules::{
    allocation::{Allocation, RANGES_LIMIT, counts},
    slot::SLOTS,
};

use super::Part;
use crate::bench::statistics::Random;

/// Variants of each split.
const VARIANTS: usize = 10;

/// Histories of each kind.
const TIMES: u64 = 3;

/// A way in which weights change, and the most ranges it may leave.
struct Kind {
    name: &'static str,
    change: fn(&mut [u32], &mut Random),
    bound: usize,
}

const KINDS: [Kind; 5] = [
    Kind { name: "all weights, at random", change: all, bound: 40 },
    Kind { name: "all weights, by a little", change: all_a_little, bound: 70 },
    Kind { name: "one weight, at random", change: one, bound: 100 },
    Kind { name: "one weight, by a little", change: one_a_little, bound: 120 },
    Kind { name: "from one variant to another", change: from_one_to_another, bound: 120 },
];

fn all(weights: &mut [u32], random: &mut Random) {
    weights.iter_mut().for_each(|weight| *weight = random.below(1_000) as u32);
}

fn all_a_little(weights: &mut [u32], random: &mut Random) {
    weights.iter_mut().for_each(|weight| *weight = (*weight + random.below(41) as u32).saturating_sub(20));
}

fn one(weights: &mut [u32], random: &mut Random) {
    weights[random.below(VARIANTS as u64) as usize] = random.below(1_000) as u32;
}

fn one_a_little(weights: &mut [u32], random: &mut Random) {
    let place = random.below(VARIANTS as u64) as usize;
    weights[place] = (weights[place] + random.below(41) as u32).saturating_sub(20);
}

fn from_one_to_another(weights: &mut [u32], random: &mut Random) {
    let [from, to] = [0, 0].map(|_| random.below(VARIANTS as u64) as usize);
    let part = random.below(u64::from(weights[from]) + 1) as u32;
    weights[from] -= part;
    weights[to] += part;
}

/// A line for each kind of change.
pub(super) fn measured(changes: usize) -> Part {
    let mut text = format!(
        "Ranges of a split of {VARIANTS} variants over {changes} changes, {TIMES} histories of each kind; at most {RANGES_LIMIT} are allowed\n\
         {:<32}{:>8}{:>8}{:>12}   laws\n",
        "what changes", "most", "mean", "in the end"
    );
    let mut passed = true;
    for kind in &KINDS {
        let (mut most, mut sum, mut last, mut broken) = (0, 0, Vec::new(), Vec::new());
        for seed in 0..TIMES {
            let history = history(kind, changes, &mut Random::new(seed + 77));
            most = most.max(history.iter().map(|(ranges, _)| *ranges).max().unwrap_or(0));
            sum += history.iter().map(|(ranges, _)| ranges).sum::<usize>();
            last.push(history.last().map_or(0, |(ranges, _)| *ranges).to_string());
            broken.extend(history.into_iter().filter_map(|(_, broken)| broken));
        }
        let right = broken.is_empty() && most <= kind.bound;
        passed &= right;
        let mean = sum as f64 / (changes * TIMES as usize) as f64;
        let laws = broken.first().map_or_else(|| "kept".to_owned(), |law| format!("! {law}"));
        let mark = if most > kind.bound { " ! too many ranges" } else { "" };
        text.push_str(&format!("{:<32}{most:>8}{mean:>8.1}{:>12}   {laws}{mark}\n", kind.name, last.join(", ")));
    }
    Part { text, passed }
}

/// The number of ranges after each change, and the law it broke.
fn history(kind: &Kind, changes: usize, random: &mut Random) -> Vec<(usize, Option<String>)> {
    let mut weights: Vec<u32> = (0..VARIANTS).map(|_| 1 + random.below(1_000) as u32).collect();
    let mut allocation = Allocation::consecutive(&slots(&weights).expect("weights above 0"));
    let mut steps = Vec::with_capacity(changes);
    while steps.len() < changes {
        (kind.change)(&mut weights, random);
        let Some(slots) = slots(&weights) else { continue };
        let next = allocation.moved_to(&slots).expect("ten variants have few ranges");
        steps.push((next.ranges().len(), broken(&allocation, &next, &slots)));
        allocation = next;
    }
    steps
}

/// None where the weights are worth no slots.
fn slots(weights: &[u32]) -> Option<Vec<(String, u32)>> {
    let counts = counts(weights).ok()?;
    Some(counts.into_iter().enumerate().map(|(place, count)| (place.to_string(), count)).collect())
}

/// Which law the step breaks.
fn broken(before: &Allocation, after: &Allocation, slots: &[(String, u32)]) -> Option<String> {
    let (old, new) = (before.counts(), after.counts());
    let of = |counts: &BTreeMap<&str, u32>, name: &str| counts.get(name).copied().unwrap_or(0);
    let gained: u32 = slots.iter().map(|(name, count)| count.saturating_sub(of(&old, name))).sum();
    let transfers = before.transfers(after);
    let moved: u32 = transfers.iter().map(|transfer| transfer.slots).sum();
    let ends = after.ranges().map(|(range, _)| range.end);
    let whole = after.ranges().map(|(range, _)| range.start).eq([0].into_iter().chain(ends).take(after.ranges().len()));
    let loser = transfers.iter().find(|transfer| of(&new, transfer.from) >= of(&old, transfer.from));
    if moved != gained {
        return Some(format!("{moved} slots moved, {gained} had to"));
    }
    if let Some(loser) = loser {
        return Some(format!("{} lost slots and did not shrink", loser.from));
    }
    let covers = whole && after.ranges().last().is_some_and(|(range, _)| range.end == SLOTS) && after.fits(slots);
    (!covers || after.moved_to(slots).as_ref() != Ok(after)).then(|| "the ranges do not cover or fit".to_owned())
}
