//! Query parameters: names and values percent-decoded, `+` a space, the first of a name counts.

use std::borrow::Cow;

use memchr::memchr2;

use super::split_at;

/// Up to so many parameters are looked at one after the other.
const FEW: usize = 64;
/// Up to so many bytes with escapes are decoded on the stack.
const SCRATCH: usize = 1_024;
/// Up to so many bytes without escapes are looked at for each name that is asked for.
const SHORT: usize = 8_192;

/// A name and its value, decoded.
type Parameter<'r> = (Cow<'r, [u8]>, Cow<'r, [u8]>);

/// The parameters of one request.
pub(super) enum Query<'r> {
    /// Few enough to be looked through again for each name.
    Short(&'r [u8]),
    /// Many or long ones: decoded once, on the heap, sorted by name, those of one name in order. So the work does not grow
    /// with what is sent times what is asked.
    Long(Vec<Parameter<'r>>),
}

impl<'r> Query<'r> {
    /// What stands behind the `?`.
    pub(super) fn of(query: &'r [u8]) -> Self {
        let limit = if memchr2(b'%', b'+', query).is_some() { SCRATCH } else { SHORT };
        if query.len() <= limit && pairs(query).nth(FEW).is_none() {
            return Self::Short(query);
        }
        let mut sorted: Vec<_> = pairs(query).map(|(name, value)| (decoded(name), decoded(value))).collect();
        sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self::Long(sorted)
    }

    /// Whether there is a parameter of this name, and `holds` for the value of the first.
    pub(super) fn any(&self, name: &[u8], holds: impl FnOnce(&[u8]) -> bool) -> bool {
        match self {
            Self::Short(query) => {
                let found = pairs(query).find(|(found, _)| Decoded(found).eq(name.iter().copied()));
                found.is_some_and(|(_, value)| on_the_stack(value, holds))
            }
            Self::Long(sorted) => {
                let first = sorted.partition_point(|(found, _)| **found < *name);
                let found = sorted.get(first).filter(|(found, _)| **found == *name);
                found.is_some_and(|(_, value)| holds(value))
            }
        }
    }
}

fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let parts = query.split(|&byte| byte == b'&').filter(|part| !part.is_empty());
    parts.map(|part| split_at(part, b'=').unwrap_or((part, b"")))
}

/// Asks `holds` about a value, decoded without the heap; it is no longer than [`SCRATCH`] where it has escapes.
fn on_the_stack(value: &[u8], holds: impl FnOnce(&[u8]) -> bool) -> bool {
    if memchr2(b'%', b'+', value).is_none() {
        return holds(value);
    }
    let mut scratch = [0; SCRATCH];
    let mut length = 0_usize;
    for (place, byte) in scratch.iter_mut().zip(Decoded(value)) {
        *place = byte;
        length = length.saturating_add(1);
    }
    holds(scratch.get(..length).unwrap_or_default())
}

fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr2(b'%', b'+', text).is_none() { Cow::Borrowed(text) } else { Cow::Owned(Decoded(text).collect()) }
}

/// The bytes of a text, percent-decoded, `+` a space; what is no escape stays as it is.
struct Decoded<'t>(&'t [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, tail) = self.0.split_first()?;
        let escape = (first == b'%').then(|| tail.split_at_checked(2)).flatten();
        match escape.and_then(|(digits, after)| Some((hex(digits)?, after))) {
            Some((byte, after)) => {
                self.0 = after;
                Some(byte)
            }
            None => {
                self.0 = tail;
                Some(if first == b'+' { b' ' } else { first })
            }
        }
    }
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0u8, |value, &digit| {
        let digit = char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
        Some((value << 4) | digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_that_are_none_stay() {
        for (text, plain) in [("a%20b+c", "a b c"), ("%", "%"), ("%2", "%2"), ("%zz%41", "%zzA"), ("%+1", "% 1")] {
            assert_eq!(*decoded(text.as_bytes()), *plain.as_bytes(), "{text}");
            assert!(on_the_stack(text.as_bytes(), |value| value == plain.as_bytes()), "{text}");
        }
    }

    #[test]
    fn long_and_short_ones_are_read_alike() {
        let wanted: [(&[u8], Option<&[u8]>); 4] =
            [(b"a", Some(b"1 2")), (b"b c", Some(b"")), (b"d", Some(b"=")), (b"e", None)];
        let short = "&a=1+2&b%20c&a=3&d==&&".to_owned();
        let (many, long) = (format!("{short}{}", "x&".repeat(FEW)), format!("{short}y={}", "%20".repeat(SCRATCH)));
        for (query, is_short) in [(short, true), (many, false), (long, false)] {
            let query = Query::of(query.as_bytes());
            assert_eq!(matches!(query, Query::Short(_)), is_short);
            for (name, value) in wanted {
                let holds = query.any(name, |found| Some(found) == value);
                assert_eq!(holds, value.is_some(), "{name:?}");
            }
        }
    }
}
