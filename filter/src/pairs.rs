//! Header maps in the form that crosses the VM's border: a count, the lengths of all names and values, then these,
//! each ended by a NUL. Read in place, without an allocation for each header.

use std::slice;

/// The headers of a map, in order, borrowed from the buffer the host returned.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<'a> {
    sizes: &'a [u8],
    text: &'a [u8],
}

impl<'a> Pairs<'a> {
    /// Reads the head of `buffer`; an empty buffer is an empty map. None where not even the lengths are all there.
    pub fn new(buffer: &'a [u8]) -> Option<Self> {
        if buffer.is_empty() {
            return Some(Self { sizes: buffer, text: buffer });
        }
        let (count, rest) = buffer.split_first_chunk()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (sizes, text) = rest.split_at_checked(count.checked_mul(8)?)?;
        Some(Self { sizes, text })
    }

    /// The value of the first header that is called `name`.
    pub fn first(mut self, name: &[u8]) -> Option<&'a [u8]> {
        self.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Whether every header was read: false after the iteration ended at one that does not fit its buffer.
    pub fn is_exhausted(&self) -> bool {
        self.sizes.is_empty() && self.text.is_empty()
    }

    fn take(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (name_len, sizes) = self.sizes.split_first_chunk()?;
        let (value_len, sizes) = sizes.split_first_chunk()?;
        let (name, text) = terminated(self.text, *name_len)?;
        let (value, text) = terminated(text, *value_len)?;
        (self.sizes, self.text) = (sizes, text);
        Some((name, value))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.take()
    }
}

/// The headers of a map that is whole, to be looked through several times: what is not asked for costs a few instructions.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// The lengths of each name and of its value.
    sizes: &'a [[u8; 8]],
    text: &'a [u8],
}

impl<'a> Whole<'a> {
    /// Reads `buffer`; an empty buffer is an empty map. None where the lengths are not those of what follows them. With it come
    /// the [bits](length_bit) of the lengths of all names.
    pub fn new(buffer: &'a [u8]) -> Option<(Self, u64)> {
        let Pairs { sizes, text } = Pairs::new(buffer)?;
        let (sizes, rest) = sizes.as_chunks();
        // Less than 2^32 headers of less than 2^34 bytes: nothing wraps.
        let (total, lengths) = sizes.iter().map(lengths_of).fold((0_u64, 0), |(total, lengths), (name, value)| {
            (total.wrapping_add(taken(name, value)), lengths | length_bit(name))
        });
        (rest.is_empty() && total == text.len() as u64).then_some((Self { sizes, text }, lengths))
    }

    /// No headers.
    pub const EMPTY: Self = Self { sizes: &[], text: &[] };

    /// The values of the headers that are called `name`, in order.
    pub fn named<'n>(self, name: &'n [u8]) -> Named<'a, 'n> {
        Named { sizes: self.sizes.iter(), rest: self.text, name }
    }

    /// The headers, in order, whose names have lengths that are `wanted`.
    pub fn filtered(self, wanted: impl Fn(usize) -> bool) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.places().filter(move |(_, length, _)| wanted(*length)).filter_map(move |(place, length, value)| {
            let (name, rest) = self.text.get(place..)?.split_at_checked(length)?;
            Some((name, rest.get(1..)?.get(..value)?))
        })
    }

    /// The names, in order, whose lengths `lengths` [has a bit](length_bit) for.
    pub fn names_of(self, lengths: u64) -> impl Iterator<Item = &'a [u8]> {
        self.filtered(move |length| lengths & length_bit(length) != 0).map(|(name, _)| name)
    }

    /// Where each name begins in the text, its length, and that of its value.
    fn places(self) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut next = 0_usize;
        self.sizes.iter().map(lengths_of).map(move |(name, value)| {
            let place = next;
            // The sum of all is the length of the text.
            next = place.wrapping_add(name).wrapping_add(value).wrapping_add(2);
            (place, name, value)
        })
    }
}

/// The values of the headers of one name, in order.
///
/// Every rule that asks for a header walks the whole map: so this is one loop, which passes a header in a few instructions.
#[derive(Clone, Debug)]
pub struct Named<'a, 'n> {
    sizes: slice::Iter<'a, [u8; 8]>,
    /// From the next name on.
    rest: &'a [u8],
    name: &'n [u8],
}

impl<'a> Iterator for Named<'a, '_> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let mut place = 0_usize;
        for (name, value) in self.sizes.by_ref().map(lengths_of) {
            // The sum of all is the length of the text.
            let behind = place.wrapping_add(name).wrapping_add(value).wrapping_add(2);
            if name == self.name.len() && self.rest.get(place..)?.starts_with(self.name) {
                let header = self.rest.get(place..behind)?;
                self.rest = self.rest.get(behind..)?;
                return header.get(name.wrapping_add(1)..)?.get(..value);
            }
            place = behind;
        }
        None
    }
}

