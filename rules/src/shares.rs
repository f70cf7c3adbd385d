//! How many identities a variant can get at most: what a limit on a variant is checked against.

use std::collections::BTreeMap;

use crate::{
    Snapshot,
    request::claim,
    slot::SLOTS,
    snapshot::{
        records::{Attribute, FAILED, MATCHED, Rule, Split, Test, Variant, kind, operator, then},
        section::Section,
        tables::slice,
    },
};

/// The most that a rule set can give one of its variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share<'s> {
    /// The name of the rule set.
    pub rule_set: &'s [u8],
    /// The name of the variant.
    pub variant: &'s [u8],
    /// Slots of 100,000; 0 where no rule leads to the variant.
    pub slots: u32,
    /// Whether the rule set inherits variants: whoever it trusts may give this one to more.
    pub inherits: bool,
}

impl Snapshot {
    /// For every variant of every rule set, once each, an upper bound on the part of the identities that
    /// get it among requests that are alike but for their identity.
    ///
    /// What is inherited is not counted.
    ///
    /// A variant that requests without an identity can get has the bound 100,000, as the default has.
    /// Senders of a header that `testers` names, in any case, are left out: a test that only they
    /// can pass lets nobody through.
    ///
    /// Two kinds of request, `/a` and `/b`, may each bring a variant its share, of different
    /// identities. Slots are taken to be independent of what else is known of an identity: rules that list
    /// identities because of their slots can give more than is told.
    ///
    /// Takes time proportional to the size of the snapshot, times the number of testers.
    pub fn shares(&self, testers: &[&str]) -> Vec<Share<'_>> {
        let mut shares = Vec::new();
        for section in self.sections() {
            let rule_set = section.text(section.header.name);
            let slots = slots_of(section, testers);
            let inherits = section.header.trust != 0;
            let named = section.variants().iter().zip(slots);
            let share = |(variant, slots): (&Variant, u32)| {
                let variant = section.text(variant.name);
                Share { rule_set, variant, slots, inherits }
            };
            shares.extend(named.map(share));
        }
        shares
    }
}

/// The bound of each variant, in their order.
fn slots_of(section: &Section<'_>, testers: &[&str]) -> Vec<u32> {
    let mut slots = Sums(vec![0; section.variants().len()]);
    let mut through = Sums(vec![0; section.splits().len()]);
    slots.add(section.header.default_variant.get(), SLOTS);
    let mut walk = Walk { section, forbidden: forbidden(section, testers), ahead: Vec::new() };
    for rule in section.rules() {
        let reach = walk.reach(rule);
        match rule.then_kind.get() {
            // Without an identity a split gives the default, which may get everybody already.
            then::SPLIT => through.add(rule.then.get(), reach.slots),
            _ => slots.add(rule.then.get(), if reach.anonymous { SLOTS } else { reach.slots }),
        }
    }
    // However many rules lead to a split, a variant gets nobody of it beyond its slots.
    for (split, through) in section.splits().iter().zip(through.0) {
        for (variant, own) in slots_in(section, split) {
            slots.add(variant, own.min(through));
        }
    }
    slots.0
}

/// Sums that end at all slots.
struct Sums(Vec<u32>);

impl Sums {
    fn add(&mut self, place: u16, more: u32) {
        if let Some(sum) = self.0.get_mut(usize::from(place)) {
            *sum = sum.saturating_add(more).min(SLOTS);
        }
    }
}

/// How many slots of a split each of its variants has. A variant may occur more than once.
fn slots_in(section: &Section<'_>, split: &Split) -> BTreeMap<u16, u32> {
    let ranges = section.ranges(split);
    let ends = ranges.iter().skip(1).map(|range| range.from.get()).chain([SLOTS]);
    let mut slots = BTreeMap::new();
    for (range, end) in ranges.iter().zip(ends) {
        let own: &mut u32 = slots.entry(range.variant.get()).or_default();
        *own = own.saturating_add(end.saturating_sub(range.from.get()));
    }
    slots
}

/// For each attribute, whether it is a header that only testers send.
fn forbidden(section: &Section<'_>, testers: &[&str]) -> Vec<bool> {
    let is_tester = |name: &[u8]| testers.iter().any(|tester| tester.as_bytes().eq_ignore_ascii_case(name));
    let attributes = section.attributes().iter();
    let header = |attribute: &Attribute| match attribute.kind {
        kind::HEADER => Some(section.text(attribute.name)),
        kind::JWT_CLAIM => Some(claim(section.text(attribute.name)).0),
        _ => None,
    };
    attributes.map(|attribute| header(attribute).is_some_and(is_tester)).collect()
}

/// Who can get from a test to "matched".
#[derive(Clone, Copy)]
struct Reach {
    /// At most so many of the identities.
    slots: u32,
    /// Whether requests without an identity can. A compiler lets them past no percentage; bytes may.
    anonymous: bool,
}

const EVERYBODY: Reach = Reach { slots: SLOTS, anonymous: true };
const NOBODY: Reach = Reach { slots: 0, anonymous: false };

struct Walk<'w, 's> {
    section: &'w Section<'s>,
    forbidden: Vec<bool>,
    /// Of the rule at hand, the last test first.
    ahead: Vec<Reach>,
}

impl Walk<'_, '_> {
    /// Who can match a rule: from its last test back, each test once, since every jump goes forward.
    fn reach(&mut self, rule: &Rule) -> Reach {
        let (first, count) = (rule.first_test.get(), rule.tests.get());
        let end = first.saturating_add(count);
        self.ahead.clear();
        for test in slice(self.section.tests(), first, count).unwrap_or_default().iter().rev() {
            let behind = |to: u32| match to {
                MATCHED => EVERYBODY,
                FAILED => NOBODY,
                _ => {
                    let back = end.checked_sub(to).and_then(|behind| behind.checked_sub(1));
                    // A jump that leads nowhere was refused when the snapshot was loaded.
                    back.and_then(|back| self.ahead.get(back as usize)).copied().unwrap_or(EVERYBODY)
                }
            };
            let reach = self.through(test, behind(test.on_true.get()), behind(test.on_false.get()));
            self.ahead.push(reach);
        }
        self.ahead.last().copied().unwrap_or(EVERYBODY)
    }

    /// Who can get through a test, when `yes` and `no` can behind it.
    fn through(&self, test: &Test, yes: Reach, no: Reach) -> Reach {
        let place = usize::from(test.attribute.get());
        let asks_identity = self.section.attributes().get(place).is_some_and(|asked| asked.kind == kind::IDENTITY);
        if test.operator == operator::PERCENT {
            let percent = slots_of_percent(self.section, test);
            let (inside, outside) = (percent.min(yes.slots), SLOTS.saturating_sub(percent).min(no.slots));
            Reach { slots: inside.saturating_add(outside), anonymous: no.anonymous }
        } else if self.forbidden.get(place).is_some_and(|&forbidden| forbidden) {
            no
        } else {
            // Whoever sends the request chooses the way, so it is the wider one.
            Reach { slots: yes.slots.max(no.slots), anonymous: no.anonymous || (yes.anonymous && !asks_identity) }
        }
    }
}

/// How many slots a percentage has.
fn slots_of_percent(section: &Section<'_>, test: &Test) -> u32 {
    let (_, slots) = section.percent(test);
    slots.end.min(SLOTS).saturating_sub(slots.start)
}
