//! Counts as people read them.

/// `1 worker`, `2 workers`.
pub fn count(number: impl Into<u64>, one: &str) -> String {
    let number: u64 = number.into();
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The same for a length.
pub fn counted(number: usize, one: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), one)
}
