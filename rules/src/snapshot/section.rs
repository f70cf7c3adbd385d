//! A section in place: the rules of one rule set.

use std::ops::Range;

use zerocopy::{
    FromBytes,
    little_endian::{U16, U32},
};

use super::asks::Asks;
use super::index::{Index, Lookup, Operands};
use super::records::{
    self, Attribute, Automaton, Comparison, Key, Rule, SectionHeader, Setting, Split, Switch, SwitchValue, Test, Text,
    Value, Variant, Wide,
};
use super::tables::{Texts, equal_range, slice, table};
use crate::automaton;

macro_rules! tables {
    ($($name:ident: $extent:ident of $record:ty,)*) => {
        /// One rule set of a snapshot: its tables, opened once, when the snapshot is loaded.
        #[derive(Debug)]
        pub(crate) struct Section<'s> {
            pub(crate) number: u32,
            pub(crate) header: &'s SectionHeader,
            pub(crate) texts: Texts<'s>,
            /// What it asks of a request.
            pub(crate) asks: Asks<'s>,
            /// How rules are found; empty where they are walked.
            pub(crate) lookups: Vec<Lookup<'s>>,
            $($name: &'s [$record],)*
        }

        /// Where the extent of each table stands in the header, and the bytes of a record.
        #[cfg(feature = "fuzzing")]
        pub(crate) const LAYOUT: &[(usize, usize)] = &[
            $((std::mem::offset_of!(SectionHeader, $extent), size_of::<$record>()),)*
            (std::mem::offset_of!(SectionHeader, text), 1),
        ];

        impl<'s> Section<'s> {
            /// Opens the tables of the section `bytes`; None where one is out of bounds.
            pub(crate) fn open(number: u32, bytes: &'s [u8]) -> Option<Self> {
                let (header, _) = SectionHeader::ref_from_prefix(bytes).ok()?;
                let texts = Texts::new(table(bytes, header.text)?);
                let (asks, lookups) = (Asks::nothing(), Vec::new());
                Some(Self { number, header, texts, asks, lookups, $($name: table(bytes, header.$extent)?,)* })
            }

            $(
                /// The records of this table.
                pub(crate) fn $name(&self) -> &'s [$record] {
                    self.$name
                }
            )*
        }
    };
}

tables! {
    peers: peers of Value,
    variants: variants of Variant,
    identity: identity of Attribute,
    attributes: attributes of Attribute,
    rules: rules of Rule,
    tests: tests of Test,
    values: values of Value,
    wides: wides of Wide,
    all_comparisons: comparisons of Comparison,
    automata: automata of Automaton,
    transitions: transitions of U16,
    splits: splits of Split,
    all_ranges: ranges of records::Range,
    all_settings: settings of Setting,
    keys: keys of Key,
    slots: slots of U32,
    places: places of U32,
    always: always of U32,
    switches: switches of Switch,
    switch_values: switch_values of SwitchValue,
    switch_texts: switch_texts of Text,
}

impl<'s> Section<'s> {
    /// The same, ready for requests: what it asks for and how it finds rules is opened. Both were checked before.
    pub(crate) fn ready(self) -> Self {
        let asks = Asks::of(self.header, self.attributes(), self.identity(), self.texts);
        Self { lookups: Lookup::all(self.keys(), &asks), asks, ..self }
    }

