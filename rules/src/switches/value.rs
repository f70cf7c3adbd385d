//! The types of switches: from what operators write to an item of RFC 9651, and back.

use crate::snapshot::records::switch;

/// The longest string, in bytes as written.
const STRING_LIMIT: usize = 1_024;

/// The largest number of an Integer, of 15 digits.
const INTEGER_LIMIT: u64 = 999_999_999_999_999;

/// What stands behind a duration, which is a whole number.
const UNIT: &str = ";unit=ms";

/// Milliseconds in each unit of a duration.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The type of a switch's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SwitchType {
    /// Visible ASCII and spaces: a String of RFC 9651.
    String,
    /// A whole number of at most 15 digits: an Integer.
    Int,
    /// A decimal number of at most 12 digits, and 3 behind the point: a Decimal.
    Float,
    /// true or false: a Boolean, `?1` or `?0`.
    Bool,
    /// A length of time: an Integer, in milliseconds, with the parameter `unit=ms`.
    Duration,
}

impl SwitchType {
    /// All of them.
    pub const ALL: [SwitchType; 5] =
        [SwitchType::String, SwitchType::Int, SwitchType::Float, SwitchType::Bool, SwitchType::Duration];

    /// The name that documents have for it.
    pub fn name(self) -> &'static str {
        match self {
            SwitchType::String => "string",
            SwitchType::Int => "int",
            SwitchType::Float => "float",
            SwitchType::Bool => "bool",
            SwitchType::Duration => "duration",
        }
    }

    /// The type of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The number that a snapshot has for it.
    pub(crate) fn code(self) -> u8 {
        match self {
            SwitchType::String => switch::STRING,
            SwitchType::Int => switch::INT,
            SwitchType::Float => switch::FLOAT,
            SwitchType::Bool => switch::BOOL,
            SwitchType::Duration => switch::DURATION,
        }
    }

    /// The type of this number.
    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// What a value of the type is.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            SwitchType::String => "a string of at most 1024 bytes of visible ASCII and spaces",
            SwitchType::Int => "a whole number of at most 15 digits",
            SwitchType::Float => "a number of at most 12 digits, and 3 behind the point",
            SwitchType::Bool => "true or false",
            SwitchType::Duration => "a whole number and one of ms, s, m, h and d, such as 1500ms",
        }
    }

    /// The item for what an operator wrote; None where that is no value of the type.
    pub(crate) fn item(self, text: &str) -> Option<String> {
        match self {
            SwitchType::String => string(text),
            SwitchType::Int => is_whole(text, 15).then(|| text.to_owned()),
            SwitchType::Float => decimal(text),
            SwitchType::Bool => boolean(text),
            SwitchType::Duration => duration(text),
        }
    }

    /// The value of an item as an operator would write it: `v2`, `0.3`, `true`, `1500ms`.
    pub fn plain(self, item: &[u8]) -> String {
        let text = String::from_utf8_lossy(item);
        match self {
            SwitchType::String => unescaped(&text),
            SwitchType::Int | SwitchType::Float => text.into_owned(),
            SwitchType::Bool => (if text == "?1" { "true" } else { "false" }).to_owned(),
            SwitchType::Duration => format!("{}ms", text.strip_suffix(UNIT).unwrap_or(&text)),
        }
    }
}

fn string(text: &str) -> Option<String> {
    let visible = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if text.len() > STRING_LIMIT || !visible {
        return None;
    }
    Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The text of a String.
fn unescaped(item: &str) -> String {
    let inner = item.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(item);
    let mut letters = inner.chars();
    let next = || match letters.next() {
        Some('\\') => letters.next(),
        other => other,
    };
    std::iter::from_fn(next).collect()
}

/// Whether `text` is a whole number of at most `digits`, in the one way to write it.
fn is_whole(text: &str, digits: usize) -> bool {
    let number = text.strip_prefix('-').unwrap_or(text);
    let plain = !number.is_empty() && number.len() <= digits && number.bytes().all(|byte| byte.is_ascii_digit());
    plain && (text == "0" || !number.starts_with('0'))
}

/// A Decimal, from its digits: never through a binary fraction.
fn decimal(text: &str) -> Option<String> {
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |number| ("-", number));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = (1..=3).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || whole.starts_with('-') || !is_whole(whole, 12) {
        return None;
    }
    let rest = fraction.trim_end_matches('0');
    let fraction = if rest.is_empty() { "0" } else { rest };
    let sign = if whole == "0" && rest.is_empty() { "" } else { sign };
    Some(format!("{sign}{whole}.{fraction}"))
}

