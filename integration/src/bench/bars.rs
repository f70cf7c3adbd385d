//! What the figures are held against.

use std::fmt;

use super::{
    contestants::{Contestant, FLOOR, LUA, OURS, ROUTES},
    rounds::Samples,
    statistics::{Estimate, bootstrap, median},
};

/// What one way adds, as a part of what another adds, and how much that may be.
#[derive(Clone, Debug)]
pub struct Verdict {
    one: String,
    other: String,
    ratio: Estimate,
    bar: f64,
    /// Whether it is only hoped for.
    aim: bool,
}

/// The name of a way, and how many rules of workload W it has.
type Named = (&'static str, Option<usize>);

/// Each bar: one way, another, how much the one may add at most of what the other adds, and whether that is only an aim.
const BARS: [(Named, Named, f64, bool); 4] = [
    ((OURS, None), (FLOOR, None), 1.15, false),
    ((OURS, None), (LUA, None), 1.0, true),
    ((OURS, Some(10_000)), (OURS, Some(10)), 1.15, false),
    ((OURS, Some(1_000)), (ROUTES, Some(1_000)), 0.25, false),
];

/// Judges each bar of which both ways were measured.
pub fn judge(contestants: &[Contestant], samples: &Samples) -> Vec<Verdict> {
    let verdict = |&(one, other, bar, aim): &(Named, Named, f64, bool)| {
        let [one, other] = [one, other].map(|(name, rules)| {
            contestants.iter().position(|contestant| contestant.name == name && contestant.rules == rules)
        });
        let (one, other) = (one?, other?);
        let ratio = |drawn: &[usize]| added(samples, one, drawn) / added(samples, other, drawn);
        let ratio = bootstrap(samples[0].len(), ratio);
        Some(Verdict { one: contestants[one].label(), other: contestants[other].label(), ratio, bar, aim })
    };
    BARS.iter().filter_map(verdict).collect()
}

/// The median of what the contestant `at` took beyond the Envoy without a filter, which is the first, in these rounds.
pub fn added(samples: &Samples, at: usize, rounds: &[usize]) -> f64 {
    median(rounds.iter().map(|&round| samples[at][round] - samples[0][round]))
}

impl Verdict {
    /// Whether it is no worse than it may be, or only hoped for.
    pub fn is_met(&self) -> bool {
        self.aim || self.ratio.value <= self.bar
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { one, other, ratio: Estimate { value, low, high }, bar, aim } = self;
        let what = if *aim { "aim" } else { "bar" };
        let met = if value <= bar { "met" } else { "missed" };
        write!(f, "{what} {met}: {one} adds {value:.2} of what {other} adds (95 % interval {low:.2} to {high:.2}), ")?;
        write!(f, "at most {bar:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(ours: f64) -> Vec<Verdict> {
        let names = ["floor", "graylane", "lua"].map(str::to_owned);
        let contestants = Contestant::choose(&names);
        let of = |contestant: &Contestant| match (contestant.name, contestant.rules) {
            ("no filter", _) => 20.0,
            ("graylane", Some(10_000)) => 34.0,
            ("graylane", None) => 20.0 + ours,
            _ => 30.0,
        };
        judge(&contestants, &contestants.iter().map(|contestant| vec![of(contestant); 4]).collect())
    }

    #[test]
    fn bars_are_ratios_of_what_is_added_and_aims_fail_nobody() {
        let good = verdicts(11.0);
        assert_eq!(good.iter().map(Verdict::is_met).collect::<Vec<_>>(), [true, true, false]);
        let text = good.iter().map(Verdict::to_string).collect::<Vec<_>>().join("\n");
        for part in [
            "bar met: graylane adds 1.10 of what floor adds (95 % interval 1.10 to 1.10), at most 1.15",
            "aim missed: graylane adds 1.10 of what lua adds",
            "bar missed: graylane 10000 adds 1.40 of what graylane 10 adds",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!verdicts(12.0)[0].is_met());
    }
}
