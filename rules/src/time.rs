//! Points in time, in milliseconds since 1970 UTC, as RFC 3339 writes them.

use std::fmt;

use crate::timestamp;

const DAY: i64 = 86_400_000;

/// Reads `2026-01-01T00:00:00Z` or `2026-01-01T01:00:00.250+01:00`. None for anything else: a date that is none, an offset that is
/// left out, a leap second, a fraction finer than milliseconds,
/// and what is before 1970.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date_and_time, rest) = text.split_at_checked(19)?;
    let part = |range: std::ops::Range<usize>| number(date_and_time.get(range)?);
    let marks = |place: usize| date_and_time.as_bytes().get(place).copied();
    let marks = [marks(4)?, marks(7)?, marks(10)?.to_ascii_uppercase(), marks(13)?, marks(16)?];
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
    let in_day = hour < 24 && minute < 60 && second < 60;
    if marks != *b"--T::" || !in_day || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let (millis, offset) = fraction_and_offset(rest)?;
    let of_day = in_millis(hour, minute, second, millis, offset);
    let time = since_1970(year, month, day).saturating_mul(DAY).saturating_add(of_day);
    (time >= 0).then_some(time)
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[expect(clippy::arithmetic_side_effects, reason = "no number has more than three digits")]
fn in_millis(hour: i64, minute: i64, second: i64, millis: i64, offset_minutes: i64) -> i64 {
    ((hour * 60 + minute - offset_minutes) * 60 + second) * 1_000 + millis
}

/// The milliseconds of `.250+01:00`, and the minutes of its offset.
fn fraction_and_offset(text: &str) -> Option<(i64, i64)> {
    let behind = text.strip_prefix('.').unwrap_or(text);
    let (digits, offset) = behind.split_at(behind.find(|c: char| !c.is_ascii_digit())?);
    if digits.is_empty() != (behind.len() == text.len()) {
        return None;
    }
    let digits = digits.trim_end_matches('0');
    if digits.len() > 3 {
        return None;
    }
    Some((number(&format!("{digits:0<3}"))?, offset_minutes(offset)?))
}

/// The minutes of `+01:00`; `Z` is none.
fn offset_minutes(text: &str) -> Option<i64> {
    let sign = match text.chars().next()? {
        'Z' | 'z' if text.len() == 1 => return Some(0),
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if (hours.len(), minutes.len()) != (2, 2) {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let inside = hours < 24 && minutes < 60;
    inside.then(|| hours.saturating_mul(60).saturating_add(minutes).saturating_mul(sign))
}

fn days_in(year: i64, month: i64) -> i64 {
    let leaps = |every: i64| year.checked_rem(every) == Some(0);
    match month {
        2 if leaps(4) && (!leaps(100) || leaps(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date in the Gregorian calendar. Years are counted from March, so that a leap day is a year's last.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a year of four digits has no more than four million days before it"
)]
fn since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// A point in time as [`parse`] reads it, in UTC; without milliseconds where they are 0.
pub(crate) struct Words(pub(crate) i64);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = timestamp::rfc3339(self.0);
        let text = str::from_utf8(&text).unwrap_or_default();
        match text.strip_suffix(".000Z") {
            Some(whole) => write!(f, "{whole}Z"),
            None => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_1970_in_utc() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000),
            ("2026-01-01t01:30:00.5+01:30", 1_767_225_600_500),
            ("2025-12-31T12:00:00-12:00", 1_767_225_600_000),
            ("2024-02-29T23:59:59.250000z", 1_709_251_199_250),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!(parse(text), Some(millis), "{text}");
            let again = Words(millis).to_string();
            assert_eq!(parse(&again), Some(millis), "{text}: {again}");
        }
        assert_eq!(Words(1_709_251_199_250).to_string(), "2024-02-29T23:59:59.250Z");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let days = (0..2_932_000i64).step_by(97).map(|day| Words(day * DAY).to_string());
        let read: Vec<_> = days.filter_map(|text| parse(&text)).collect();
        assert!(read.len() > 30_000 && read.windows(2).all(|pair| pair[1] - pair[0] == 97 * DAY));
    }

    #[test]
    fn what_rfc_3339_does_not_write_is_no_time() {
        for text in [
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.0001Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01:60",
            "2026-01-01T00:00:00ZZ",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:0٣Z",
            "2026-01-01T00:00:00,5Z",
            "12026-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
