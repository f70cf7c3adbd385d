//! One walk over all rules for a class of identities.

use std::collections::BTreeMap;

use super::slots::Slots;
use crate::{
    Attributes, Reason,
    decide::inherit,
    request::{Asked, Known},
    slot::SLOTS,
    snapshot::{
        records::{FAILED, MATCHED, Rule, Test, operator, then},
        section::Section,
    },
};

/// So many states of knowledge are kept at a time.
const STATES_LIMIT: usize = 4_096;

/// So many tests are asked, all walks together; one counts for more where more is known.
const STEPS_LIMIT: usize = 4_000_000;

/// A rule and what it gives; the number behind the last rule stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome {
    pub(super) rule: u32,
    pub(super) variant: u16,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Named,
    Split,
    Anonymous,
    Inherited,
    Default,
}

impl Outcome {
    pub(super) fn reason(self) -> Reason {
        match self.kind {
            Kind::Named => Reason::TargetingMatch,
            Kind::Split => Reason::Split,
            Kind::Anonymous => Reason::NoIdentity,
            Kind::Inherited => Reason::Inherited,
            Kind::Default => Reason::Default,
        }
    }
}

/// A walk for all identities about which the tests say what they say of one request.
pub(super) struct Walk<'w, 's, A> {
    section: &'w Section<'s>,
    asked: &'w Asked<'s, A>,
    known: Known<'s>,
    /// The last rule that asks for the slot of a salt.
    last_use: BTreeMap<u64, u32>,
    outcomes: BTreeMap<Outcome, f64>,
    /// How many tests were asked.
    pub(super) steps: usize,
}

impl<'w, 's, A: Attributes> Walk<'w, 's, A> {
    /// A walk that counts on from `steps`.
    pub(super) fn new(section: &'w Section<'s>, asked: &'w Asked<'s, A>, steps: usize) -> Self {
        let (known, outcomes) = (Known::default(), BTreeMap::new());
        Self { section, asked, known, last_use: last_use(section), outcomes, steps }
    }

    /// The chance of each outcome; None where there are too many cases.
    pub(super) fn outcomes(&mut self) -> Option<BTreeMap<Outcome, f64>> {
        let behind = u32::try_from(self.section.rules().len()).unwrap_or(u32::MAX);
        if let Some(variant) = inherit::inherited(self.section, self.asked) {
            self.add(behind, variant, Kind::Inherited, 1.0);
            return Some(std::mem::take(&mut self.outcomes));
        }
        let mut states = BTreeMap::from([(Slots::default(), 1.0)]);
        for (number, rule) in (0u32..).zip(self.section.rules()) {
            let mut behind: BTreeMap<Slots, f64> = BTreeMap::new();
            for (slots, chance) in states {
                for (mut slots, chance) in self.rule(number, rule, slots, chance)? {
                    slots.forget(|seed| self.last_use.get(&seed).is_some_and(|&last| last > number));
                    *behind.entry(slots).or_default() += chance;
                }
            }
            if behind.len() > STATES_LIMIT {
                return None;
            }
            states = behind;
        }
        let rest: f64 = states.values().sum();
        if rest > 0.0 {
            self.add(behind, self.section.header.default_variant.get(), Kind::Default, rest);
        }
        Some(std::mem::take(&mut self.outcomes))
    }

    /// Takes those whom the rule matches; what is known of the others, and their chances.
    fn rule(&mut self, number: u32, rule: &Rule, slots: Slots, chance: f64) -> Option<Vec<(Slots, f64)>> {
        let mut behind = Vec::new();
        let first = if rule.tests.get() == 0 { MATCHED } else { rule.first_test.get() };
        let mut ahead = vec![(first, slots, chance)];
        while let Some((next, slots, chance)) = ahead.pop() {
            self.steps = self.steps.saturating_add(slots.len()).saturating_add(1);
            if self.steps > STEPS_LIMIT {
                return None;
            }
            match (next, self.section.tests().get(next as usize)) {
                (MATCHED, _) => self.decide(number, rule, &slots, chance),
                (FAILED, _) | (_, None) => behind.push((slots, chance)),
                (_, Some(test)) => self.branch(test, slots, chance, &mut ahead),
            }
        }
        Some(behind)
    }

    fn branch(&self, test: &'s Test, slots: Slots, chance: f64, ahead: &mut Vec<(u32, Slots, f64)>) {
        let (yes, no) = (test.on_true.get(), test.on_false.get());
        if test.operator != operator::PERCENT {
            let holds = self.section.holds(test, self.asked, &self.known);
            ahead.push((if holds { yes } else { no }, slots, chance));
        } else if self.is_anonymous() {
            ahead.push((no, slots, chance));
        } else {
            let (seed, percent) = self.section.percent(test);
            let span = (percent.start.min(SLOTS), percent.end.min(SLOTS));
            let parts = [(no, slots.outside(seed, span)), (yes, slots.within(seed, span))];
            let parts = parts.into_iter().filter_map(|(next, part)| Some((next, part?)));
            ahead.extend(parts.map(|(next, (part, slots))| (next, slots, chance * part)));
        }
    }

    fn decide(&mut self, number: u32, rule: &Rule, slots: &Slots, chance: f64) {
        if rule.then_kind.get() != then::SPLIT {
            return self.add(number, rule.then.get(), Kind::Named, chance);
        }
        if self.is_anonymous() {
            return self.add(number, self.section.header.default_variant.get(), Kind::Anonymous, chance);
        }
        let Some(split) = self.section.splits().get(usize::from(rule.then.get())) else { return };
        let ranges = self.section.ranges(split);
        let ends = ranges.iter().skip(1).map(|range| range.from.get()).chain([SLOTS]);
        for (range, end) in ranges.iter().zip(ends) {
            if let Some((part, _)) = slots.within(split.seed.get(), (range.from.get(), end)) {
                self.add(number, range.variant.get(), Kind::Split, chance * part);
            }
        }
    }

    fn is_anonymous(&self) -> bool {
        self.asked.identity(self.section, &self.known).is_none()
    }

    fn add(&mut self, rule: u32, variant: u16, kind: Kind, chance: f64) {
        *self.outcomes.entry(Outcome { rule, variant, kind }).or_default() += chance;
    }
}

fn last_use(section: &Section<'_>) -> BTreeMap<u64, u32> {
    let mut last = BTreeMap::new();
    for (number, rule) in (0u32..).zip(section.rules()) {
        let (first, count) = (rule.first_test.get() as usize, rule.tests.get() as usize);
        let tests = section.tests().iter().skip(first).take(count);
        let percents = tests.filter(|test| test.operator == operator::PERCENT).map(|test| section.percent(test).0);
        let split = section.splits().get(usize::from(rule.then.get()));
        let split = split.filter(|_| rule.then_kind.get() == then::SPLIT).map(|split| split.seed.get());
        last.extend(percents.chain(split).map(|seed| (seed, number)));
    }
    last
}
