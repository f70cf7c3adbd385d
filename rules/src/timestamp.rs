//! Points in time as text: RFC 3339 in UTC, to the millisecond.

/// The length of such a text, in bytes.
pub const LENGTH: usize = 24;

/// The last millisecond of the year 9999: RFC 3339 has four digits for a year.
const LAST: u64 = 253_402_300_799_999;

const DAY_MILLIS: u64 = 86_400_000;

/// `unix_millis`, milliseconds since 1970 UTC, as `2026-11-24T12:00:00.000Z`. What is before 1970 is shown as its
/// beginning, what is behind the year 9999 as its end.
pub fn rfc3339(unix_millis: i64) -> [u8; LENGTH] {
    let millis = u64::try_from(unix_millis).unwrap_or(0).min(LAST);
    let (days, rest) = (millis / DAY_MILLIS, millis % DAY_MILLIS);
    let (year, month, day) = date(days);
    let (seconds, millis) = (rest / 1_000, rest % 1_000);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text, 0, 4, year);
    put(&mut text, 5, 2, month);
    put(&mut text, 8, 2, day);
    put(&mut text, 11, 2, seconds / 3_600);
    put(&mut text, 14, 2, seconds / 60 % 60);
    put(&mut text, 17, 2, seconds % 60);
    put(&mut text, 20, 3, millis);
    text
}

/// Writes the last `digits` digits of `number` at `place`.
fn put(text: &mut [u8; LENGTH], place: usize, digits: usize, number: u64) {
    let mut rest = number;
    for byte in text.iter_mut().skip(place).take(digits).rev() {
        *byte = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
    }
}

/// Year, month and day of the day that is `days` after the first of January 1970.
///
/// Counted from the first of March of the year 0, so that a leap day is the last of its year; 400 years have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let leaps = (day / 1_460).saturating_add(day / 146_096).saturating_sub(day / 36_524);
    let year = day.saturating_sub(leaps) / 365;
    let before = year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100);
    let day = day.saturating_sub(before);
    // Months from March on, of 153 days for each five.
    let month = day.saturating_mul(5).saturating_add(2) / 153;
    let day = day.saturating_sub(month.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let year = era.saturating_mul(400).saturating_add(year);
    // January and February are those of the year after.
    if month < 10 {
        (year, month.saturating_add(3), day)
    } else {
        (year.saturating_add(1), month.saturating_sub(9), day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // By `date -u -d @SECONDS`.
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_001, "2000-03-01T00:00:00.001Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
            (1_795_996_800_123, "2026-11-30T00:00:00.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (-1, "1970-01-01T00:00:00.000Z"),
        ];
        for (millis, text) in cases {
            assert_eq!(str::from_utf8(&rfc3339(millis)), Ok(text), "{millis}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = (0, 0, 0);
        for day in 0..2_932_897 {
            let (year, month, number) = date(day);
            let next = (year, month, number);
            assert!(next > before && (1..=12).contains(&month) && (1..=31).contains(&number), "{day}: {next:?}");
            assert!(number == 1 || (before.0, before.1, before.2 + 1) == next, "{day}: {next:?} after {before:?}");
            before = next;
        }
        assert_eq!(before, (9999, 12, 31));
    }
}
