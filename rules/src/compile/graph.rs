//! A match as a forward graph of tests: each says where to go on, so that deciding is one loop
//! without recursion, and an index over rules can start at any rule's first test.

use std::collections::BTreeMap;

use zerocopy::{IntoBytes as _, little_endian::U16};

use super::{audiences::Audiences, automata::Automata};
use crate::{
    automaton,
    document::{Attribute, Match, Operator, Regex, TextOperator},
    network, order,
    semver::Comparator,
    slot::{Domain, seed},
    snapshot::{
        records::{Automaton, Comparison, FAILED, MATCHED, Test, Value, Wide, flag, operator},
        write::{Container, Known, size},
    },
};

/// The tests, attributes and values of a section while it is written.
pub(super) struct Graph<'a> {
    compiled: &'a Automata,
    /// The number of each audience.
    audiences: &'a Audiences<'a>,
    pub(super) tests: Vec<Test>,
    pub(super) attributes: Vec<Attribute>,
    places: BTreeMap<Attribute, u16>,
    pub(super) values: Vec<Value>,
    pub(super) wides: Vec<Wide>,
    pub(super) comparisons: Vec<Comparison>,
    ranges: Known,
    pub(super) automata: Vec<Automaton>,
    pub(super) transitions: Vec<U16>,
    expressions: Known,
}

/// Where a test goes on: a test that is not written yet has a label.
#[derive(Clone, Copy)]
enum Target {
    End(u32),
    Label(usize),
}

impl<'a> Graph<'a> {
    /// An empty one, of rules whose expressions were compiled to `compiled` and that may ask for `audiences`.
    pub(super) fn new(compiled: &'a Automata, audiences: &'a Audiences<'a>) -> Self {
        Self {
            compiled,
            audiences,
            tests: Vec::new(),
            attributes: Vec::new(),
            places: BTreeMap::new(),
            values: Vec::new(),
            wides: Vec::new(),
            comparisons: Vec::new(),
            ranges: Known::default(),
            automata: Vec::new(),
            transitions: Vec::new(),
            expressions: Known::default(),
        }
    }

    /// Appends the tests of one rule and tells the first and their number.
    pub(super) fn rule(&mut self, when: &Match, text: &mut Container) -> (usize, usize) {
        let first = self.tests.len();
        let mut writer = Writer { graph: self, text, labels: Vec::new(), jumps: Vec::new() };
        writer.one(when, Target::End(MATCHED), Target::End(FAILED), false);
        writer.resolve(first);
        (first, self.tests.len().saturating_sub(first))
    }

    fn attribute(&mut self, attribute: &Attribute) -> u16 {
        if let Some(&place) = self.places.get(attribute) {
            return place;
        }
        // More than 65,535 distinct attributes do not fit into a snapshot of 2 MiB with their tests.
        let place = u16::try_from(self.attributes.len()).unwrap_or(u16::MAX);
        self.attributes.push(attribute.clone());
        self.places.insert(attribute.clone(), place);
        place
    }
}

struct Writer<'g, 'a> {
    graph: &'g mut Graph<'a>,
    text: &'g mut Container,
    /// The test each label came to stand for.
    labels: Vec<u32>,
    /// Both targets of each test of this rule.
    jumps: Vec<(Target, Target)>,
}

impl Writer<'_, '_> {
    fn one(&mut self, one: &Match, yes: Target, no: Target, negated: bool) {
        match one {
            Match::All(inner) => self.chain(inner, yes, no, negated, true),
            Match::Any(inner) => self.chain(inner, yes, no, negated, false),
            Match::Not(inner) => self.one(inner, no, yes, !negated),
            Match::Test(attribute, operator) => {
                let attribute = self.graph.attribute(attribute);
                let (code, flags, a, b) = self.operands(operator);
                self.test(code, flags, negated, attribute, (a, b), (yes, no));
            }
            Match::Percent { from, to, salt } => {
                let attribute = self.graph.attribute(&Attribute::Identity);
                let slots = u64::from(*from) | (u64::from(*to) << 32);
                let operands = self.wide(seed(Domain::Percent, salt), slots);
                self.test(operator::PERCENT, 0, negated, attribute, operands, (yes, no));
            }
            Match::Audience(mention) => {
                let attribute = self.graph.attribute(&Attribute::Identity);
                let name = self.value(&mention.name.text);
                // Those that are unknown were refused before anything is written.
                let number = self.graph.audiences.number(&mention.name.text).unwrap_or(u32::MAX);
                self.test(operator::AUDIENCE, 0, negated, attribute, (number, name), (yes, no));
            }
            Match::Time { after, before } => {
                let attribute = self.graph.attribute(&Attribute::Time);
                let operands = self.wide(after.cast_unsigned(), before.cast_unsigned());
                self.test(operator::WINDOW, 0, negated, attribute, operands, (yes, no));
            }
        }
    }

    /// One after the other: the next is asked when the one before did not settle the matter.
    fn chain(&mut self, inner: &[Match], yes: Target, no: Target, negated: bool, all: bool) {
        let Some((last, before)) = inner.split_last() else { return };
        for one in before {
            let next = self.labels.len();
            self.labels.push(0);
            let (on_true, on_false) = if all { (Target::Label(next), no) } else { (yes, Target::Label(next)) };
            self.one(one, on_true, on_false, negated);
            let here = u32::try_from(self.graph.tests.len()).unwrap_or(FAILED);
            if let Some(label) = self.labels.get_mut(next) {
                *label = here;
            }
        }
        self.one(last, yes, no, negated);
    }

