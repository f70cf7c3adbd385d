//! The decision: scope, first rule that matches, variant. The hot path.

pub(crate) mod inherit;
pub(crate) mod scopes;
mod search;

use crate::{
    Attributes, Decision, Reason, Snapshot,
    decision::split_of,
    operators,
    request::{Asked, Known},
    slot::slot,
    snapshot::{
        OpenOutput, Opened,
        records::{MATCHED, OFF, Rule, Split, Test, flag, operator},
        section::Section,
    },
};
use search::Search;

impl Snapshot {
    /// One decision for each variant header of the namespace, sorted by header; none for a header
    /// whose rule sets' scopes do not include the request.
    ///
    /// Depends on the snapshot and the request alone.
    pub fn decide<'s, A: Attributes>(&'s self, request: &'s A) -> impl Iterator<Item = Decision<'s>> {
        let opened = self.opened();
        let asked = Asked::new(request, Some(&opened.root.audiences));
        opened.outputs.iter().filter_map(move |output| Some(most_specific(opened, output, &asked)?.decide(&asked)))
    }
}

/// The rule set that decides `output`: the first whose scope includes the request.
#[inline]
pub(crate) fn most_specific<'s, A: Attributes>(
    opened: &'s Opened<'s>,
    output: &OpenOutput<'s>,
    asked: &Asked<'_, A>,
) -> Option<&'s Section<'s>> {
    let found = || scopes::find(&opened.root, output.scopes, asked).map(|scope| scope.section.get());
    opened.section(output.only.or_else(found)?)
}

impl<'s> Section<'s> {
    /// The decision of this rule set: what the request inherits, its first rule that matches, or its default.
    #[inline]
    pub(crate) fn decide<A: Attributes>(&'s self, asked: &Asked<'s, A>) -> Decision<'s> {
        if self.header.trust != 0
            && let Some(place) = inherit::inherited(self, asked)
        {
            return self.decision(None, place, Reason::Inherited, None);
        }
        // Often a split is all there is, and a header says who it is: then nothing has to be remembered.
        if let [first, ..] = self.rules()
            && first.tests.get() == 0
            && let Some(split) = split_of(self, first)
            && let Some(identity) = asked.first_source(self)
        {
            return self.split((0, first), split, identity);
        }
        let known = Known::default();
        match self.first_that_matches(asked, &known) {
            Some(matched) => self.decided(matched, || asked.identity(self, &known)),
            None => self.decision(None, self.header.default_variant.get(), self.reason_of_default(), None),
        }
    }

    fn reason_of_default(&self) -> Reason {
        if self.rules().is_empty() && self.is_off() { Reason::Disabled } else { Reason::Default }
    }

    /// Whether the rule set was switched off when it was compiled.
    pub(crate) fn is_off(&self) -> bool {
        self.text(self.header.default_path).ends_with(OFF.as_bytes())
    }

    #[inline(never)]
    fn first_that_matches<A: Attributes>(&self, asked: &Asked<'s, A>, known: &Known<'s>) -> Option<(u32, &'s Rule)> {
        // One header alone is asked for when a rule wants to know.
        if self.asks.headers.len() > 1 {
            asked.gather(self, known);
        }
        if self.lookups.is_empty() { self.walk(asked, known) } else { Search::first(self, asked, known) }
    }

    /// The first rule that matches, of all of them in order.
    #[inline(never)]
    fn walk<A: Attributes>(&self, asked: &Asked<'s, A>, known: &Known<'s>) -> Option<(u32, &'s Rule)> {
        (0..).zip(self.rules()).find(|(_, rule)| self.matches(rule, asked, known, |_, _| {}))
    }

    /// Walks the tests of a rule; `observe` is told each test that was asked and its answer.
    #[inline]
    pub(crate) fn matches<A: Attributes>(
        &self,
        rule: &Rule,
        asked: &Asked<'s, A>,
        known: &Known<'s>,
        mut observe: impl FnMut(&'s Test, bool),
    ) -> bool {
        if rule.tests.get() == 0 {
            return true;
        }
        let tests = self.tests();
        let mut next = rule.first_test.get();
        while let Some(test) = tests.get(next as usize) {
            let holds = self.holds_exactly(test, known).unwrap_or_else(|| self.holds(test, asked, known));
            observe(test, holds);
            next = if holds { test.on_true.get() } else { test.on_false.get() };
        }
        next == MATCHED
    }

    /// Whether the test holds that most rules ask: whether a header that is known has one value. None of any other.
    #[inline(always)]
    fn holds_exactly(&self, test: &Test, known: &Known<'s>) -> Option<bool> {
        if test.operator != operator::EXACT || test.flags & flag::FOLD != 0 {
            return None;
        }
        known.is_exactly(self.asks.attribute(test.attribute.get())?.place, self.text_operand(test)?)
    }

    /// Whether one test holds.
    #[inline(never)]
    pub(crate) fn holds<A: Attributes>(&self, test: &Test, asked: &Asked<'s, A>, known: &Known<'s>) -> bool {
        match test.operator {
            operator::PERCENT => asked.identity(self, known).is_some_and(|identity| self.is_in_percent(test, identity)),
            operator::AUDIENCE => asked.is_in_audience(self, known, test.a.get()),
            operator::WINDOW => {
                let (after, before) = self.bounds(test);
                asked.now().is_some_and(|now| (after..before).contains(&now))
            }
            _ => self.any_holds(test, asked, known),
        }
    }

    /// Whether the slot of `identity` lies within a percentage.
    #[inline]
    fn is_in_percent(&self, test: &Test, identity: &[u8]) -> bool {
        let (seed, slots) = self.percent(test);
        slots.contains(&slot(identity, seed))
    }

    #[inline(never)]
    fn any_holds<A: Attributes>(&self, test: &Test, asked: &Asked<'s, A>, known: &Known<'s>) -> bool {
        let Some(attribute) = self.asks.attribute(test.attribute.get()) else { return false };
        let is_text = |value: &[u8]| asked.is_text(attribute.kind, value);
        asked.any(self, attribute, known, |value| operators::holds(self, test, value, is_text))
    }

    #[inline]
    fn decided<'i>(&'s self, matched: (u32, &'s Rule), identity: impl FnOnce() -> Option<&'i [u8]>) -> Decision<'s> {
        let Some(split) = split_of(self, matched.1) else {
            return self.decision(Some(matched), matched.1.then.get(), Reason::TargetingMatch, None);
        };
        match identity() {
            Some(identity) => self.split(matched, split, identity),
            None => self.decision(Some(matched), self.header.default_variant.get(), Reason::NoIdentity, None),
        }
    }

    #[inline]
    fn split(&'s self, matched: (u32, &'s Rule), split: &Split, identity: &[u8]) -> Decision<'s> {
        let slot = slot(identity, split.seed.get());
        self.decision(Some(matched), self.variant_of(split, slot), Reason::Split, Some(slot))
    }

    #[inline]
    fn decision(
        &'s self,
        matched: Option<(u32, &'s Rule)>,
        place: u16,
        reason: Reason,
        slot: Option<u32>,
    ) -> Decision<'s> {
        Decision { reason, slot, section: self, matched, place }
    }

    /// The variant a slot of a split belongs to.
    #[inline]
    fn variant_of(&self, split: &Split, slot: u32) -> u16 {
        let ranges = self.ranges(split);
        let behind = ranges.partition_point(|range| range.from.get() <= slot);
        behind.checked_sub(1).and_then(|place| ranges.get(place)).map_or(0, |range| range.variant.get())
    }
}
