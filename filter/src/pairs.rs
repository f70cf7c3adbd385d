//! Header maps in the form that crosses the VM's border: a count, the lengths of all names and values, then these,
//! each ended by a NUL. Read in place, without an allocation for each header.

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
