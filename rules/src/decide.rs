//! The decision: scope, first rule that matches, variant. The hot path.

use crate::{
    Attributes, Decision, Reason, Snapshot,
    decision::SeriesKey,
    operators,
    request::{Asked, Known},
    slot::slot,
    snapshot::{
        Opened, Root, Settings,
        index::Index,
        records::{MATCHED, Output, Rule, Scope, Split, Test, host, operator, then},
        section::{Section, slice},
    },
};

impl Snapshot {
    /// One decision for each variant header of the namespace, sorted by header; none for a header
    /// whose rule sets' scopes do not include the request.
    ///
    /// Depends on the snapshot and the request alone.
    pub fn decide<'s, A: Attributes>(&'s self, request: &'s A) -> impl Iterator<Item = Decision<'s>> {
        let opened = self.opened();
        let asked = Asked::new(request, Some(&opened.root.audiences));
        let outputs = opened.root.outputs.iter();
        outputs.filter_map(move |output| Some(most_specific(opened, output, &asked)?.decide(&asked)))
    }
}

/// The rule set that decides `output`: the first whose scope includes the request.
#[inline]
pub(crate) fn most_specific<'s, A: Attributes>(
    opened: &'s Opened<'s>,
    output: &Output,
    asked: &Asked<'_, A>,
) -> Option<&'s Section<'s>> {
    let scopes = slice(opened.root.scopes, output.first_scope.get(), output.scopes.get())?;
    let scope = scopes.iter().find(|scope| includes(&opened.root, scope, asked))?;
    opened.section(scope.section.get())
}

/// Whether a scope includes the request.
#[inline]
pub(crate) fn includes<A: Attributes>(root: &Root<'_>, scope: &Scope, asked: &Asked<'_, A>) -> bool {
    (scope.host_kind == host::ANY || is_host(asked.host(), scope.host_kind, root.text(scope.host)))
        && (scope.path_prefix.length.get() == 0 || has_prefix(asked.path(), root.text(scope.path_prefix)))
}

/// Whether `host` is the one of `pattern`, or has its labels.
fn is_host(host: Option<&[u8]>, kind: u8, pattern: &[u8]) -> bool {
    let host = host.unwrap_or_default();
    if kind == host::EXACT {
        return host.eq_ignore_ascii_case(pattern);
    }
    // The pattern begins with its dot, so at least one label stands in front of it.
    let start = host.len().checked_sub(pattern.len()).filter(|&start| start > 0);
    start.and_then(|start| host.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(pattern))
}

/// Whether `path` begins with `prefix` and ends there or goes on with another segment.
fn has_prefix(path: Option<&[u8]>, prefix: &[u8]) -> bool {
    let rest = path.and_then(|path| path.strip_prefix(prefix));
    let ends = |rest: &[u8]| prefix == b"/" || rest.first().is_none_or(|&next| next == b'/');
    rest.is_some_and(ends)
}

