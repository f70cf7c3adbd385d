//! Which long values are text. Many rules may ask one value, which a client makes as long as it likes: so it is gone through once.

use std::cell::Cell;

/// Up to so many bytes, finding out again takes no longer than looking up what was found.
const SHORT: usize = 256;

/// What was found out of a few long values, each at a place of its own.
#[derive(Default)]
pub(super) struct LongTexts([Cell<Option<Checked>>; 8]);

/// A value that was gone through.
#[derive(Clone, Copy)]
struct Checked {
    address: usize,
    length: usize,
    is_text: bool,
}

impl LongTexts {
    /// Whether `value`, which stays where it is for as long as this is asked, is UTF-8.
    pub(super) fn includes(&self, value: &[u8]) -> bool {
        let (address, length) = (value.as_ptr().addr(), value.len());
        let place = self.0.get(address.wrapping_add(length) & 7);
        let known = place.and_then(Cell::get).filter(|known| (known.address, known.length) == (address, length));
        known.map_or_else(
            || {
                let is_text = is_text(value);
                place.into_iter().for_each(|place| place.set(Some(Checked { address, length, is_text })));
                is_text
            },
            |known| known.is_text,
        )
    }
}

/// Whether `value` is UTF-8.
pub(crate) fn is_text(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok()
}

/// Whether finding that out takes long.
pub(super) fn is_long(value: &[u8]) -> bool {
    value.len() > SHORT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_its_own() {
        let texts = LongTexts::default();
        let bytes = ["a".repeat(400).into_bytes(), vec![0xff; 400]].concat();
        let values = (0..800).flat_map(|from| [1, 100, 399, 400].map(|length| (from, from + length)));
        for (from, to) in values.filter(|(_, to)| *to <= bytes.len()) {
            for _ in 0..2 {
                assert_eq!(texts.includes(&bytes[from..to]), to <= 400, "{from}..{to}");
            }
        }
    }
}
