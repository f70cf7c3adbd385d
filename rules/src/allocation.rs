//! Which slots of a split belong to which variant.
//!
//! Two variants are one threshold, which moves as little as any scheme can. From three on, a lock
//! remembers the ranges; without one they follow each other in the order of the variants.

mod moving;
mod named;

#[cfg(all(test, not(target_family = "wasm")))]
mod laws;

use crate::{order::sort_by, slot::SLOTS};

pub use moving::TooManyRanges;
pub use named::{Allocation, Transfer};

/// The most ranges a split may have.
pub const RANGES_LIMIT: usize = 1_024;

/// From this slot on, until the next range, slots belong to the variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: u32,
    pub(crate) variant: usize,
}

/// Why weights cannot be turned into slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unallocatable {
    /// All weights are 0.
    NoWeight,
    /// This variant's weight is above 0, but worth less than half a slot.
    NoSlot {
        /// Its place among the weights.
        variant: usize,
    },
}

/// How many slots each weight is worth: largest remainder, ties to the earlier variant.
///
/// # Errors
/// Where nobody has a weight, or somebody's weight comes out as no slot at all.
pub fn counts(weights: &[u32]) -> Result<Vec<u32>, Unallocatable> {
    let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    if sum == 0 {
        return Err(Unallocatable::NoWeight);
    }
    let share = |weight: u32| u64::from(weight).saturating_mul(u64::from(SLOTS));
    let mut counts: Vec<u64> = weights.iter().map(|&weight| share(weight).checked_div(sum).unwrap_or(0)).collect();
    let missing = u64::from(SLOTS).saturating_sub(counts.iter().sum());
    let mut order: Vec<(usize, u64)> =
        weights.iter().map(|&weight| share(weight).checked_rem(sum).unwrap_or(0)).enumerate().collect();
    sort_by(&mut order, |(_, one), (_, other)| other.cmp(one));
    for (place, _) in order.into_iter().take(usize::try_from(missing).unwrap_or(0)) {
        if let Some(count) = counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }
    let starved = weights.iter().zip(&counts).position(|(&weight, &count)| weight > 0 && count == 0);
    match starved {
        Some(variant) => Err(Unallocatable::NoSlot { variant }),
        None => Ok(counts.into_iter().map(|count| u32::try_from(count).unwrap_or(SLOTS)).collect()),
    }
}

/// The ranges of `counts`, one after the other.
pub(crate) fn consecutive(counts: &[u32]) -> Vec<Range> {
    let mut from = 0u32;
    let mut ranges = Vec::with_capacity(counts.len());
    for (variant, &count) in counts.iter().enumerate() {
        if count > 0 {
            ranges.push(Range { from, variant });
            from = from.saturating_add(count);
        }
    }
    ranges
}

/// How many slots `ranges` give to each of `variants` variants.
pub(crate) fn counts_of(ranges: &[Range], variants: usize) -> Vec<u32> {
    let ends = ranges.iter().skip(1).map(|range| range.from).chain([SLOTS]);
    let mut counts = vec![0u32; variants];
    for (range, end) in ranges.iter().zip(ends) {
        if let Some(count) = counts.get_mut(range.variant) {
            *count = count.saturating_add(end.saturating_sub(range.from));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_go_to_the_largest_and_ties_to_the_first() {
        assert_eq!(counts(&[1, 1, 1]), Ok(vec![33_334, 33_333, 33_333]));
        assert_eq!(counts(&[34, 33, 33]), Ok(vec![34_000, 33_000, 33_000]));
        assert_eq!(counts(&[0, 7]), Ok(vec![0, 100_000]));
        assert_eq!(counts(&[1, 6]), Ok(vec![14_286, 85_714]));
    }

    #[test]
    fn a_weight_that_is_worth_nothing_is_told() {
        assert_eq!(counts(&[0, 0]), Err(Unallocatable::NoWeight));
        assert_eq!(counts(&[]), Err(Unallocatable::NoWeight));
        assert_eq!(counts(&[u32::MAX, 1]), Err(Unallocatable::NoSlot { variant: 1 }));
    }
}
