//! What the command says about its work.

use std::io::{self, Write};

use super::files::Writing;
use crate::{
    lock::plan::{Plan, PlannedSplit},
    share::{percent, slots},
};

/// Says what becomes of the splits of one lock.
pub fn write(plan: &Plan, output: &mut impl Write) -> io::Result<()> {
    let rule_set = &plan.lock.rule_set;
    for split in &plan.splits {
        write_split(rule_set, split, output)?;
    }
    for name in &plan.dropped {
        writeln!(output, "{rule_set}/{name}: forgotten, the rule set has no such split")?;
    }
    Ok(())
}

fn write_split(rule_set: &str, split: &PlannedSplit, output: &mut impl Write) -> io::Result<()> {
    let (name, count) = (&split.name, split.after.ranges().len());
    let ranges = format!("{count} range{}", if count == 1 { "" } else { "s" });
    let Some(before) = &split.before else {
        let first = "remembered from now on, as it is without a lock";
        return writeln!(
            output,
            "{rule_set}/{name}: {first}; {ranges}. Where other weights run, name them with --from"
        );
    };
    let transfers = before.transfers(&split.after);
    let moved = transfers.iter().map(|transfer| transfer.slots).sum();
    if split.resalted {
        return writeln!(output, "{rule_set}/{name}: another salt than what runs: up to 100 % may move; {ranges}");
    }
    if moved == 0 {
        return writeln!(output, "{rule_set}/{name}: nobody moves; {ranges}");
    }
    writeln!(
        output,
        "{rule_set}/{name}: {} of 100000 move, {} of the identities; {ranges}",
        slots(moved),
        percent(moved)
    )?;
    for transfer in transfers {
        let (from, to) = (transfer.from, transfer.to);
        writeln!(output, "  {from} to {to}: {}, {}", slots(transfer.slots), percent(transfer.slots))?;
    }
    Ok(())
}

/// Says where there was nothing to do.
pub fn write_end(plans: &[Plan], writings: &[Writing], output: &mut impl Write) -> io::Result<()> {
    if !writings.is_empty() {
        return Ok(());
    }
    if plans.iter().all(|plan| plan.splits.is_empty()) {
        return writeln!(output, "nothing to remember: no split of three or more variants; --all takes every split");
    }
    writeln!(output, "every lock fits: nothing to write")
}
