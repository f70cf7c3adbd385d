//! What share of the identities each rule and variant is to get, computed and not counted.
//!
//! Among requests that are alike but for their identities, a rule asks two kinds of things: what is the same for all of them
//! or known of each identity, and percentages. The slots of different salts are independent, those of one salt are not; so the
//! rules are walked once with all that is known of an identity's slots, branching where a percentage is asked.

mod carried;
mod slots;
mod walk;

use std::collections::BTreeMap;

use crate::{
    Attributes, Reason, Snapshot,
    decide::most_specific,
    request::{Asked, Known},
    snapshot::{audiences::Audiences, records::operator, section::Section},
};
use carried::Carried;
use walk::{Outcome, Walk};

/// Classes of identities that are told apart by other tests than percentages.
const CLASSES_LIMIT: usize = 256;

/// Tests that are asked of identities to tell them apart.
const ASKED_LIMIT: usize = 20_000_000;

/// What the requests are to get of one rule set.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected<'s> {
    /// The name of the rule set that is in charge.
    pub rule_set: &'s [u8],
    /// The header it decides.
    pub variant_header: &'s [u8],
    /// The share of each rule, variant and reason; None where the rules are too entangled to be computed.
    pub shares: Option<Vec<ExpectedShare<'s>>>,
}

/// What part of the requests gets a variant by a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpectedShare<'s> {
    /// The id of the rule; None: no rule matches.
    pub rule: Option<&'s [u8]>,
    /// The name of the variant.
    pub variant: &'s [u8],
    /// Why they get it.
    pub reason: Reason,
    /// From 0 to 1; exact but for the rounding of floats.
    pub share: f64,
}

impl Snapshot {
    /// The shares that `requests` are to expect of each rule set in charge of them, one for each variant header.
    ///
    /// The requests differ in the headers `carriers` (lower case) alone. Which slots their identities really fall into does
    /// not matter; what other tests say of each identity does. Ends whatever the rules are: where shared salts make
    /// the cases too many, there are no shares.
    pub fn expected<'s, A: Attributes>(&'s self, requests: &'s [A], carriers: &[&[u8]]) -> Vec<Expected<'s>> {
        let (opened, Some(first)) = (self.opened(), requests.first()) else { return Vec::new() };
        let root = &opened.root;
        let asked = Asked::new(first, Some(&root.audiences));
        let sections = opened.outputs.iter().filter_map(|output| most_specific(opened, output, &asked));
        let expected = sections.map(|section| Expected {
            rule_set: section.text(section.header.name),
            variant_header: section.text(section.header.variant_header),
            shares: shares(section, &root.audiences, requests, carriers),
        });
        expected.collect()
    }
}

fn shares<'s, A: Attributes>(
    section: &Section<'s>,
    audiences: &'s Audiences<'s>,
    requests: &'s [A],
    carriers: &[&[u8]],
) -> Option<Vec<ExpectedShare<'s>>> {
    let mut sums: BTreeMap<Outcome, f64> = BTreeMap::new();
    let mut steps = 0;
    for (request, part) in classes(section, audiences, requests, carriers)? {
        let asked = Asked::new(request, Some(audiences));
        let mut walk = Walk::new(section, &asked, steps);
        for (outcome, chance) in walk.outcomes()? {
            let sum = sums.entry(outcome).or_default();
            *sum += chance * part;
        }
        steps = walk.steps;
    }
    let share = |(outcome, share): (Outcome, f64)| ExpectedShare {
        rule: section.rules().get(outcome.rule as usize).map(|rule| section.rule_id(rule)),
        variant: section.variant(outcome.variant),
        reason: outcome.reason(),
        share,
    };
    Some(sums.into_iter().map(share).collect())
}

/// A request of each class of identities about which every test but a percentage says the same, and what part they are.
fn classes<'s, A: Attributes>(
    section: &Section<'s>,
    audiences: &'s Audiences<'s>,
    requests: &'s [A],
    carriers: &[&[u8]],
) -> Option<Vec<(&'s A, f64)>> {
    let first = requests.first()?;
    let telling: Vec<_> = section
        .tests()
        .iter()
        .filter(|test| test.operator != operator::PERCENT)
        .filter(|test| {
            let carried = Carried::new(first, carriers);
            section.holds(test, &Asked::new(&carried, None), &Known::default());
            carried.was_read()
        })
        .collect();
    if telling.len().saturating_mul(requests.len()) > ASKED_LIMIT {
        return None;
    }
    let mut classes: BTreeMap<Vec<bool>, (&A, u32)> = BTreeMap::new();
    for request in requests {
        let (asked, known) = (Asked::new(request, Some(audiences)), Known::default());
        let identified = asked.identity(section, &known).is_some();
        let told = telling.iter().map(|test| section.holds(test, &asked, &known));
        let class = classes.entry([identified].into_iter().chain(told).collect()).or_insert((request, 0));
        class.1 = class.1.saturating_add(1);
        if classes.len() > CLASSES_LIMIT {
            return None;
        }
    }
    let all = f64::from(u32::try_from(requests.len()).ok()?);
    Some(classes.into_values().map(|(request, count)| (request, f64::from(count) / all)).collect())
}
