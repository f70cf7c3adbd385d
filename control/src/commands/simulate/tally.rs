//! Who got what, beside who was to.

use std::collections::{BTreeMap, HashMap};

use graylane_rules::{Decision, Expected, SeriesKey};

/// What one rule set gave.
#[derive(Debug)]
pub struct Tally {
    /// The header it decides.
    pub variant_header: String,
    /// Its name.
    pub rule_set: String,
    /// How many identities were sent.
    pub identities: usize,
    /// Each variant's share, by name.
    pub variants: BTreeMap<String, Shares>,
    /// What each rule gave: in the order of the rules where anything is expected, else as they were seen.
    pub rules: Vec<(Outcome, Shares)>,
    /// Whether anything is expected: not where the rules are too entangled.
    pub is_expected: bool,
    /// Where among the rules the outcomes are that were seen.
    places: HashMap<(SeriesKey, &'static str), usize>,
}

/// A rule and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its id; None: no rule matched.
    pub rule: Option<String>,
    /// The variant.
    pub variant: String,
    /// Why.
    pub reason: &'static str,
}

/// Expected and observed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shares {
    /// From 0 to 1; None where it is not known.
    pub expected: Option<f64>,
    /// How many identities.
    pub count: usize,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(expected: &Expected<'_>, identities: usize) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let is_expected = expected.shares.is_some();
        let rules = expected.shares.iter().flatten().map(|share| {
            let outcome =
                Outcome { rule: share.rule.map(text), variant: text(share.variant), reason: share.reason.name() };
            (outcome, Shares { expected: Some(share.share), count: 0 })
        });
        let rules: Vec<_> = rules.collect();
        let mut variants: BTreeMap<String, Shares> = BTreeMap::new();
        for (outcome, shares) in &rules {
            let variant = variants.entry(outcome.variant.clone()).or_default();
            variant.expected = Some(variant.expected.unwrap_or(0.0) + shares.expected.unwrap_or(0.0));
        }
        let (variant_header, rule_set) = (text(expected.variant_header), text(expected.rule_set));
        Self { variant_header, rule_set, identities, variants, rules, is_expected, places: HashMap::new() }
    }

    /// Counts a decision.
    pub fn count(&mut self, decision: &Decision<'_>) {
        let same = |outcome: &Outcome| {
            outcome.rule.as_deref().map(str::as_bytes) == decision.rule()
                && outcome.variant.as_bytes() == decision.variant()
                && outcome.reason == decision.reason.name()
        };
        let key = (decision.series(), decision.reason.name());
        let known = self.places.get(&key).copied();
        let known = known.or_else(|| self.rules.iter().position(|(outcome, _)| same(outcome)));
        let place = known.unwrap_or_else(|| self.add(decision));
        self.places.insert(key, place);
        if let Some((outcome, shares)) = self.rules.get_mut(place) {
            shares.count = shares.count.saturating_add(1);
            let variant = self.variants.entry(outcome.variant.clone()).or_default();
            variant.count = variant.count.saturating_add(1);
        }
    }

    /// A place for what nobody expected; its number.
    fn add(&mut self, decision: &Decision<'_>) -> usize {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let outcome = Outcome {
            rule: decision.rule().map(text),
            variant: text(decision.variant()),
            reason: decision.reason.name(),
        };
        let expected = self.is_expected.then_some(0.0);
        self.rules.push((outcome, Shares { expected, count: 0 }));
        self.rules.len().saturating_sub(1)
    }

    /// The part of the identities that `count` is.
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    pub fn part(&self, count: usize) -> f64 {
        count as f64 / self.identities as f64
    }
}
