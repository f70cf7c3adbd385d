//! base64url without padding (RFC 4648, 5): bytes as text that a cookie can carry.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The digits of `bytes`, one after the other: four for three bytes, and for the rest one more than it has bytes.
pub(crate) fn digits(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.chunks(3).flat_map(|chunk| {
        let group = (0..3).fold(0u32, |group, place| (group << 8) | u32::from(chunk.get(place).copied().unwrap_or(0)));
        let digit =
            move |place: u32| DIGITS.get((group >> 18u32.saturating_sub(place.saturating_mul(6))) as usize & 63);
        (0..=chunk.len()).filter_map(move |place| digit(u32::try_from(place).ok()?).copied())
    })
}

/// Writes what `text` stands for to the beginning of `bytes`; how many bytes that were. None for anything that
/// [`digits`] does not write, and for what does not fit.
pub(crate) fn decode(text: &[u8], bytes: &mut [u8]) -> Option<usize> {
    let mut written = 0usize;
    for chunk in text.chunks(4) {
        let group = chunk.iter().try_fold(0u32, |group, &digit| Some((group << 6) | value(digit)?))?;
        // Three digits are 18 bits of two bytes, two are 12 of one: what is left over is nothing.
        let count = chunk.len().checked_sub(1).filter(|count| *count > 0)?;
        let spare = chunk.len().saturating_mul(6).saturating_sub(count.saturating_mul(8));
        if group & (1u32 << spare).saturating_sub(1) != 0 {
            return None;
        }
        for place in (0..count).rev() {
            let byte = group >> place.saturating_mul(8).saturating_add(spare);
            *bytes.get_mut(written)? = (byte & 0xff) as u8;
            written = written.saturating_add(1);
        }
    }
    Some(written)
}

fn value(digit: u8) -> Option<u32> {
    let from = |first: u8, value: u32| Some(u32::from(digit.checked_sub(first)?).saturating_add(value));
    match digit {
        b'A'..=b'Z' => from(b'A', 0),
        b'a'..=b'z' => from(b'a', 26),
        b'0'..=b'9' => from(b'0', 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        digits(bytes).map(char::from).collect()
    }

    #[test]
    fn texts_are_those_of_the_standard() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (b"\xff\xfe\xfd", "__79"),
            (b"\xfb\xef", "--8"),
        ] {
            assert_eq!(text(bytes), expected);
            let mut back = [0; 6];
            let length = decode(expected.as_bytes(), &mut back).unwrap();
            assert_eq!(&back[..length], bytes);
        }
    }

    #[test]
    fn every_byte_comes_back_at_every_length() {
        let all: Vec<u8> = (0..=255).collect();
        for length in 0..=all.len() {
            let mut back = [0; 256];
            assert_eq!(decode(text(&all[..length]).as_bytes(), &mut back), Some(length));
            assert_eq!(back[..length], all[..length]);
        }
    }

    #[test]
    fn only_one_text_stands_for_bytes() {
        let mut bytes = [0; 8];
        for text in ["Z", "Zg==", "Zh", "Zm9=", "Zm+v", "Zm/v", "Zm9vY", "Zm 9", "Zm9\n", "é"] {
            assert_eq!(decode(text.as_bytes(), &mut bytes), None, "{text}");
        }
        assert_eq!(decode(b"Zm9vYmFyZm9v", &mut bytes), None, "too long");
    }
}