/// The lengths of a name and of its value.
fn lengths_of(sizes: &[u8; 8]) -> (usize, usize) {
    let both = u64::from_le_bytes(*sizes);
    ((both & u64::from(u32::MAX)) as usize, (both >> 32) as usize)
}

/// The bytes that a name, its value and their NULs take.
fn taken(name: usize, value: usize) -> u64 {
    (name as u64).wrapping_add(value as u64).wrapping_add(2)
}

/// The bit of a length: n for n bytes, 63 for all that are longer.
pub fn length_bit(length: usize) -> u64 {
    1_u64.wrapping_shl(u32::try_from(length.min(63)).unwrap_or(63))
}

/// Splits off `len` bytes and the NUL behind them.
fn terminated(text: &[u8], len: [u8; 4]) -> Option<(&[u8], &[u8])> {
    let len = usize::try_from(u32::from_le_bytes(len)).ok()?;
    let (taken, rest) = text.split_at_checked(len)?;
    Some((taken, rest.get(1..)?))
}

/// Writes `pairs` for the host. A map that does not fit 4 GiB, which none here does, comes out empty.
pub fn encode(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let number = |len: usize| u32::try_from(len).unwrap_or_default().to_le_bytes();
    let mut buffer = Vec::with_capacity(512);
    buffer.extend(number(pairs.len()));
    for (name, value) in pairs {
        buffer.extend(number(name.len()));
        buffer.extend(number(value.len()));
    }
    for part in pairs.iter().flat_map(|(name, value)| [name, value]) {
        buffer.extend_from_slice(part);
        buffer.push(0);
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &[(&[u8], &[u8])] = &[(b":path", b"/"), (b"x", b""), (b"bytes", b"caf\xe9\0!")];

    #[test]
    fn what_was_written_is_read() {
        let buffer = encode(MAP);
        let mut pairs = Pairs::new(&buffer).unwrap();
        assert_eq!(pairs.by_ref().collect::<Vec<_>>(), MAP);
        assert!(pairs.is_exhausted());
        assert_eq!(Pairs::new(&buffer).unwrap().first(b"bytes"), Some(&b"caf\xe9\0!"[..]));
        assert!(Pairs::new(b"").unwrap().is_exhausted());
    }

    #[test]
    fn a_whole_map_shows_what_is_asked_for() {
        let long = "l".repeat(70);
        let further: [(&[u8], &[u8]); 2] = [(long.as_bytes(), b"1"), (&long.as_bytes()[..63], b"2")];
        let map = [MAP[0], MAP[1], MAP[2], further[0], further[1]];
        let buffer = encode(&map);
        let (whole, lengths) = Whole::new(&buffer).unwrap();
        assert_eq!(lengths, length_bit(5) | length_bit(1) | length_bit(63));
        assert_eq!(whole.names_of(u64::MAX).collect::<Vec<_>>(), map.map(|(name, _)| name));
        assert_eq!(whole.names_of(length_bit(5)).collect::<Vec<_>>(), [&b":path"[..], b"bytes"]);
        assert_eq!((whole.names_of(length_bit(1000)).count(), whole.names_of(0).count()), (2, 0));
        for (name, value) in map {
            assert_eq!(whole.named(name).collect::<Vec<_>>(), [value]);
        }
        let (empty, lengths) = Whole::new(b"").unwrap();
        assert_eq!((whole.named(b"bytez").count(), empty.named(b"x").count(), lengths), (0, 0, 0));
    }

    #[test]
    fn a_cut_or_changed_buffer_is_not_whole() {
        let whole = encode(MAP);
        assert!((1..whole.len()).all(|cut| Whole::new(&whole[..cut]).is_none()));
        assert!(Whole::new(&[&whole[..], b"\0"].concat()).is_none());
        for (at, by) in (0..28).flat_map(|at| [1, 0xff].map(|by| (at, by))) {
            let mut changed = whole.clone();
            changed[at] ^= by;
            assert!(Whole::new(&changed).is_none(), "changed at {at}");
        }
    }

    #[test]
    fn a_cut_or_changed_buffer_ends_early_and_says_so() {
        let whole = encode(MAP);
        for cut in 1..whole.len() {
            let read = Pairs::new(&whole[..cut]).map(|mut pairs| (pairs.by_ref().count(), pairs.is_exhausted()));
            assert!(read.is_none_or(|(count, exhausted)| count < MAP.len() && !exhausted), "cut at {cut}: {read:?}");
        }
        for at in 0..28 {
            let mut changed = whole.clone();
            changed[at] = 0xff;
            let read = Pairs::new(&changed).map(|mut pairs| (pairs.by_ref().count(), pairs.is_exhausted()));
            assert!(read.is_none_or(|(_, exhausted)| !exhausted), "changed at {at}: {read:?}");
        }
    }
}
