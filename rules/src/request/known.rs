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
    /// The first, and perhaps there are more.
    First(&'r [u8]),
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
        let remember = |values| known.into_iter().for_each(|known| known.set(values));
        let first = match known.map_or(Values::Unasked, Cell::get) {
            Values::Absent => return false,
            Values::Only(value) => return holds(value),
            Values::Several => return ask().any(holds),
            Values::First(value) => {
                if holds(value) {
                    return true;
                }
                let mut values = ask();
                let first = values.next();
                (first, values)
            }
            Values::Unasked => {
                let mut values = ask();
                let first = values.next();
                remember(first.map_or(Values::Absent, Values::First));
                if first.is_some_and(&mut holds) {
                    return true;
                }
                (first, values)
            }
        };
        let (Some(value), mut rest) = first else { return false };
        let second = rest.next();
        remember(if second.is_none() { Values::Only(value) } else { Values::Several });
        second.is_some_and(|second| holds(second) || rest.any(holds))
    }
}
