//! The index of a section. Before a snapshot is used, that every search in it ends; before one is published, that whoever looks up
//! what a request has finds every rule that could match it.

use zerocopy::little_endian::U32;

use super::{demand, unusable};
use crate::snapshot::{
    Snapshot, Unusable,
    index::{FOLD_LIMIT, Index, LAST, LENGTHS_LIMIT, OpenKey, PREFIX_LIMIT, ROW_LIMIT, in_use, key_of},
    records::{FAILED, Key, MATCHED, Rule, Test, flag},
    section::Section,
    tables::slice,
};

/// Checks the tables of the index: that looking up any value ends soon, and leads to rules that there are.
///
/// One pass over slots and places. Where the compiler left a rule out, no search would notice; nor would it harm the host. So
/// that is checked by [`Snapshot::check_index`], once for all workers.
pub(super) fn index(section: &Section<'_>) -> Result<(), Unusable> {
    let (index, keys) = (section.index(), section.keys());
    if keys.is_empty() {
        let rest = index.slots.len().max(index.places.len()).max(section.always().len());
        return demand(rest == 0, "an index without keys");
    }
    check_keys(section, keys)?;
    check_slots(&index)?;
    let rules = section.rules().len();
    let exists = |place: &U32| ((place.get() & !LAST) as usize) < rules;
    demand(index.places.iter().all(exists), "a run of rules out of bounds")?;
    demand(index.places.last().is_none_or(|last| last.get() & LAST != 0), "a run without an end")?;
    let once = section.always().is_sorted_by(|one, next| one.get() < next.get());
    demand(
        once && section.always().last().is_none_or(|last| (last.get() as usize) < rules),
        "rules to be walked out of order",
    )
}

impl Snapshot {
    /// Checks that the index leads to every rule: that what [`decide`](Self::decide) finds by it is what walking all rules would
    /// find. As dear as loading it several times over; meant for whoever publishes it.
    ///
    /// # Errors
    /// The first damage found; there is none in what this build compiled.
    pub fn check_index(&self) -> Result<(), Unusable> {
        self.sections().try_for_each(check_section)
    }
}

fn check_section(section: &Section<'_>) -> Result<(), Unusable> {
    if section.keys().is_empty() {
        let found_by = section.tests().iter().any(|test| test.flags & flag::FOUND_BY != 0);
        return demand(!found_by, "a test that finds rules without an index");
    }
    check_runs(&section.index())?;
    let mut finder = Finder::new(section);
    let mut always = section.always().iter();
    for (number, rule) in (0_u32..).zip(section.rules()) {
        if !finder.finds(number, rule)? {
            demand(always.next().is_some_and(|next| next.get() == number), "a rule that nothing leads to")?;
        }
    }
    demand(always.next().is_none(), "a rule to be walked that is found already")
}

/// In order, so that those of an attribute stand together, and few.
fn check_keys(section: &Section<'_>, keys: &[Key]) -> Result<(), Unusable> {
    let order = |key: &Key| (key.attribute.get(), key.flags, key.length.get());
    demand(keys.is_sorted_by(|one, next| order(one) < order(next)), "keys out of order")?;
    let attributes = section.attributes().len();
    let sound = |key: &Key| {
        usize::from(key.attribute.get()) < attributes
            && key.flags & !flag::FOLD == 0
            && usize::from(key.length.get()) <= PREFIX_LIMIT.min(FOLD_LIMIT)
    };
    demand(keys.iter().all(sound), "a key of nothing")?;
    // Beside the lengths there may be the whole value.
    let crowded = |keys: &[Key]| match keys {
        [first, .., last] => (first.attribute.get(), first.flags) == (last.attribute.get(), last.flags),
        _ => false,
    };
    demand(!keys.windows(LENGTHS_LIMIT.saturating_add(2)).any(crowded), "too many keys of one attribute")
}

/// No row of slots is long, and at most half of them are in use.
fn check_slots(index: &Index<'_>) -> Result<(), Unusable> {
    let (mut row, mut used) = (0_usize, 0_usize);
    for slot in index.slots {
        if in_use(slot.get()).is_some() {
            (row, used) = (row.saturating_add(1), used.saturating_add(1));
            demand(row <= ROW_LIMIT, "too many slots in a row")?;
        } else {
            row = 0;
        }
    }
    demand(index.slots.len().is_power_of_two() && used.saturating_mul(2) <= index.slots.len(), "too few slots")
}

