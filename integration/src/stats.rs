//! Envoy's statistics at one moment.

use std::collections::BTreeMap;

/// Every counter and gauge, by its full name, tags and all. Histograms and texts are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// What `/stats` answered.
    pub(crate) fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.rsplit_once(": "));
        Self(pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    /// The value of `name`; None where it was never made.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// The value of the gauge or counter without tags that Graylane calls `graylane_<name>`.
    pub fn graylane(&self, name: &str) -> Option<u64> {
        self.value(&format!("wasmcustom.graylane_{name}"))
    }

    /// Those whose names contain `part`.
    pub fn with<'a>(&'a self, part: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
        self.0.iter().filter(move |(name, _)| name.contains(part)).map(|(name, value)| (name.as_str(), *value))
    }

    /// The sum of those whose names contain `part`.
    pub fn sum(&self, part: &str) -> u64 {
        self.with(part).map(|(_, value)| value).sum()
    }

    /// How many there are: Envoy never frees one.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_the_rest_is_left_out() {
        let stats = Stats::read("a.b: 3\nwasmcustom.graylane_revision_number: 7\nh: P0(nan,1) P25(nan,2)\nt: \"x: 1\"");
        assert_eq!((stats.value("a.b"), stats.value("a"), stats.graylane("revision_number")), (Some(3), None, Some(7)));
        assert_eq!((stats.count(), stats.sum("a")), (2, 10));
    }
}
