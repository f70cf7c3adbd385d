//! Whole numbers as JavaScript counts: in doubles. Beyond 2^53 neighbours are equal.

/// The bits of a number's mantissa.
const MANTISSA: usize = 53;

/// Room for the 256 digits that a version can have.
type Limbs = [u32; 32];

/// What a double makes of decimal digits; such pairs compare as the doubles do.
///
/// The number of bits, and the highest 53 of them, rounded to the nearest, of two to the even one.
pub(super) fn rounded(digits: &str) -> (usize, u64) {
    let limbs = limbs(digits);
    let bit = |place: usize| limbs.get(place >> 5).is_some_and(|limb| (limb >> (place & 31)) & 1 == 1);
    let bits =
        (0..limbs.len().saturating_mul(32)).rev().find(|&place| bit(place)).map_or(0, |top| top.saturating_add(1));
    let cut = bits.saturating_sub(MANTISSA);
    let mantissa = (cut..bits).rev().fold(0, |mantissa: u64, place| (mantissa << 1) | u64::from(bit(place)));
    let half = cut.checked_sub(1);
    let up = half.is_some_and(|half| bit(half) && (mantissa & 1 == 1 || (0..half).any(bit)));
    match mantissa.saturating_add(u64::from(up)) {
        // One bit more, and 53 of them are left.
        over if over == 1 << MANTISSA => (bits.saturating_add(1), over >> 1),
        mantissa => (bits, mantissa),
    }
}

/// The number, the lowest 32 bits first.
fn limbs(digits: &str) -> Limbs {
    let mut limbs = Limbs::default();
    for digit in digits.bytes() {
        let mut carry = u64::from(digit.wrapping_sub(b'0'));
        for limb in &mut limbs {
            let wide = u64::from(*limb).wrapping_mul(10).wrapping_add(carry);
            // The lower half stays, the upper one goes on.
            *limb = u32::try_from(wide & u64::from(u32::MAX)).unwrap_or(0);
            carry = wide >> 32;
        }
    }
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_doubles_do() {
        let mut numbers: Vec<String> =
            ["0", "1", "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994"]
                .map(str::to_owned)
                .into();
        numbers.extend(["9007199254740995", "18014398509481983", "18446744073709551615"].map(str::to_owned));
        numbers.extend(
            (1..=250)
                .step_by(7)
                .flat_map(|length| ["9", "10", "4503"].map(|part| part.repeat(length)[..length].to_owned())),
        );
        for one in &numbers {
            for other in &numbers {
                let expected = one.parse::<f64>().unwrap().total_cmp(&other.parse().unwrap());
                assert_eq!(rounded(one).cmp(&rounded(other)), expected, "{one} {other}");
            }
        }
    }
}
