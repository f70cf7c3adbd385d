//! Times, counts and shares as people read them.

use graylane_rules::slot::SLOTS;
use jiff::Timestamp;
use maud::{Markup, html};

pub use crate::plural::{count, counted};

/// When something was, as seen from `now`; the exact time is in its title.
pub fn time(now: Timestamp, at: Timestamp) -> Markup {
    let exact = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at).to_string();
    html! { time datetime=(exact) title=(exact) { (ago(now, at)) } }
}

/// `4 s ago`; what is still to come, by clocks that differ, is `now`.
pub fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second());
    let (number, unit) = match seconds {
        ..=0 => return "now".to_owned(),
        1..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{number} {unit} ago")
}

/// `4.2 ms`, `1.50 s`.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1_000.0) } else { format!("{seconds:.2} s") }
}

/// What part of all slots these are, from 0 to 1.
pub fn part(slots: u32) -> f64 {
    f64::from(slots) / f64::from(SLOTS)
}

/// `50 %`, `33.333 %`, `0.001 %`: a thousandth is the smallest step of a weight.
pub fn percent(part: f64) -> String {
    let text = format!("{:.3}", part * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (seconds, told) in [
            (-5, "now"),
            (0, "now"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7_199, "1 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(at(1_000_000 + seconds), at(1_000_000)), told);
        }
    }

    #[test]
    fn shares_are_as_exact_as_weights_and_no_longer_than_that() {
        for (slots, told) in [(50_000, "50 %"), (33_333, "33.333 %"), (1, "0.001 %"), (0, "0 %"), (100_000, "100 %")] {
            assert_eq!(percent(part(slots)), told);
        }
    }
}
