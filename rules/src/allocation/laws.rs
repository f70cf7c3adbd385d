//! What a change of weights does to an allocation, whatever came before.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

/// What one change of a history does.
#[derive(Clone, Debug)]
enum Change {
    /// Variants, those with a weight, and their weights.
    Weights(BTreeMap<&'static str, u32>),
    /// Back to the revision so many before.
    Rollback(usize),
    /// A variant is named otherwise, and said to be.
    Rename(&'static str, &'static str),
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn weight() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 1u32..100, 1 => Just(0), 1 => 1u32..20_000]
}

fn change() -> impl Strategy<Value = Change> {
    let weights = prop::collection::btree_map(name(), weight(), 1..12);
    prop_oneof![
        6 => weights.prop_map(Change::Weights),
        2 => (0usize..30).prop_map(Change::Rollback),
        1 => (name(), name()).prop_map(|(from, to)| Change::Rename(from, to)),
    ]
}

/// The slots of each variant, where the weights are worth any.
fn slots(weights: &BTreeMap<&'static str, u32>) -> Option<Vec<(String, u32)>> {
    let counts = counts(&weights.values().copied().collect::<Vec<_>>()).ok()?;
    Some(weights.keys().map(|name| (*name).to_owned()).zip(counts).collect())
}

/// Stretches of slots that have one owner in both, with their lengths: looked up slot by slot, not by walking along.
fn stretches<'a>(one: &'a Allocation, other: &'a Allocation) -> Vec<(u32, &'a str, &'a str)> {
    let owner = |of: &'a Allocation, slot: u32| of.ranges().find(|(range, _)| range.contains(&slot)).unwrap().1;
    let begins: BTreeSet<u32> =
        [one, other].into_iter().flat_map(|all| all.ranges()).map(|(range, _)| range.start).collect();
    let ends = begins.iter().skip(1).copied().chain([SLOTS]);
    begins.iter().zip(ends).map(|(&from, to)| (to - from, owner(one, from), owner(other, from))).collect()
}

/// Sorted, disjoint, covering, none beside another of the same variant.
fn is_sound(allocation: &Allocation) -> bool {
    let ranges: Vec<_> = allocation.ranges().collect();
    let whole = ranges.first().is_some_and(|(first, _)| first.start == 0)
        && ranges.last().is_some_and(|(last, _)| last.end == SLOTS)
        && ranges.len() <= RANGES_LIMIT;
    let met = |pair: &[(std::ops::Range<u32>, &str)]| pair[0].0.end == pair[1].0.start && pair[0].1 != pair[1].1;
    whole && ranges.iter().all(|(range, _)| !range.is_empty()) && ranges.windows(2).all(met)
}

proptest! {
    #[test]
    fn every_slot_has_one_owner(weights in prop::collection::vec(0u32..10_000, 1..12)) {
        if let Ok(counts) = counts(&weights) {
            prop_assert_eq!(counts.iter().sum::<u32>(), SLOTS);
            prop_assert_eq!(counts_of(&consecutive(&counts), counts.len()), counts);
        }
    }

    #[test]
    fn a_change_moves_what_it_must_and_a_rollback_restores(
        first in prop::collection::btree_map(name(), 1u32..100, 1..12),
        changes in prop::collection::vec(change(), 1..40),
    ) {
        let first = slots(&first).unwrap();
        let mut revisions = vec![Allocation::consecutive(&first)];
        for change in changes {
            let before = revisions.last().unwrap().clone();
            let after = match change {
                Change::Weights(weights) => {
                    let Some(slots) = slots(&weights) else { continue };
                    let after = before.moved_to(&slots).unwrap();
                    prop_assert!(after.fits(&slots) && is_sound(&after), "{slots:?}: {after:?}");
                    prop_assert_eq!(&after.moved_to(&slots).unwrap(), &after, "a second time changes nothing");
                    check_moves(&before, &after)?;
                    after
                }
                // What is published again is the lock as it stood, which fits its document: no slot moves from it.
                Change::Rollback(back) => {
                    let place = revisions.len().saturating_sub(1).saturating_sub(back);
                    let named = revisions[place].clone();
                    let slots: Vec<_> = named.counts().iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
                    let again = named.moved_to(&slots).unwrap();
                    prop_assert_eq!(&again, &named);
                    again
                }
                Change::Rename(from, to) if !before.counts().contains_key(to) => {
                    let after = before.clone().renamed(from, to);
                    let kept = |old: &str, new: &str| new == if old == from { to } else { old };
                    prop_assert!(stretches(&before, &after).into_iter().all(|(_, old, new)| kept(old, new)));
                    after
                }
                Change::Rename(..) => continue,
            };
            revisions.push(after);
        }
    }
}

/// Law 1, slot by slot: what moves is what the growing gain, nobody who keeps his count loses, and the transfers are told.
fn check_moves(before: &Allocation, after: &Allocation) -> Result<(), TestCaseError> {
    let (old, new) = (before.counts(), after.counts());
    let gain = |(name, count): (&&str, &u32)| count.saturating_sub(old.get(name).copied().unwrap_or(0));
    let gained: u32 = new.iter().map(gain).sum();
    let mut moved: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for (slots, from, to) in stretches(before, after).into_iter().filter(|(_, from, to)| from != to) {
        *moved.entry((from, to)).or_default() += slots;
        prop_assert!(new.get(from).copied().unwrap_or(0) < old[from], "{from} loses and does not shrink");
        prop_assert!(new[to] > old.get(to).copied().unwrap_or(0), "{to} gains and does not grow");
    }
    prop_assert_eq!(moved.values().sum::<u32>(), gained);
    let told: BTreeMap<_, _> =
        before.transfers(after).iter().map(|moved| ((moved.from, moved.to), moved.slots)).collect();
    prop_assert_eq!(told, moved);
    Ok(())
}

/// Many variants, each on its own range: where every one but a few shrinks by a little, the few would need hundreds more.
#[test]
fn more_ranges_than_a_split_may_have_are_refused() {
    let named = |counts: &[u32]| -> Vec<(String, u32)> {
        counts.iter().enumerate().map(|(place, count)| (format!("v{place}"), *count)).collect()
    };
    let weights = |each: u32, last: u32| [vec![each; 998], vec![last; 2]].concat();
    let few = named(&counts(&weights(100, 100)).unwrap());
    let more = named(&counts(&weights(100, 40_000)).unwrap());
    let before = Allocation::consecutive(&few);
    assert_eq!(before.ranges().len(), 1_000);
    let refused = before.moved_to(&more).unwrap_err();
    assert!(refused.ranges > RANGES_LIMIT, "{refused:?}");
    assert_eq!(Allocation::consecutive(&more).ranges().len(), 1_000, "laid anew it has its place");
}

/// Figures of the documentation, to the slot.
#[test]
fn what_moves_is_known_to_the_slot() {
    let three = |weights: [u32; 3]| slots(&["a", "b", "c"].into_iter().zip(weights).collect()).unwrap();
    for (before, after, moves) in [
        ([34, 33, 33], [10, 45, 45], 24_000),
        ([80, 10, 10], [70, 10, 20], 10_000),
        ([10, 90, 0], [20, 90, 0], 8_182),
        ([1, 1, 1], [1, 1, 0], 33_333),
    ] {
        let allocation = Allocation::consecutive(&three(before));
        let moved = allocation.moved_to(&three(after)).unwrap();
        let sum: u32 = allocation.transfers(&moved).iter().map(|transfer| transfer.slots).sum();
        assert_eq!(sum, moves, "{before:?} to {after:?}");
    }
}
