//! What was found out about a request while one rule set is decided.

use std::cell::{Cell, OnceCell};

use crate::{audience::Fingerprint, identity::Identity, short::equal, snapshot::asks::REMEMBERED};

/// The identity by the sources of one section, and the values of its first attributes.
#[derive(Default)]
pub(crate) struct Known<'r> {
    pub(crate) identity: Identity<'r>,
    pub(super) fingerprint: OnceCell<Fingerprint>,
    /// How many of the values were gathered: what is unasked there is absent.
    gathered: Cell<u8>,
    values: [Cell<Values<'r>>; REMEMBERED as usize],
}

/// What is known of the values of one attribute.
#[derive(Clone, Copy, Default)]
enum Values<'r> {
    #[default]
    Unasked,
    Absent,
    Only(&'r [u8]),
    Several,
}

impl<'r> Known<'r> {
    /// What is known of the values at `place`.
    #[inline]
    fn values(&self, place: u8) -> Values<'r> {
        match self.values.get(usize::from(place)).map(Cell::get) {
            Some(Values::Unasked) if place < self.gathered.get() => Values::Absent,
            Some(values) => values,
            None => Values::Several,
        }
    }

    /// The one value at `place`.
    #[inline]
    pub(crate) fn only(&self, place: u8) -> Option<&'r [u8]> {
        match self.values.get(usize::from(place)).map(Cell::get) {
            Some(Values::Only(only)) => Some(only),
            _ => None,
        }
    }

    /// Whether what is remembered at `place` is exactly this value; None where that is not known, or there are several.
    #[inline]
    pub(crate) fn is_exactly(&self, place: u8, value: &[u8]) -> Option<bool> {
        match self.only(place) {
            Some(only) => Some(equal(only, value)),
            None => matches!(self.values(place), Values::Absent).then_some(false),
        }
    }

    /// Of the first `count` places it is known that nothing is there, but for what is [added](Self::add).
    #[inline]
    pub(super) fn gathered(&self, count: u8) {
        self.gathered.set(count);
    }

    /// Adds a value at `place`.
    #[inline]
    pub(super) fn add(&self, place: u8, value: &'r [u8]) {
        let Some(values) = self.values.get(usize::from(place)) else { return };
        values.set(if let Values::Unasked = values.get() { Values::Only(value) } else { Values::Several });
    }

    /// Whether `holds` for any value at `place`; `ask` gives them, and is called again for repeated ones alone.
    #[inline]
    pub(super) fn any<I: Iterator<Item = &'r [u8]>>(
        &self,
        place: u8,
        ask: impl Fn() -> I,
        mut holds: impl FnMut(&[u8]) -> bool,
    ) -> bool {
        let values = match self.values(place) {
            Values::Unasked => {
                let values = Values::of(ask());
                self.values.get(usize::from(place)).into_iter().for_each(|known| known.set(values));
                values
            }
            values => values,
        };
        match values {
            Values::Only(value) => holds(value),
            Values::Several => ask().any(holds),
            Values::Absent | Values::Unasked => false,
        }
    }
}

impl<'r> Values<'r> {
    #[inline]
    fn of(mut values: impl Iterator<Item = &'r [u8]>) -> Self {
        match values.next() {
            None => Self::Absent,
            Some(only) if values.next().is_none() => Self::Only(only),
            Some(_) => Self::Several,
        }
    }
}