    /// The tables of its index, which may be empty.
    #[inline]
    pub(crate) fn index(&self) -> Index<'s> {
        Index { slots: self.slots(), places: self.places() }
    }

    /// The operands of its tests.
    pub(crate) fn all_operands(&self) -> Operands<'s> {
        Operands { texts: self.texts, values: self.values() }
    }

    /// A text of the section. Bounds were checked when the snapshot was loaded.
    pub(crate) fn text(&self, text: Text) -> &'s [u8] {
        self.texts.text(text)
    }

    /// The header that carries the experiment.
    pub(crate) fn experiment_header(&self) -> Option<&'s [u8]> {
        self.texts.optional(self.header.experiment_header)
    }

    /// The header that carries the time of the decision.
    pub(crate) fn evaluated_at_header(&self) -> Option<&'s [u8]> {
        self.texts.optional(self.header.evaluated_at_header)
    }

    /// The text operand of a test.
    pub(crate) fn operand(&self, test: &Test) -> &'s [u8] {
        self.text_operand(test).unwrap_or_default()
    }

    /// The same; None where it is out of bounds, which was checked when the snapshot was loaded.
    #[inline]
    pub(crate) fn text_operand(&self, test: &Test) -> Option<&'s [u8]> {
        self.texts.at(test.a.get(), test.b.get())
    }

    /// The values of an `in` test.
    pub(crate) fn operands(&self, test: &Test) -> &'s [Value] {
        slice(self.values(), test.a.get(), test.b.get()).unwrap_or_default()
    }

    /// The comparisons of a `semver` test.
    pub(crate) fn comparisons(&self, test: &Test) -> &'s [Comparison] {
        slice(self.all_comparisons(), test.a.get(), test.b.get()).unwrap_or_default()
    }

    /// The seed of a percentage, and its slots: the first, and the one behind the last.
    #[inline]
    pub(crate) fn percent(&self, test: &Test) -> (u64, Range<u32>) {
        let (seed, slots) = self.wide(test);
        (seed, slots as u32..(slots >> 32) as u32)
    }

    /// The operands of a `range` test, or of a window of time: two bounds.
    pub(crate) fn bounds(&self, test: &Test) -> (i64, i64) {
        let (a, b) = self.wide(test);
        (a.cast_signed(), b.cast_signed())
    }

    /// Operands that take more room than a test has. Bounds were checked when the snapshot was loaded.
    #[inline]
    fn wide(&self, test: &Test) -> (u64, u64) {
        self.wides().get(test.a.get() as usize).map(|wide| (wide.a.get(), wide.b.get())).unwrap_or_default()
    }

    /// The name of the audience that a test is about.
    pub(crate) fn audience_name(&self, test: &Test) -> &'s [u8] {
        self.values().get(test.b.get() as usize).map(|value| self.text(value.text)).unwrap_or_default()
    }

    /// The automaton of a `regex` test, and its transitions.
    pub(crate) fn automaton(&self, test: &Test) -> Option<(&'s Automaton, &'s [U16])> {
        let automaton = self.automata().get(test.a.get() as usize)?;
        Some((automaton, self.transitions_of(automaton)?))
    }

    /// The transitions of an automaton; None where they are out of bounds.
    pub(crate) fn transitions_of(&self, automaton: &Automaton) -> Option<&'s [U16]> {
        let count = u32::try_from(automaton::size(&automaton.shape)).ok()?;
        slice(self.transitions(), automaton.first_transition.get(), count)
    }

    /// The regular expression of a `regex` test.
    pub(crate) fn pattern(&self, test: &Test) -> &'s [u8] {
        self.automaton(test).map(|(automaton, _)| self.text(automaton.pattern)).unwrap_or_default()
    }

    /// The name of a variant.
    pub(crate) fn variant(&self, place: u16) -> &'s [u8] {
        self.variants().get(usize::from(place)).map(|variant| self.text(variant.name)).unwrap_or_default()
    }

    /// The headers that the rule of this number sets.
    pub(crate) fn settings(&self, rule: u32) -> &'s [Setting] {
        equal_range(self.all_settings(), |setting| setting.rule.get().cmp(&rule))
    }

    /// The ranges of a split.
    pub(crate) fn ranges(&self, split: &Split) -> &'s [records::Range] {
        slice(self.all_ranges(), split.first_range.get(), split.ranges.get()).unwrap_or_default()
    }

    /// The id of a rule, which is what follows the first slash of its path.
    pub(crate) fn rule_id(&self, rule: &Rule) -> &'s [u8] {
        let path = self.text(rule.path);
        let name = self.header.name.length.get() as usize;
        path.get(name.saturating_add(1)..).unwrap_or_default()
    }
}