    fn operands(&mut self, operator: &Operator) -> (u8, u8, u32, u32) {
        match operator {
            Operator::Present => (operator::PRESENT, 0, 0, 0),
            Operator::Range { from, to } => {
                let (a, b) = self.wide(from.cast_unsigned(), to.cast_unsigned());
                (operator::RANGE, 0, a, b)
            }
            Operator::Cidr(ranges) => {
                let place = self.text.bytes(&network::bytes(ranges.clone()));
                (operator::CIDR, 0, place.offset.get(), place.length.get())
            }
            Operator::Text { how, operand, fold } => {
                let place = self.text.text(&folded(operand, *fold));
                let code = match how {
                    TextOperator::Exact => operator::EXACT,
                    TextOperator::Prefix => operator::PREFIX,
                    TextOperator::Suffix => operator::SUFFIX,
                    TextOperator::Contains => operator::CONTAINS,
                };
                (code, fold_flag(*fold), place.offset.get(), place.length.get())
            }
            Operator::In { operands, fold } => {
                let mut operands: Vec<String> = operands.iter().map(|operand| folded(operand, *fold)).collect();
                order::sort(&mut operands);
                operands.dedup();
                let first = size(self.graph.values.len()).get();
                let values = operands.iter().map(|operand| Value { text: self.text.text(operand) });
                self.graph.values.extend(values);
                (operator::IN, fold_flag(*fold), first, size(operands.len()).get())
            }
            Operator::Regex(regex) => (operator::REGEX, fold_flag(regex.fold), self.automaton(regex), 0),
            Operator::Semver { range, prereleases } => {
                let (first, count) = self.comparisons(range);
                (operator::SEMVER, if *prereleases { flag::PRERELEASES } else { 0 }, first, count)
            }
        }
    }

    /// Operands that take more room than a test has.
    fn wide(&mut self, a: u64, b: u64) -> (u32, u32) {
        let place = size(self.graph.wides.len()).get();
        self.graph.wides.push(Wide { a: a.into(), b: b.into() });
        (place, 0)
    }

    /// The place of a value of its own.
    fn value(&mut self, text: &str) -> u32 {
        let place = size(self.graph.values.len()).get();
        self.graph.values.push(Value { text: self.text.text(text) });
        place
    }

    /// The place of the automaton of an expression; equal ones stand once.
    fn automaton(&mut self, regex: &Regex) -> u32 {
        let key = regex.key();
        if let Some((known, _)) = self.graph.expressions.place(&key) {
            return known;
        }
        let place = size(self.graph.automata.len()).get();
        if let Some((shape, transitions)) = automaton::parts(self.graph.compiled.table(regex)) {
            self.graph.automata.push(Automaton {
                pattern: self.text.text(&regex.pattern),
                first_transition: size(self.graph.transitions.len()),
                shape: *shape,
            });
            self.graph.transitions.extend_from_slice(transitions);
        }
        self.graph.expressions.insert(key, (place, 1));
        place
    }

    /// The place of the comparisons of a range; equal ones stand once.
    fn comparisons(&mut self, range: &[Vec<Comparator>]) -> (u32, u32) {
        let mut records = Vec::new();
        for all in range {
            for (behind, one) in (0..all.len()).rev().zip(all) {
                records.push(Comparison {
                    relation: one.relation,
                    last: u8::from(behind == 0),
                    numbers: one.numbers.map(Into::into),
                    prerelease: self.text.text(&one.prerelease),
                });
            }
        }
        let known = self.graph.ranges.place(records.as_bytes());
        known.unwrap_or_else(|| {
            let place = (size(self.graph.comparisons.len()).get(), size(records.len()).get());
            self.graph.ranges.insert(records.as_bytes().to_owned(), place);
            self.graph.comparisons.append(&mut records);
            place
        })
    }

    fn test(
        &mut self,
        operator: u8,
        flags: u8,
        negated: bool,
        attribute: u16,
        (a, b): (u32, u32),
        to: (Target, Target),
    ) {
        let flags = flags | if negated { flag::NEGATED } else { 0 };
        self.jumps.push(to);
        self.graph.tests.push(Test {
            operator,
            flags,
            attribute: attribute.into(),
            on_true: FAILED.into(),
            on_false: FAILED.into(),
            a: a.into(),
            b: b.into(),
        });
    }

    fn resolve(self, first: usize) {
        let Self { graph, labels, jumps, .. } = self;
        let resolved = |target: Target| match target {
            Target::End(end) => end,
            Target::Label(label) => labels.get(label).copied().unwrap_or(FAILED),
        };
        for (test, (yes, no)) in graph.tests.iter_mut().skip(first).zip(jumps) {
            test.on_true = resolved(yes).into();
            test.on_false = resolved(no).into();
        }
    }
}

fn fold_flag(fold: bool) -> u8 {
    if fold { flag::FOLD } else { 0 }
}

fn folded(text: &str, fold: bool) -> String {
    if fold { text.to_ascii_lowercase() } else { text.to_owned() }
}
