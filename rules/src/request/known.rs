//! What was found out about a request while one rule set is decided.

use std::cell::{Cell, OnceCell};

use crate::{audience::Fingerprint, identity::Identity};

/// How many attributes are remembered: those of small rule sets, and the first of large ones.
const REMEMBERED: usize = 8;

/// The identity by the sources of one section, and the values of its first attributes.
#[derive(Default)]
pub(crate) struct Known<'r> {
    pub(crate) identity: Identity<'r>,
    pub(super) fingerprint: OnceCell<Fingerprint>,
    values: [Cell<Values<'r>>; REMEMBERED],
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
    /// Whether `holds` for any value of attribute `number`; `ask` gives its values, and is called again for repeated ones alone.
    #[inline]
    pub(super) fn any<I: Iterator<Item = &'r [u8]>>(
        &self,
        number: u16,
        ask: impl Fn() -> I,
        mut holds: impl FnMut(&[u8]) -> bool,
    ) -> bool {
        let known = self.values.get(usize::from(number));
        let values = match known.map_or(Values::Several, Cell::get) {
            Values::Unasked => {
                let values = Values::of(ask());
                known.into_iter().for_each(|known| known.set(values));
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
