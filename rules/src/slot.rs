//! Which identities belong together: the only hash of the language.
//!
//! ```text
//! seed = xxh3_64(domain ++ 0x00 ++ salt)
//! slot = (xxh3_64_with_seed(identity, seed) as u128 * 100_000) >> 64
//! ```

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// How many slots the identities of one salt fall into; a slot is 1/1,000 of a percent.
pub const SLOTS: u32 = 100_000;

/// What slots are used for. It keeps a percentage and a split of one salt independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The slots of a `percent` match.
    Percent,
    /// The slots of a split.
    Split,
}

/// The seed of a salt, computed once when a rule set is compiled.
pub fn seed(domain: Domain, salt: &str) -> u64 {
    let domain: &[u8] = match domain {
        Domain::Percent => b"percent",
        Domain::Split => b"split",
    };
    xxh3_64(&[domain, b"\0", salt.as_bytes()].concat())
}

/// The slot of `identity`, 0 to 99,999.
#[inline]
pub fn slot(identity: &[u8], seed: u64) -> u32 {
    let hash = xxh3_64_with_seed(identity, seed);
    // The upper half of a product of 128 bits that is below 2^81, by halves of the hash: a VM multiplies 64 bits at most.
    let slots = u64::from(SLOTS);
    let low = (hash & u64::from(u32::MAX)).wrapping_mul(slots) >> 32;
    ((hash >> 32).wrapping_mul(slots).wrapping_add(low) >> 32) as u32
}

/// The decimal text of a percentage, 0 to 100 in steps of 0.001, as slots; never through a float. None for anything else.
pub fn from_percent(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let slots = format!("{whole}{fraction:0<3}").parse().ok()?;
    (slots <= SLOTS).then_some(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        for (text, slots) in
            [("20", 20_000), ("0.001", 1), ("33.333", 33_333), ("100", 100_000), ("0.10", 100), ("0", 0)]
        {
            assert_eq!(from_percent(text), Some(slots), "{text}");
        }
        for text in ["100.001", "0.0001", "-1", "1e1", ".5", "1.2.3", ""] {
            assert_eq!(from_percent(text), None, "{text}");
        }
    }
}
