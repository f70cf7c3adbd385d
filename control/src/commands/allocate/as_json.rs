//! What becomes of the locks, for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::files::Writing;
use crate::{
    json,
    lock::plan::{Plan, PlannedSplit},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'p> {
    rule_set: &'p str,
    splits: Vec<Split<'p>>,
    /// Splits that the rule set does not have any more.
    forgotten: &'p [String],
    /// Where the lock stands, or would; null where it fits.
    file: Option<String>,
    /// Whether it was written.
    written: bool,
    /// The lock itself; null where it fits.
    document: Option<&'p str>,
}

#[derive(Serialize)]
struct Split<'p> {
    name: &'p str,
    ranges: usize,
    /// Whether there was something to move from.
    remembered: bool,
    /// How many move; null where another salt says nothing of that.
    slots: Option<u32>,
    transfers: Vec<Moved>,
}

#[derive(Serialize)]
struct Moved {
    from: String,
    to: String,
    slots: u32,
}

/// Writes an object for each rule set.
pub fn write(plans: &[Plan], writings: &[Writing], written: bool, output: &mut impl Write) -> io::Result<()> {
    // One is written for each plan that changes something, in their order.
    let mut writings = writings.iter();
    let mut writing = |plan: &Plan| if plan.unchanged { None } else { writings.next() };
    let planned: Vec<_> = plans.iter().map(|plan| Planned::of(plan, writing(plan), written)).collect();
    json::write(&planned, output)
}

impl<'p> Planned<'p> {
    fn of(plan: &'p Plan, writing: Option<&'p Writing>, written: bool) -> Self {
        Self {
            rule_set: &plan.lock.rule_set,
            splits: plan.splits.iter().map(Split::of).collect(),
            forgotten: &plan.dropped,
            file: writing.map(|writing| writing.path.display().to_string()),
            written: written && writing.is_some(),
            document: writing.map(|writing| writing.text.as_str()),
        }
    }
}

impl<'p> Split<'p> {
    fn of(split: &'p PlannedSplit) -> Self {
        let transfers =
            split.before.iter().filter(|_| !split.resalted).flat_map(|before| before.transfers(&split.after));
        let transfers: Vec<_> = transfers
            .map(|moved| Moved { from: moved.from.to_string(), to: moved.to.to_string(), slots: moved.slots })
            .collect();
        let slots = (!split.resalted).then(|| transfers.iter().map(|moved| moved.slots).sum());
        let (name, ranges) = (split.name.as_str(), split.after.ranges().len());
        Self { name, ranges, remembered: split.before.is_some(), slots, transfers }
    }
}
