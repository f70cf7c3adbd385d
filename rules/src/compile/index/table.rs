//! The hash table of an index and its runs.

use std::collections::BTreeMap;

use zerocopy::little_endian::U32;

use crate::snapshot::{
    index::{Hash, LAST, PLACES_LIMIT, ROW_LIMIT, in_use},
    write::size,
};

/// The rules that each value leads to.
#[derive(Default)]
pub(super) struct Runs {
    /// By the hash of the value, so that the bytes depend on nothing but the rules. Values of one hash lead to the rules of all
    /// of them.
    rules: BTreeMap<Hash, Vec<u32>>,
}

impl Runs {
    /// Adds a rule, whose number is none below those added before.
    pub(super) fn add(&mut self, hash: Hash, rule: u32) {
        let rules = self.rules.entry(hash).or_default();
        if rules.last() != Some(&rule) {
            rules.push(rule);
        }
    }

    /// The slots, at most half of them in use, and the places in the order of the slots. None where there are too many.
    pub(super) fn table(self) -> Option<(Vec<U32>, Vec<U32>)> {
        let runs = self.rules;
        let mut slots = runs.len().saturating_mul(2).next_power_of_two().max(2);
        // Rows become shorter with more slots; a third size was never needed.
        (0..3).find_map(|_| {
            let table = of_size(&runs, slots);
            slots = slots.saturating_mul(2);
            table
        })
    }
}

fn of_size(runs: &BTreeMap<Hash, Vec<u32>>, slots: usize) -> Option<(Vec<U32>, Vec<U32>)> {
    let mask = slots.checked_sub(1)?;
    let mut table: Vec<Option<(Hash, Vec<u32>)>> = vec![None; slots];
    for (hash, rules) in runs {
        let mut at = hash.home(mask);
        loop {
            match table.get_mut(at)? {
                Some((other, _)) if other.tag() != hash.tag() => at = at.wrapping_add(1) & mask,
                // Whoever looks for the one finds the other: so it leads to both.
                Some((_, shared)) => {
                    shared.extend(rules);
                    shared.sort_unstable();
                    shared.dedup();
                    break;
                }
                empty => {
                    *empty = Some((*hash, rules.clone()));
                    break;
                }
            }
        }
    }
    let mut places: Vec<U32> = Vec::new();
    let slot = |run: Option<(Hash, Vec<u32>)>| {
        let Some((hash, rules)) = run else { return U32::ZERO };
        let slot = hash.slot(size(places.len()).get());
        let last = rules.len().saturating_sub(1);
        places
            .extend(rules.iter().enumerate().map(|(at, rule)| U32::new(if at == last { rule | LAST } else { *rule })));
        slot.into()
    };
    let slots: Vec<U32> = table.into_iter().map(slot).collect();
    let fits = places.len() < PLACES_LIMIT
        && slots.split(|slot| in_use(slot.get()).is_none()).all(|row| row.len() <= ROW_LIMIT);
    fits.then_some((slots, places))
}
