//! Durations as people write and read them.

use std::time::Duration;

/// Reads a whole number and its unit, one of ms, s, m, h and d; None for anything else.
pub fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    // Digits alone: `parse` would take a sign as well.
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// `text` with two units at most: `1.4 ms`, `3.2 s`, `5 m 12 s`, `2 d 3 h`.
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let pair = |one: u64, name: &str, other: u64, second: &str| {
        let (whole, rest) =
            (seconds.checked_div(one), seconds.checked_rem(one).and_then(|rest| rest.checked_div(other)));
        format!("{} {name} {} {second}", whole.unwrap_or(0), rest.unwrap_or(0))
    };
    match seconds {
        0 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3_600 => pair(60, "m", 1, "s"),
        3_600..86_400 => pair(3_600, "h", 60, "m"),
        _ => pair(86_400, "d", 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_and_nothing_else() {
        for (text, seconds) in [("500ms", 0.5), ("25s", 25.0), ("2m", 120.0), ("24h", 86_400.0), ("1d", 86_400.0)] {
            assert_eq!(parse(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in
            ["", "5", "s", "+5s", "-5s", "1.5s", "5 s", "1h30m", "5S", "99999999999999999999s", "9999999999999999999d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_units_are_enough() {
        for (millis, text) in [
            (0, "0.0 ms"),
            (14, "14.0 ms"),
            (999, "999.0 ms"),
            (3_250, "3.2 s"),
            (312_000, "5 m 12 s"),
            (7_260_000, "2 h 1 m"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(spoken(Duration::from_millis(millis)), text);
        }
    }
}
