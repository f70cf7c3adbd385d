//! An allocation by the names of its variants: what is remembered from one document to the next.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops,
};

use super::{Range, TooManyRanges, consecutive, moving::moved};
use crate::slot::SLOTS;

/// Which slots of a split belong to which variant.
///
/// Its ranges are sorted and disjoint, cover all slots, and two that touch are of two variants unless it was read so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The first slot of each range and its variant.
    ranges: Vec<(u32, String)>,
}

/// Slots that belong to one variant before and to another afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer<'a> {
    /// Who has them before.
    pub from: &'a str,
    /// Who has them afterwards.
    pub to: &'a str,
    /// How many.
    pub slots: u32,
}

impl Allocation {
    /// What stands in a lock: ranges that were found to begin at 0 and to grow.
    pub(crate) fn of_ranges(ranges: Vec<(u32, String)>) -> Self {
        Self { ranges }
    }

    /// One range for each variant that has slots, in their order: what a split has without a lock.
    pub fn consecutive(counts: &[(String, u32)]) -> Self {
        let (names, counts): (Vec<&str>, Vec<u32>) = counts.iter().map(|(name, count)| (name.as_str(), *count)).unzip();
        Self::named(&consecutive(&counts), &names)
    }

    /// All slots for one variant.
    pub fn whole(variant: &str) -> Self {
        Self { ranges: vec![(0, variant.to_owned())] }
    }

    /// The ranges and whose they are, in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (ops::Range<u32>, &str)> {
        let end = |place: usize| self.ranges.get(place.saturating_add(1)).map_or(SLOTS, |(from, _)| *from);
        self.ranges.iter().enumerate().map(move |(place, (from, name))| (*from..end(place), name.as_str()))
    }

    /// The slots of each variant that has any.
    pub fn counts(&self) -> BTreeMap<&str, u32> {
        let mut counts = BTreeMap::new();
        for (range, name) in self.ranges() {
            let count: &mut u32 = counts.entry(name).or_default();
            *count = count.saturating_add(range.end.saturating_sub(range.start));
        }
        counts
    }

    /// Whether each variant has just so many slots; one of 0 need not be named.
    pub fn fits(&self, counts: &[(String, u32)]) -> bool {
        let wanted = counts.iter().filter(|(_, count)| *count > 0);
        self.counts() == wanted.map(|(name, count)| (name.as_str(), *count)).collect()
    }

    /// The allocation after the minimal move to `counts`, which are all slots together.
    ///
    /// Exactly as many slots change hands as the growing variants gain: a variant loses one only where its count shrinks.
    /// The slots of a variant that `counts` does not name are given away, and a new one gets its own from whoever
    /// shrinks. Where the counts fit already, nothing changes.
    ///
    /// # Errors
    /// Where more than 1,024 ranges would be left.
    pub fn moved_to(&self, counts: &[(String, u32)]) -> Result<Self, TooManyRanges> {
        let named: Vec<&str> = counts.iter().map(|(name, _)| name.as_str()).collect();
        let gone: BTreeSet<&str> = self.ranges().map(|(_, name)| name).filter(|name| !named.contains(name)).collect();
        let names: Vec<&str> = named.into_iter().chain(gone).collect();
        let places: BTreeMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        let place = |name: &str| places.get(name).copied().unwrap_or(usize::MAX);
        let before: Vec<Range> =
            self.ranges().map(|(range, name)| Range { from: range.start, variant: place(name) }).collect();
        let own = counts.iter().map(|(_, count)| *count);
        let after: Vec<u32> = own.chain(std::iter::repeat(0)).take(names.len()).collect();
        Ok(Self::named(&moved(&before, &after)?, &names))
    }

    /// The same with another name for one of its variants.
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        for (_, name) in self.ranges.iter_mut().filter(|(_, name)| name == from) {
            to.clone_into(name);
        }
        self
    }

    /// What moves from whom to whom where `after` takes the place of this allocation, each pair once, sorted by name.
    pub fn transfers<'a>(&'a self, after: &'a Self) -> Vec<Transfer<'a>> {
        let mut sums: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let mut others = after.ranges().peekable();
        for (range, from) in self.ranges() {
            while let Some((other, to)) = others.peek() {
                let common = range.end.min(other.end).saturating_sub(range.start.max(other.start));
                if from != *to && common > 0 {
                    let sum = sums.entry((from, to)).or_default();
                    *sum = sum.saturating_add(common);
                }
                if other.end > range.end {
                    break;
                }
                others.next();
            }
        }
        sums.into_iter().map(|((from, to), slots)| Transfer { from, to, slots }).collect()
    }

    fn named(ranges: &[Range], names: &[&str]) -> Self {
        let name = |place: usize| names.get(place).copied().unwrap_or_default().to_owned();
        Self { ranges: ranges.iter().map(|range| (range.from, name(range.variant))).collect() }
    }
}
