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

/// The rules, and who asks.
pub(super) struct Search<'q, 's, A> {
    section: &'q Section<'s>,
    asked: &'q Asked<'s, A>,
    known: &'q Known<'s>,
}

/// What was found so far. None in its place says that too many rules were tried.
#[derive(Clone, Copy)]
struct Found {
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
        let search = Self { section, asked, known };
        let Some(Found { first, .. }) = search.all() else { return section.walk(asked, known) };
        Some((first, section.rules().get(first as usize)?))
    }

    #[inline(always)]
    fn all(&self) -> Option<Found> {
        let end = self.section.rules().len() as u32;
        let mut found = Found { first: end, left: end };
        for lookup in &self.section.lookups {
            let only = match lookup.attribute.kind {
                kind::HEADER => self.known.only(lookup.attribute.place),
                kind::PATH => self.asked.path(),
                _ => None,
            };
            found = match only {
                Some(value) => self.look_up(lookup, value, found)?,
                None => self.look_up_all(lookup, found)?,
            };
        }
        let always = self.section.always();
        if always.is_empty() { Some(found) } else { self.tries(always, found) }
    }

    /// Tries the rules that a value leads to.
    #[inline(always)]
    fn look_up(&self, lookup: &Lookup<'s>, value: &[u8], mut found: Found) -> Option<Found> {
        let index = self.section.index();
        for key in &lookup.keys {
            if let Some(run) = index.run(key, value) {
                found = self.tries(run, found)?;
            }
        }
        Some(found)
    }

    /// Tries the rules that any value of an attribute leads to.
    #[inline(never)]
    fn look_up_all(&self, lookup: &Lookup<'s>, found: Found) -> Option<Found> {
        let index = self.section.index();
        let mut found = Some(found);
        self.asked.any(self.section, lookup.attribute, self.known, |value| {
            let mut runs = lookup.keys.iter().filter_map(|key| index.run(key, value));
            found = found.and_then(|found| runs.try_fold(found, |found, run| self.tries(run, found)));
            found.is_none()
        });
        found
    }

    /// Tries the rules of a run, or of a list that is in order as well, that come before the first one found.
    #[inline(never)]
    fn tries(&self, run: &[U32], mut found: Found) -> Option<Found> {
        for place in run {
            let rule = place.get() & !LAST;
            if rule >= found.first {
                break;
            }
            found.left = found.left.checked_sub(1)?;
            let matches = |rule| self.section.matches(rule, self.asked, self.known, |_, _| {});
            if self.section.rules().get(rule as usize).is_some_and(matches) {
                found.first = rule;
                break;
            }
            if place.get() & LAST != 0 {
                break;
            }
        }
        Some(found)
    }
}
