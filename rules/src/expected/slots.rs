//! What is known of an identity's slots.

use std::collections::BTreeMap;

use crate::slot::SLOTS;

/// Slots, the second not included.
type Span = (u32, u32);

/// In which slots of each salt an identity may be; a salt of which nothing is known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slots(BTreeMap<u64, Vec<Span>>);

impl Slots {
    /// How many spans are held.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The chance that the slot of `seed` lies within `span`, and what is known then; None where it cannot.
    pub(super) fn within(&self, seed: u64, span: Span) -> Option<(f64, Self)> {
        self.cut(seed, &[span])
    }

    /// The same for outside of `span`.
    pub(super) fn outside(&self, seed: u64, span: Span) -> Option<(f64, Self)> {
        let from = span.0.min(SLOTS);
        self.cut(seed, &[(0, from), (span.1.clamp(from, SLOTS), SLOTS)])
    }

    /// Forgets what is known of the salts that `needed` does not want.
    pub(super) fn forget(&mut self, needed: impl Fn(u64) -> bool) {
        self.0.retain(|seed, _| needed(*seed));
    }

    fn cut(&self, seed: u64, spans: &[Span]) -> Option<(f64, Self)> {
        let all = [(0, SLOTS)];
        let before: &[Span] = self.0.get(&seed).map_or(&all, Vec::as_slice);
        let common = |one: &Span, other: &Span| (one.0.max(other.0), one.1.min(other.1));
        let pairs = before.iter().flat_map(|one| spans.iter().map(move |other| common(one, other)));
        let after: Vec<Span> = pairs.filter(|(from, to)| from < to).collect();
        let (part, whole) = (size(&after), size(before));
        if part == 0 {
            return None;
        }
        let mut known = self.clone();
        known.0.insert(seed, after);
        Some((f64::from(part) / f64::from(whole), known))
    }
}

fn size(spans: &[Span]) -> u32 {
    spans.iter().map(|(from, to)| to.saturating_sub(*from)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_narrows_and_chances_add_up() {
        let nothing = Slots::default();
        let (fifth, within) = nothing.within(1, (0, 20_000)).unwrap();
        assert_eq!((fifth, within.within(1, (0, 20_000)).unwrap().0), (0.2, 1.0));
        assert_eq!((within.within(1, (20_000, 30_000)), within.outside(1, (0, 50_000))), (None, None));
        assert_eq!(within.within(2, (0, 50_000)).unwrap().0, 0.5);
        let (rest, outside) = nothing.outside(1, (10_000, 30_000)).unwrap();
        assert_eq!((rest, outside.len()), (0.8, 2));
        assert_eq!(outside.within(1, (0, 20_000)).unwrap().0, 0.125);
        // Bytes may say what no document does.
        assert_eq!((nothing.within(1, (5, 3)), nothing.outside(1, (5, 3)).unwrap().0), (None, 1.0));
        assert_eq!(nothing.outside(1, (0, u32::MAX)), None);
    }
}