/// Every run is led to by one slot, in the order of the slots, and its rules are in order.
fn check_runs(index: &Index<'_>) -> Result<(), Unusable> {
    let mut place = 0_usize;
    for (_, first) in index.slots.iter().filter_map(|slot| in_use(slot.get())) {
        demand(first as usize == place, "a slot that leads elsewhere")?;
        let run = index.places.get(place..).unwrap_or_default();
        let last =
            run.iter().position(|place| place.get() & LAST != 0).ok_or_else(|| unusable("a run without an end"))?;
        let run = run.get(..=last).unwrap_or_default();
        let number = |place: &U32| place.get() & !LAST;
        demand(run.is_sorted_by(|one, next| number(one) < number(next)), "a run out of order")?;
        place = place.saturating_add(run.len());
    }
    demand(place == index.places.len(), "places that no slot leads to")
}

struct Finder<'a, 's> {
    section: &'a Section<'s>,
    index: Index<'s>,
    tests: &'s [Test],
    /// For each attribute the number of its first key, and at the end the number of keys.
    first_keys: Vec<u32>,
    /// For each run, at its first place, how far it was walked: rules come in order, so a run is walked once.
    walked: Vec<u32>,
    reached: Vec<bool>,
}

impl<'a, 's> Finder<'a, 's> {
    fn new(section: &'a Section<'s>) -> Self {
        let index = section.index();
        let attributes = 0..=u16::try_from(section.attributes().len()).unwrap_or(u16::MAX);
        let mut keys = (0_u32..).zip(section.keys()).peekable();
        let mut first_keys = Vec::new();
        for attribute in attributes {
            while keys.next_if(|(_, key)| key.attribute.get() < attribute).is_some() {}
            let behind = u32::try_from(section.keys().len()).unwrap_or(u32::MAX);
            first_keys.push(keys.peek().map_or(behind, |(number, _)| *number));
        }
        let walked = vec![0; index.places.len()];
        Self { section, index, tests: section.tests(), first_keys, walked, reached: Vec::new() }
    }

    /// Whether the rule has tests that it is found by. Then it stands in every run that they lead to, and does not match where
    /// none of them holds.
    fn finds(&mut self, number: u32, rule: &Rule) -> Result<bool, Unusable> {
        let tests = slice(self.tests, rule.first_test.get(), rule.tests.get()).unwrap_or_default();
        let mut found = false;
        for test in tests.iter().filter(|test| test.flags & flag::FOUND_BY != 0) {
            found = true;
            self.leads_to(test, number)?;
        }
        demand(!found || self.needs(rule.first_test.get(), tests), "a rule that matches without what it is found by")?;
        Ok(found)
    }

    /// Whether no way leads to "matched" but past a test that holds and that the rule is found by.
    fn needs(&mut self, first: u32, tests: &[Test]) -> bool {
        self.reached.clear();
        self.reached.resize(tests.len(), false);
        self.reached.iter_mut().take(1).for_each(|first| *first = true);
        for (at, test) in tests.iter().enumerate() {
            if !self.reached.get(at).is_some_and(|&reached| reached) {
                continue;
            }
            let yes = (test.flags & flag::FOUND_BY == 0).then_some(test.on_true.get());
            for to in [yes, Some(test.on_false.get())].into_iter().flatten() {
                match to {
                    MATCHED => return false,
                    FAILED => {}
                    to => {
                        let to = to.saturating_sub(first) as usize;
                        self.reached.iter_mut().skip(to).take(1).for_each(|reached| *reached = true);
                    }
                }
            }
        }
        true
    }

    fn leads_to(&mut self, test: &Test, number: u32) -> Result<(), Unusable> {
        let operands = self.section.all_operands().of(test).ok_or_else(|| unusable("a test that finds nothing"))?;
        let attribute = usize::from(test.attribute.get());
        let first = self.first_keys.get(attribute).copied().unwrap_or(0) as usize;
        let behind = self.first_keys.get(attribute.saturating_add(1)).copied().unwrap_or(0) as usize;
        let keys = self.section.keys().get(first..behind).unwrap_or_default();
        for operand in operands {
            let key = key_of(keys, test, operand);
            let place = key.and_then(|(place, key)| {
                let key_number = u32::try_from(first.saturating_add(place)).ok()?;
                self.index.find(&OpenKey::of(key_number, key), operand)
            });
            let stands = place.is_some_and(|place| self.stands(place, number));
            demand(stands, "a rule that is not where it is looked for")?;
        }
        Ok(())
    }

    /// Whether the run from `first` on has rule `number`.
    fn stands(&mut self, first: u32, number: u32) -> bool {
        let Some(walked) = self.walked.get_mut(first as usize) else { return false };
        let rest = self.index.places.get((first as usize).saturating_add(*walked as usize)..).unwrap_or_default();
        for place in rest {
            let rule = place.get() & !LAST;
            if rule >= number || place.get() & LAST != 0 {
                return rule == number;
            }
            *walked = walked.saturating_add(1);
        }
        false
    }
}
