//! The first rule that matches, among those that the request's values lead to and those that are always walked.

use zerocopy::little_endian::U32;

use crate::{
    Attributes,
    request::{Asked, Known},
    snapshot::{
        index::{LAST, Lookup},
        records::{Rule, kind},
        section::Section,
    },
};

/// What was found so far.
pub(super) struct Search<'q, 's, A> {
    section: &'q Section<'s>,
    asked: &'q Asked<'s, A>,
    known: &'q Known<'s>,
    /// The first rule that matches; one behind the last where none is known.
    first: u32,
    /// How many more rules may be tried. Values that a client repeats may lead to rules again and again; so there is an end.
    left: u32,
}

impl<'q, 's, A: Attributes> Search<'q, 's, A> {
    /// Looks up what the request has, then walks the rules that no value leads to.
    #[inline]
    pub(super) fn first(
        section: &'q Section<'s>,
        asked: &'q Asked<'s, A>,
        known: &'q Known<'s>,
    ) -> Option<(u32, &'s Rule)> {
        let end = section.rules().len() as u32;
        let mut search = Self { section, asked, known, first: end, left: end };
        if section.lookups.iter().any(|lookup| search.look_up_attribute(lookup)) || search.tries(section.always()) {
            return section.walk(asked, known);
        }
        Some((search.first, section.rules().get(search.first as usize)?))
    }

    /// Tries the rules that the values of an attribute lead to. Whether too many were tried.
    #[inline(always)]
    fn look_up_attribute(&mut self, lookup: &Lookup<'s>) -> bool {
        let only = match lookup.attribute.kind {
            kind::HEADER => self.known.only(lookup.attribute.place),
            kind::PATH => self.asked.path(),
            _ => None,
        };
        match only {
            Some(value) => self.look_up(lookup, value),
            None => self.look_up_all(lookup),
        }
    }

    /// Tries the rules that any value of an attribute leads to. Whether too many were tried.
    #[inline(never)]
    fn look_up_all(&mut self, lookup: &Lookup<'s>) -> bool {
        let (section, asked, known) = (self.section, self.asked, self.known);
        asked.any(section, lookup.attribute, known, |value| self.look_up(lookup, value))
    }

    /// Tries the rules that a value leads to. Whether too many were tried.
    #[inline(always)]
    fn look_up(&mut self, lookup: &Lookup<'_>, value: &[u8]) -> bool {
        for key in &lookup.keys {
            if let Some(run) = self.section.index().run(key, value)
                && self.tries(run)
            {
                return true;
            }
        }
        false
    }

    /// Tries the rules of a run, or of a list that is in order as well, that come before the first one known. Whether too many
    /// were tried.
    #[inline(never)]
    fn tries(&mut self, run: &[U32]) -> bool {
        for place in run {
            let rule = place.get() & !LAST;
            if rule >= self.first {
                return false;
            }
            let Some(left) = self.left.checked_sub(1) else { return true };
            self.left = left;
            let matches = |rule| self.section.matches(rule, self.asked, self.known, |_, _| {});
            if self.section.rules().get(rule as usize).is_some_and(matches) {
                self.first = rule;
                return false;
            }
            if place.get() & LAST != 0 {
                return false;
            }
        }
        false
    }
}
