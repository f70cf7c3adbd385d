//! What is asked about a value: one small function an operator.

use memchr::memmem;

use crate::{
    automaton, network, semver,
    snapshot::{
        records::{Test, flag, operator},
        section::Section,
    },
};

/// Whether `value` passes the test. Text operators fail on what is not UTF-8, as `is_text` has it.
///
/// `percent` is no question about a text and is decided elsewhere.
#[inline]
pub(crate) fn holds(section: &Section<'_>, test: &Test, value: &[u8], is_text: impl Fn(&[u8]) -> bool) -> bool {
    // What most rules ask is asked without a call.
    if (test.operator, test.flags & flag::FOLD) == (operator::EXACT, 0) {
        return value == section.operand(test);
    }
    other_holds(section, test, value, &is_text)
}

fn other_holds(section: &Section<'_>, test: &Test, value: &[u8], is_text: &dyn Fn(&[u8]) -> bool) -> bool {
    let fold = test.flags & flag::FOLD != 0;
    match test.operator {
        operator::PRESENT => true,
        operator::EXACT => equal(value, section.operand(test), fold),
        operator::PREFIX => {
            let operand = section.operand(test);
            value.get(..operand.len()).is_some_and(|start| equal(start, operand, fold)) && is_text(value)
        }
        operator::SUFFIX => {
            let operand = section.operand(test);
            let start = value.len().checked_sub(operand.len());
            start.and_then(|start| value.get(start..)).is_some_and(|end| equal(end, operand, fold)) && is_text(value)
        }
        operator::CONTAINS => contains(value, section.operand(test), fold) && is_text(value),
        operator::CIDR => network::contains(section.operand(test), value),
        operator::IN => is_one_of(section, test, value, fold),
        operator::RANGE => integer(value).is_some_and(|value| {
            let (least, greatest) = section.bounds(test);
            (least..=greatest).contains(&value)
        }),
        operator::SEMVER => semver::holds(section, test, value),
        operator::REGEX => matches(section, test, value) && is_text(value),
        _ => false,
    }
}

/// A folded operand is in lower case already.
fn equal(value: &[u8], operand: &[u8], fold: bool) -> bool {
    if fold { value.eq_ignore_ascii_case(operand) } else { value == operand }
}

/// Linear in the value, whatever the two are: not even looked at is an operand that is longer.
fn contains(value: &[u8], operand: &[u8], fold: bool) -> bool {
    if operand.len() > value.len() {
        false
    } else if fold {
        folded_contains(value, operand)
    } else {
        memmem::find(value, operand).is_some()
    }
}

/// Looks through a value in pieces, each in lower case: so it takes no copy of the whole. Pieces overlap by as much as may begin
/// in one and end in the next.
fn folded_contains(value: &[u8], operand: &[u8]) -> bool {
    const PIECE: usize = 1_024;
    if operand.len() > PIECE / 2 {
        return memmem::find(&value.to_ascii_lowercase(), operand).is_some();
    }
    let finder = memmem::Finder::new(operand);
    let step = PIECE.saturating_sub(operand.len()).saturating_add(1);
    let mut piece = [0; PIECE];
    (0..value.len()).step_by(step).any(|start| {
        let rest = value.get(start..).unwrap_or_default();
        let length = rest.len().min(PIECE);
        piece.iter_mut().zip(rest).for_each(|(lower, byte)| *lower = byte.to_ascii_lowercase());
        finder.find(piece.get(..length).unwrap_or_default()).is_some()
    })
}

fn matches(section: &Section<'_>, test: &Test, value: &[u8]) -> bool {
    let found = section.automaton(test);
    found.is_some_and(|(found, transitions)| automaton::accepts(&found.shape, transitions, value))
}

fn is_one_of(section: &Section<'_>, test: &Test, value: &[u8], fold: bool) -> bool {
    let lower = |byte: &u8| if fold { byte.to_ascii_lowercase() } else { *byte };
    let order = |operand: &[u8]| operand.iter().copied().cmp(value.iter().map(lower));
    section.operands(test).binary_search_by(|operand| order(section.text(operand.text))).is_ok()
}

/// The longest integer, in bytes: `-9223372036854775808`.
const INTEGER_LIMIT: usize = 20;

/// ASCII digits, perhaps a minus in front, no leading zeros, 64 bits.
pub(crate) fn integer(value: &[u8]) -> Option<i64> {
    // Many rules may ask, and whoever sends the value chooses how long it is.
    if value.len() > INTEGER_LIMIT {
        return None;
    }
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let plain = match digits {
        [b'0'] => digits.len() == value.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let text = std::str::from_utf8(value).ok().filter(|_| plain)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{folded_contains, integer};

    #[test]
    fn what_is_looked_for_may_lie_across_pieces() {
        for length in [1, 3, 500, 512, 513, 700] {
            let operand = "x".repeat(length - 1) + "y";
            for before in [0, 1, 510, 1_000, 1_023, 1_024, 1_025, 2_046, 4_000] {
                let value = format!("{}{}z", "X".repeat(before), operand.to_ascii_uppercase());
                assert!(folded_contains(value.as_bytes(), operand.as_bytes()), "{length} behind {before}");
                let other = value.replace('Y', "Q");
                assert!(!folded_contains(other.as_bytes(), operand.as_bytes()), "{length} behind {before}");
            }
        }
    }

    #[test]
    fn integers_are_written_one_way_only() {
        let right = [("0", 0), ("-7", -7), ("9223372036854775807", i64::MAX), ("-9223372036854775808", i64::MIN)];
        for (text, value) in right {
            assert_eq!(integer(text.as_bytes()), Some(value));
        }
        for wrong in ["", "-", "-0", "00", "01", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "١"] {
            assert_eq!(integer(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