impl<'s> Section<'s> {
    /// The decision of this rule set: its first rule that matches, or its default.
    #[inline]
    pub(crate) fn decide<A: Attributes>(&self, asked: &Asked<'s, A>) -> Decision<'s> {
        let known = Known::default();
        let matches = |rule: &Rule| rule.tests.get() == 0 || self.matches(rule, asked, &known, |_, _| {});
        let first = match Index::of(self) {
            None => (0..).zip(self.rules()).find(|(_, rule)| matches(rule)),
            Some(index) => self.find(&index, asked, &known, matches),
        };
        match first {
            Some((number, rule)) => self.decided(number, rule, || asked.identity(self, &known)),
            None => self.defaulted(),
        }
    }

    /// The first rule that `matches`: among those that the request's values lead to, and those that are always walked.
    fn find<A: Attributes>(
        &self,
        index: &Index<'s>,
        asked: &Asked<'s, A>,
        known: &Known<'s>,
        matches: impl Fn(&Rule) -> bool,
    ) -> Option<(u32, &'s Rule)> {
        let rules = self.rules();
        let end = u32::try_from(rules.len()).unwrap_or(u32::MAX);
        let matches = |number: &u32| rules.get(*number as usize).is_some_and(&matches);
        let (mut first, mut tried) = (end, 0_u32);
        let mut behind = 0_u32;
        for keys in index.keys.chunk_by(|one, next| one.attribute == next.attribute) {
            let Some(key) = keys.first() else { continue };
            let numbers = behind..;
            behind = behind.saturating_add(u32::try_from(keys.len()).unwrap_or(u32::MAX));
            asked.any(self, key.attribute.get(), known, |value| {
                for (number, key) in numbers.clone().zip(keys) {
                    for rule in index.rules(number, *key, value).take_while(|&rule| rule < first) {
                        tried = tried.saturating_add(1);
                        if tried >= end || matches(&rule) {
                            first = if tried >= end { first } else { rule };
                            break;
                        }
                    }
                }
                tried >= end
            });
        }
        // Values that a client repeats may lead to rules again and again; then all rules are walked, once.
        let walked = if tried < end { None } else { (0..first).find(matches) };
        let always = index.always.iter().map(|rule| rule.get()).take_while(|&rule| tried < end && rule < first);
        let first = walked.or_else(|| { always }.find(matches)).unwrap_or(first);
        Some((first, rules.get(first as usize)?))
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
        let tests = self.tests();
        let mut next = if rule.tests.get() == 0 { MATCHED } else { rule.first_test.get() };
        while let Some(test) = tests.get(next as usize) {
            let holds = self.holds(test, asked, known);
            observe(test, holds);
            next = if holds { test.on_true.get() } else { test.on_false.get() };
        }
        next == MATCHED
    }

    /// Whether one test holds.
    pub(crate) fn holds<A: Attributes>(&self, test: &Test, asked: &Asked<'s, A>, known: &Known<'s>) -> bool {
        match test.operator {
            operator::PERCENT => asked.identity(self, known).is_some_and(|identity| in_percent(test, identity)),
            operator::AUDIENCE => asked.is_in_audience(self, known, test.a.get()),
            operator::WINDOW => {
                let (after, before) = (test.a.get().cast_signed(), test.b.get().cast_signed());
                asked.now().is_some_and(|now| (after..before).contains(&now))
            }
            _ => asked.any(self, test.attribute.get(), known, |value| operators::holds(self, test, value)),
        }
    }

    #[inline]
    fn decided<'i>(&self, number: u32, rule: &'s Rule, identity: impl FnOnce() -> Option<&'i [u8]>) -> Decision<'s> {
        let split =
            (rule.then_kind.get() == then::SPLIT).then(|| self.splits().get(usize::from(rule.then.get()))).flatten();
        let (variant, reason, slot) = match (split, split.and_then(|_| identity())) {
            (None, _) => (rule.then.get(), Reason::TargetingMatch, None),
            (Some(_), None) => (self.header.default_variant.get(), Reason::NoIdentity, None),
            (Some(split), Some(identity)) => {
                let slot = slot(identity, split.seed.get());
                (self.variant_of(split, slot), Reason::Split, Some(slot))
            }
        };
        let experiment = split.filter(|_| slot.is_some()).map(|split| self.text(split.experiment));
        Decision {
            rule: Some(self.rule_id(rule)),
            rule_path: self.text(rule.path),
            reason,
            slot,
            experiment: experiment.filter(|experiment| !experiment.is_empty()),
            series: SeriesKey { rule_set: self.number, rule: number, variant },
            set: Settings { texts: self.texts, settings: self.settings(rule) },
            ..self.decision(variant)
        }
    }

    fn defaulted(&self) -> Decision<'s> {
        self.decision(self.header.default_variant.get())
    }

    #[inline]
    fn decision(&self, variant: u16) -> Decision<'s> {
        Decision {
            rule_set: self.text(self.header.name),
            rule: None,
            rule_path: self.text(self.header.default_path),
            variant: self.variant(variant),
            reason: Reason::Default,
            slot: None,
            experiment: None,
            variant_header: self.text(self.header.variant_header),
            series: SeriesKey { rule_set: self.number, rule: u32::MAX, variant },
            switches: self.dictionary(variant),
            set: Settings { texts: self.texts, settings: &[] },
            header: self.header,
            cookies_of: self.header.sets_cookies().then_some(*self),
        }
    }

    /// The variant a slot of a split belongs to.
    fn variant_of(&self, split: &Split, slot: u32) -> u16 {
        let ranges = self.ranges(split);
        let behind = ranges.partition_point(|range| range.from.get() <= slot);
        behind.checked_sub(1).and_then(|place| ranges.get(place)).map_or(0, |range| range.variant.get())
    }
}

/// Whether the slot of `identity` lies within a percentage.
pub(crate) fn in_percent(test: &Test, identity: &[u8]) -> bool {
    let slots = test.b.get();
    let (from, to) = (slots & u64::from(u32::MAX), slots >> 32);
    (from..to).contains(&u64::from(slot(identity, test.a.get())))
}
