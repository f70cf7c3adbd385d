//! Sorting, for all that happens once a revision.
//!
//! The standard library's sorts are compiled anew for each type, to 6 or 8 KiB, and the filter must stay below 1 MiB. Here
//! places are sorted instead, which are of one type, and only then what stands there is moved.

use std::{cmp::Ordering, mem::replace};

/// Sorts `list`; what is equal keeps its order.
pub(crate) fn sort<T: Ord>(list: &mut [T]) {
    sort_by(list, T::cmp);
}

/// Sorts `list` by `compare`; what is equal keeps its order.
pub(crate) fn sort_by<T>(list: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let order = places(list.len(), &|one, other| match (list.get(one), list.get(other)) {
        (Some(one), Some(other)) => compare(one, other),
        _ => Ordering::Equal,
    });
    for (one, other) in swaps(order) {
        list.swap(one, other);
    }
}

/// For each place which one's content belongs there.
fn places(length: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    order.sort_by(|&one, &other| compare(one, other));
    order
}

/// What is to be swapped, one pair after the other, for everything to stand where `order` wants it: along each cycle.
fn swaps(mut order: Vec<usize>) -> Vec<(usize, usize)> {
    let mut swaps = Vec::new();
    for start in 0..order.len() {
        let mut here = start;
        // What stands where it belongs leads to itself, as does each place of a cycle that was walked.
        while let Some(from) = order.get_mut(here).map(|from| replace(from, here)).filter(|&from| from != start) {
            swaps.push((here, from));
            here = from;
        }
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_stable_sort_of_the_standard_library() {
        let mut state = 1u32;
        for length in (0..40).chain([1_000]) {
            let mut list: Vec<(u32, usize)> = Vec::new();
            for place in 0..length {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                list.push((state >> 28, place));
            }
            let mut expected = list.clone();
            expected.sort_by_key(|&(key, _)| key);
            sort_by(&mut list, |(one, _), (other, _)| one.cmp(other));
            assert_eq!(list, expected);
            list.reverse();
            sort(&mut list);
            assert_eq!(list, expected);
        }
    }
}
