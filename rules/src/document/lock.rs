//! A document of kind AllocationLock: which slots belong to which variant, remembered.

use std::ops::Range;

use super::{Fields, Name, RuleSet, fields, head, names};
use crate::{
    allocation::{self, Allocation, RANGES_LIMIT},
    report::{Path, Report},
    slot::SLOTS,
    tree::{Node, Value, quote},
};

/// The remembered allocations of one rule set, named as it is.
#[derive(Debug)]
pub(crate) struct Lock {
    pub(crate) name: Name,
    splits: Vec<LockedSplit>,
}

#[derive(Debug)]
struct LockedSplit {
    name: String,
    span: Range<usize>,
    ranges: Vec<(u32, String)>,
}

/// Decodes what apiVersion and kind left over.
pub(super) fn decode(document: Fields<'_>, report: &mut Report) -> Option<Lock> {
    let (name, spec) = head::name_and_spec(document, report);
    let path = Path::SPEC;
    let mut spec = Fields::open(spec?, &path, report)?;
    let splits = spec.required("splits", report);
    spec.finish(report);
    let (splits, path) = (splits?, path.field("splits"));
    let mut locked = Vec::new();
    for entry in fields::entries(splits, &path, report)? {
        let path = path.field(&entry.key);
        let Some(mut fields) = Fields::open(&entry.node, &path, report) else { continue };
        let ranges = fields.required("ranges", report);
        fields.finish(report);
        if let Some(ranges) = ranges.and_then(|node| decode_ranges(node, &path.field("ranges"), report)) {
            locked.push(LockedSplit { name: entry.key.clone(), span: entry.key_span.clone(), ranges });
        }
    }
    Some(Lock { name: name?, splits: locked })
}

fn decode_ranges(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Vec<(u32, String)>> {
    let items = fields::items(node, path, report)?;
    if items.len() > RANGES_LIMIT {
        let found = format!("{} ranges", items.len());
        report.error("too-many-ranges", path, node.span.clone(), found, format!("at most {RANGES_LIMIT}"));
        return None;
    }
    let mut ranges: Vec<(u32, String)> = Vec::with_capacity(items.len());
    let mut right_so_far = true;
    for (index, item) in items.iter().enumerate() {
        let Some((from, variant)) = decode_range(item, &path.item(index), report) else {
            right_so_far = false;
            continue;
        };
        let least = ranges.last().map_or(0, |(last, _)| last.saturating_add(1));
        let right = if index == 0 { from == 0 } else { (least..SLOTS).contains(&from) };
        if !right {
            let expected = "ranges that begin at 0 and grow, below 100000";
            report.error("bad-range", &path.item(index), item.span.clone(), format!("from {from}"), expected);
            right_so_far = false;
        }
        ranges.push((from, variant));
    }
    right_so_far.then_some(ranges)
}

fn decode_range(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<(u32, String)> {
    let mut fields = Fields::open(node, path, report)?;
    let from = fields.required("from", report);
    let variant = fields.required("variant", report);
    fields.finish(report);
    let variant = names::id(variant?, &path.field("variant"), report)?;
    let from = from?;
    let Value::Number(text) = &from.value else {
        report.wrong("wrong-type", &path.field("from"), from, "a slot: a whole number from 0 to 99999");
        return None;
    };
    let slot = text.parse().ok();
    if slot.is_none() {
        report.wrong("wrong-type", &path.field("from"), from, "a slot: a whole number from 0 to 99999");
    }
    Some((slot?, variant.text))
}

impl Lock {
    /// What it remembers, by the names of splits.
    pub(crate) fn allocations(&self) -> impl Iterator<Item = (String, Allocation)> {
        self.splits.iter().map(|split| (split.name.clone(), Allocation::of_ranges(split.ranges.clone())))
    }

    /// Whether it has ranges of the split of this name.
    pub(crate) fn remembers(&self, split: &str) -> bool {
        self.splits.iter().any(|locked| locked.name == split)
    }

    /// The ranges of the split number `place` of `rule_set`, where this lock has it.
    ///
    /// A lock that does not fit the weights is refused: it remembers other ones.
    pub(crate) fn ranges(
        &self,
        rule_set: &RuleSet,
        place: usize,
        report: &mut Report,
    ) -> Option<Vec<allocation::Range>> {
        // Weights that could not be read were reported where they stand.
        let split = rule_set.splits.get(place).filter(|split| !split.counts.is_empty())?;
        let locked = self.splits.iter().find(|locked| locked.name == split.name.text)?;
        let place_of = |name: &String| rule_set.variants.iter().position(|variant| variant == name);
        let ranges: Option<Vec<allocation::Range>> = locked
            .ranges
            .iter()
            .map(|(from, variant)| Some(allocation::Range { from: *from, variant: place_of(variant)? }))
            .collect();
        let fits = ranges.filter(|ranges| allocation::counts_of(ranges, rule_set.variants.len()) == split.counts);
        if fits.is_none() {
            let found = format!("an allocation of {} for other weights or variants", quote(&locked.name));
            let said = format!("{:?} for {:?}", split.counts, rule_set.variants);
            let expected = format!("slots as the weights say: {said}; `graylane allocate` moves them there");
            let path = Path::SPEC;
            let path = path.field("splits");
            report.error("lock-mismatch", &path.field(&locked.name), locked.span.clone(), found, expected);
        }
        fits
    }

    /// Says which locked splits the rule set does not have.
    pub(crate) fn check_names(&self, rule_set: &RuleSet, report: &mut Report) {
        for locked in &self.splits {
            if !rule_set.splits.iter().any(|split| split.name.text == locked.name) {
                let found = format!("an allocation of {}, which the rule set does not have", quote(&locked.name));
                let path = Path::SPEC;
                let path = path.field("splits");
                let names = rule_set.splits.iter().map(|split| split.name.text.as_str());
                let expected = report.or_meant("its removal".to_owned(), &locked.name, names);
                report.warning("lock-unused", &path.field(&locked.name), locked.span.clone(), found, expected);
            }
        }
    }
}