fn boolean(text: &str) -> Option<String> {
    match text {
        "true" => Some("?1".to_owned()),
        "false" => Some("?0".to_owned()),
        _ => None,
    }
}

fn duration(text: &str) -> Option<String> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(end)?;
    let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let number: u64 = is_whole(number, 15).then(|| number.parse().ok())??;
    let millis = number.checked_mul(millis).filter(|&millis| millis <= INTEGER_LIMIT)?;
    Some(format!("{millis}{UNIT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each text becomes as a value of `kind`; an empty item: it is refused.
    fn check(kind: SwitchType, cases: &[(&str, &str)]) {
        for (text, item) in cases {
            let found = kind.item(text);
            assert_eq!(found.as_deref(), Some(*item).filter(|item| !item.is_empty()), "{} {text:?}", kind.name());
        }
    }

    #[test]
    fn strings_are_escaped_and_come_back() {
        check(
            SwitchType::String,
            &[
                ("v2", r#""v2""#),
                ("", r#""""#),
                (" a, b=c; ", r#"" a, b=c; ""#),
                (r#"a"b\c"#, r#""a\"b\\c""#),
                ("caf\u{e9}", ""),
                ("a\tb", ""),
                ("a\nb", ""),
            ],
        );
        assert!(string(&"x".repeat(1_024)).is_some() && string(&"x".repeat(1_025)).is_none());
        for text in ["", "v2", r#"a"b\c"#, r#"\""#, " "] {
            assert_eq!(SwitchType::String.plain(string(text).unwrap().as_bytes()), text);
        }
        for hostile in ["", "\"", "\"a", "a\\", "\"\\\""] {
            SwitchType::String.plain(hostile.as_bytes());
        }
    }

    #[test]
    fn whole_numbers_have_one_spelling() {
        let widest = "999999999999999";
        check(SwitchType::Int, &[("0", "0"), ("-7", "-7"), (widest, widest), ("-999999999999999", "-999999999999999")]);
        check(
            SwitchType::Int,
            &[("1000000000000000", ""), ("-0", ""), ("007", ""), ("+1", ""), ("1.0", ""), ("", ""), ("-", "")],
        );
    }

    #[test]
    fn decimals_keep_their_digits() {
        check(
            SwitchType::Float,
            &[
                ("0.3", "0.3"),
                ("0.300", "0.3"),
                ("2", "2.0"),
                ("-2.50", "-2.5"),
                ("-0.001", "-0.001"),
                ("0", "0.0"),
                ("0.1", "0.1"),
                ("999999999999.999", "999999999999.999"),
            ],
        );
        let refused =
            ["1000000000000", "0.1234", "1.", ".5", "1e3", "NaN", "inf", "--1", "-", "", "01.5", "1.-5", "1.5.0"];
        refused.iter().for_each(|text| check(SwitchType::Float, &[(text, "")]));
        // A zero has no sign, and a whole number with one is none that has two spellings.
        check(SwitchType::Float, &[("-0.0", "0.0"), ("-0.000", "0.0"), ("-0", "0.0")]);
    }

    #[test]
    fn booleans_and_durations() {
        check(SwitchType::Bool, &[("true", "?1"), ("false", "?0"), ("yes", ""), ("True", ""), ("1", ""), ("", "")]);
        check(
            SwitchType::Duration,
            &[
                ("1500ms", "1500;unit=ms"),
                ("2s", "2000;unit=ms"),
                ("5m", "300000;unit=ms"),
                ("1h", "3600000;unit=ms"),
                ("30d", "2592000000;unit=ms"),
                ("0s", "0;unit=ms"),
                ("999999999999999ms", "999999999999999;unit=ms"),
                ("1000000000000s", ""),
                ("99999999999999999999s", ""),
                ("-1s", ""),
                ("1.5s", ""),
                ("2", ""),
                ("s", ""),
                ("2 s", ""),
                ("1h30m", ""),
                ("\u{e9}s", ""),
                ("", ""),
            ],
        );
        assert_eq!(SwitchType::Duration.plain(b"1500;unit=ms"), "1500ms");
        assert_eq!([SwitchType::Bool.plain(b"?1"), SwitchType::Float.plain(b"0.3")], ["true", "0.3"]);
    }
}
