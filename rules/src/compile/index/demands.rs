//! What a rule cannot match without: the tests it is found by.

use std::collections::HashMap;

use super::tests_of;
use crate::snapshot::{
    index::Operands,
    records::{FAILED, Rule, Test, flag, operator},
};

/// How many rules share a demand; more than any number of them where a rule can match without one.
type Cost = u32;
const NEVER: Cost = u32::MAX;

/// For each test how many others ask for the same.
pub(super) struct Demands {
    costs: Vec<Cost>,
}

impl Demands {
    /// Counts what tests compare with.
    pub(super) fn of(tests: &[Test], operands: Operands<'_>) -> Self {
        let mut counts: HashMap<(u16, u8, bool, &[u8]), u32> = HashMap::new();
        let place = |test: &Test| (test.attribute.get(), test.flags & flag::FOLD, test.operator == operator::PREFIX);
        for test in tests {
            let (attribute, fold, prefix) = place(test);
            for operand in operands.of(test).into_iter().flatten() {
                let count = counts.entry((attribute, fold, prefix, operand)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let cost = |test: &Test| {
            let (attribute, fold, prefix) = place(test);
            let of = |operand| counts.get(&(attribute, fold, prefix, operand)).copied().unwrap_or(1);
            let most = operands.of(test)?.map(of).max().unwrap_or(0);
            // A whole value tells more than how it begins.
            Some(if prefix { most.saturating_mul(2) } else { most }.min(NEVER.saturating_sub(1)))
        };
        Self { costs: tests.iter().map(|test| cost(test).unwrap_or(NEVER)).collect() }
    }

    /// Marks the tests that each rule is found by; tells how many rules are found by any.
    pub(super) fn mark(&self, rules: &[Rule], tests: &mut [Test]) -> usize {
        let mut found = 0_usize;
        for rule in rules {
            let first = rule.first_test.get();
            let chosen = self.chosen(first, tests_of(rule, tests));
            found = found.saturating_add(usize::from(chosen.iter().any(|&chosen| chosen)));
            let own = tests.iter_mut().skip(first as usize).zip(chosen);
            own.filter(|(_, chosen)| *chosen).for_each(|(test, _)| test.flags |= flag::FOUND_BY);
        }
        found
    }

    /// Which tests of one rule it is found by: without one of them it cannot match, and the most frequent of them is as seldom
    /// as can be. No test where it can match without one.
    fn chosen(&self, first: u32, tests: &[Test]) -> Vec<bool> {
        let place = |to: u32| to.checked_sub(first).map(|place| place as usize);
        let behind = |ahead: &[Cost], to: u32| match to {
            FAILED => 0,
            to => place(to).and_then(|to| ahead.get(to)).copied().unwrap_or(NEVER),
        };
        // From the last test back, since every jump goes forward.
        let mut ahead = vec![NEVER; tests.len()];
        for (at, test) in tests.iter().enumerate().rev() {
            let (yes, no) = (behind(&ahead, test.on_true.get()), behind(&ahead, test.on_false.get()));
            ahead.iter_mut().skip(at).take(1).for_each(|ahead| *ahead = yes.min(self.cost(first, at)).max(no));
        }
        let mut chosen = vec![false; tests.len()];
        let mut reached = vec![false; tests.len()];
        let can_be_found = ahead.first().is_some_and(|&cost| cost != NEVER);
        reached.iter_mut().take(1).for_each(|first| *first = can_be_found);
        for (at, (test, chosen)) in tests.iter().zip(&mut chosen).enumerate() {
            if reached.get(at).is_none_or(|&reached| !reached) {
                continue;
            }
            *chosen = self.cost(first, at) < behind(&ahead, test.on_true.get());
            let ways = [(!*chosen).then_some(test.on_true.get()), Some(test.on_false.get())];
            for to in ways.into_iter().flatten().filter_map(place) {
                reached.iter_mut().skip(to).take(1).for_each(|reached| *reached = true);
            }
        }
        chosen
    }

    fn cost(&self, first: u32, at: usize) -> Cost {
        self.costs.get(at.saturating_add(first as usize)).copied().unwrap_or(NEVER)
    }
}
