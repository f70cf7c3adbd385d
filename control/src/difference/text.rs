//! A comparison for people.

use std::io::{self, Write};

use super::{AudienceDifference, Change, Moves, PercentDifference, RuleDifference, RuleSetDifference, SplitDifference};
use crate::share::{percent, slots};

/// Writes what is another, and who moves.
pub fn write(differences: &[RuleSetDifference], output: &mut impl Write) -> io::Result<()> {
    if differences.is_empty() {
        writeln!(output, "the same rules: nobody moves")?;
    }
    for rule_set in differences {
        writeln!(output, "rule set {}: {}", rule_set.name, word(rule_set.change))?;
        for field in &rule_set.fields {
            writeln!(output, "  {field}: changed{}", meaning(field))?;
        }
        if rule_set.reordered {
            writeln!(output, "  rules: in another order, and the first that matches decides")?;
        }
        rule_set.splits.iter().try_for_each(|split| write_split(split, output))?;
        rule_set.rules.iter().try_for_each(|rule| write_rule(rule, output))?;
    }
    output.flush()
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
        Change::Same => "the same text",
    }
}

/// What a change of this field of `spec` means for everybody.
fn meaning(field: &str) -> &'static str {
    match field {
        "identity" => "; up to 100 % may move, in every split and percentage",
        "scope" => "; other requests are decided by it",
        "default" => "; whoever no rule matches moves",
        _ => "",
    }
}

fn write_split(split: &SplitDifference, output: &mut impl Write) -> io::Result<()> {
    write!(output, "  split {}: {}", split.name, word(split.change))?;
    if split.experiment_changed {
        write!(output, ", another experiment")?;
    }
    match &split.moves {
        Some(moves) => write_moves(moves, output),
        None if split.change == Change::Changed => writeln!(output, "; nobody moves"),
        None => writeln!(output),
    }
}

fn write_rule(rule: &RuleDifference, output: &mut impl Write) -> io::Result<()> {
    write!(output, "  rule {}: {}", rule.id, word(rule.change))?;
    match &rule.moves {
        Some(moves) => write_moves(moves, output)?,
        None => writeln!(output)?,
    }
    rule.percents.iter().try_for_each(|one| write_percent(one, output))?;
    rule.audiences.iter().try_for_each(|AudienceDifference { name, enter, leave }| {
        writeln!(output, "    audience {name}: {} enter, {} leave", identities(*enter), identities(*leave))
    })
}

fn identities(count: usize) -> String {
    format!("{count} {}", if count == 1 { "identity" } else { "identities" })
}

fn write_moves(moves: &Moves, output: &mut impl Write) -> io::Result<()> {
    match (moves.slots, moves.why.as_deref()) {
        (Some(sum), _) => writeln!(output, "; {} of 100000 move, {} of those it decides", slots(sum), percent(sum))?,
        (None, why) => writeln!(output, "; up to 100 % may move: {}", why.unwrap_or_default())?,
    }
    moves.transfers.iter().try_for_each(|transfer| {
        let (from, to, count) = (&transfer.from, &transfer.to, transfer.slots);
        writeln!(output, "    {from} to {to}: {}, {}", slots(count), percent(count))
    })
}

fn write_percent(one: &PercentDifference, output: &mut impl Write) -> io::Result<()> {
    let range = |ends: Option<[u32; 2]>| {
        ends.map_or_else(|| "nobody".to_owned(), |[from, to]| format!("{} to {}", percent(from), percent(to)))
    };
    write!(output, "    percent: {}, before {}", range(one.after), range(one.before))?;
    match (one.enter, one.leave) {
        (Some(enter), Some(leave)) => {
            writeln!(
                output,
                "; {} enter ({}), {} leave ({})",
                slots(enter),
                percent(enter),
                slots(leave),
                percent(leave)
            )
        }
        _ => writeln!(output, "; another salt or identity: up to 100 % may move"),
    }
}
