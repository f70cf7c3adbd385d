//! Byte strings that are short, as nearly all names and values of headers are: compared and hashed as numbers, without a call.

/// The longest of them, in bytes.
const LIMIT: usize = 16;

/// The first and the last bytes of a short string, which overlap; with its length, all there is to know of it. None where it
/// is longer.
#[inline(always)]
pub(crate) fn ends(text: &[u8]) -> Option<(u64, u64)> {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (text.len() <= LIMIT).then(|| (u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return Some((u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()));
    }
    let [first, middle, last] = match *text {
        [one] => [one, one, one],
        [one, two] => [one, one, two],
        [one, two, three] => [one, two, three],
        _ => [0; 3],
    };
    Some(((u64::from(first) << 8) | u64::from(middle), last.into()))
}

/// Whether both are the same bytes.
#[inline(always)]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (ends(one), ends(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_is_equal() {
        let text: Vec<u8> = (b'a'..=b'z').collect();
        for length in 0..text.len() {
            let one = &text[..length];
            assert!(equal(one, one.to_vec().as_slice()), "{length}");
            assert!(!equal(one, &text[..=length]) && !equal(&text[..=length], one), "{length}");
            for at in 0..length {
                let mut other = one.to_vec();
                other[at] ^= 0x80;
                assert!(!equal(one, &other), "{length}, {at}");
            }
        }
    }
}
