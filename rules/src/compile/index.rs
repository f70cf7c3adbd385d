//! The index over the rules of a section; see `snapshot/index.rs` for what it is.

mod demands;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use zerocopy::little_endian::U32;

use crate::snapshot::{
    index::{LENGTHS_LIMIT, OpenKey, Operands, PREFIX_LIMIT, key_of},
    records::{Key, Rule, Test, flag, operator},
    tables::slice,
};
use demands::Demands;
use table::Runs;

/// Fewer rules than this are walked as quickly as they are found.
const FEWEST: usize = 16;

/// The tables of an index; empty where there is none.
#[derive(Default)]
pub(super) struct Index {
    pub(super) keys: Vec<Key>,
    pub(super) slots: Vec<U32>,
    pub(super) places: Vec<U32>,
    pub(super) always: Vec<U32>,
}

/// Makes the index, and marks the tests that rules are found by. There is none where the rules are few, or so different that to
/// look up every key takes about as long as to walk them.
pub(super) fn index(rules: &[Rule], tests: &mut [Test], operands: Operands<'_>) -> Index {
    if rules.len() < FEWEST {
        return Index::default();
    }
    let found = Demands::of(tests, operands).mark(rules, tests);
    let keys = keys(tests, operands);
    let few = found < FEWEST.max(keys.len().saturating_mul(2));
    let runs = if few { None } else { runs(rules, tests, operands, &keys).table() };
    let Some((slots, places)) = runs else {
        tests.iter_mut().for_each(|test| test.flags &= !flag::FOUND_BY);
        return Index::default();
    };
    let always = (0_u32..).zip(rules).filter(|(_, rule)| !tests_of(rule, tests).iter().any(is_found_by));
    Index { keys, slots, places, always: always.map(|(number, _)| number.into()).collect() }
}

fn tests_of<'t>(rule: &Rule, tests: &'t [Test]) -> &'t [Test] {
    slice(tests, rule.first_test.get(), rule.tests.get()).unwrap_or_default()
}

fn is_found_by(test: &Test) -> bool {
    test.flags & flag::FOUND_BY != 0
}

/// For each attribute that rules are found by: its whole values, and the lengths of prefixes.
fn keys(tests: &[Test], operands: Operands<'_>) -> Vec<Key> {
    let mut by_attribute: BTreeMap<(u16, u8), (bool, BTreeMap<usize, usize>)> = BTreeMap::new();
    for test in tests.iter().filter(|test| is_found_by(test)) {
        let (whole, lengths) = by_attribute.entry((test.attribute.get(), test.flags & flag::FOLD)).or_default();
        if test.operator == operator::PREFIX {
            for operand in operands.of(test).into_iter().flatten() {
                let rules = lengths.entry(operand.len().min(PREFIX_LIMIT)).or_default();
                *rules = rules.saturating_add(1);
            }
        } else {
            *whole = true;
        }
    }
    let of_attribute = |((attribute, flags), (whole, lengths)): ((u16, u8), (bool, BTreeMap<usize, usize>))| {
        let lengths = whole.then_some(0).into_iter().chain(chosen(&lengths));
        let length = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).into();
        let key = move |bytes| Key { attribute: attribute.into(), flags, reserved: 0, length: length(bytes) };
        lengths.map(key).collect::<Vec<_>>()
    };
    by_attribute.into_iter().flat_map(of_attribute).collect()
}

/// The lengths by which prefixes are found, of those there are with so many rules each. Where there are too many, some that part the
/// rules evenly; a prefix in between is found by the next shorter one.
fn chosen(lengths: &BTreeMap<usize, usize>) -> BTreeSet<usize> {
    if lengths.len() <= LENGTHS_LIMIT {
        return lengths.keys().copied().collect();
    }
    let share = lengths.values().sum::<usize>().div_ceil(LENGTHS_LIMIT).max(1);
    let mut chosen = BTreeSet::new();
    let mut since = share;
    for (&length, &rules) in lengths {
        if since >= share && chosen.len() < LENGTHS_LIMIT {
            chosen.insert(length);
            since = 0;
        }
        since = since.saturating_add(rules);
    }
    chosen
}

fn runs(rules: &[Rule], tests: &[Test], operands: Operands<'_>, keys: &[Key]) -> Runs {
    let mut runs = Runs::default();
    for (number, rule) in (0_u32..).zip(rules) {
        for test in tests_of(rule, tests).iter().filter(|test| is_found_by(test)) {
            let first = keys.partition_point(|key| key.attribute.get() < test.attribute.get());
            let after = keys.partition_point(|key| key.attribute.get() <= test.attribute.get());
            for operand in operands.of(test).into_iter().flatten() {
                let own = keys.get(first..after).unwrap_or_default();
                let Some((place, key)) = key_of(own, test, operand) else { continue };
                let key = OpenKey::of(u32::try_from(first.saturating_add(place)).unwrap_or(u32::MAX), key);
                key.hash(operand).into_iter().for_each(|hash| runs.add(hash, number));
            }
        }
    }
    runs
}
