//! Slots as people read them.

use graylane_rules::slot::SLOTS;

/// `24.000 %` for 24,000 slots: exact, as a slot is a thousandth of a percent.
pub fn percent(slots: u32) -> String {
    let thousand = SLOTS / 100;
    format!("{}.{:03} %", slots / thousand, slots % thousand)
}

/// `1 slot`, `2 slots`.
pub fn slots(slots: u32) -> String {
    format!("{slots} slot{}", if slots == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_slot_is_a_thousandth_of_a_percent() {
        for (slots, text) in [(0, "0.000 %"), (1, "0.001 %"), (8_182, "8.182 %"), (100_000, "100.000 %")] {
            assert_eq!(super::percent(slots), text);
        }
        assert_eq!((super::slots(1), super::slots(0)), ("1 slot".to_owned(), "0 slots".to_owned()));
    }
}
