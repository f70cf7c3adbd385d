//! Tallies as tables and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::tally::{Shares, Tally};
use crate::{finding::one_line, json};

/// A table for variants and one for rules, of each rule set.
pub fn write(tallies: &[Tally], output: &mut impl Write) -> io::Result<()> {
    if tallies.is_empty() {
        writeln!(output, "no scope includes the request: nothing decides it; say which it is: -- https://HOST/PATH")?;
    }
    for tally in tallies {
        let (header, rule_set, count) = (&tally.variant_header, &tally.rule_set, tally.identities);
        let of = if count == 1 { "identity" } else { "identities" };
        writeln!(output, "{header} by rule set {rule_set}, {count} {of}")?;
        if !tally.is_expected {
            writeln!(output, "expected: not known, the rules share salts in too many ways; observed alone")?;
        }
        writeln!(output, "  {:<64}{:>12}{:>12}", "variant", "expected", "observed")?;
        for (variant, shares) in &tally.variants {
            line(output, variant, *shares, tally)?;
        }
        writeln!(output, "  rule")?;
        for (outcome, shares) in &tally.rules {
            let rule = outcome.rule.as_deref().unwrap_or("(no rule matches)");
            line(output, &format!("{rule}: {} {}", outcome.variant, outcome.reason), *shares, tally)?;
        }
    }
    output.flush()
}

fn line(output: &mut impl Write, what: &str, shares: Shares, tally: &Tally) -> io::Result<()> {
    let percent = |part: f64| format!("{:.3} %", part * 100.0);
    let expected = shares.expected.map_or_else(|| "?".to_owned(), percent);
    writeln!(output, "  {:<64}{expected:>12}{:>12}", one_line(what), percent(tally.part(shares.count)))
}

/// The same for programs.
pub fn write_json(tallies: &[Tally], output: &mut impl Write) -> io::Result<()> {
    let all: Vec<Value> = tallies.iter().map(value).collect();
    json::write(&all, output)?;
    output.flush()
}

fn value(tally: &Tally) -> Value {
    let variants = tally.variants.iter().map(|(variant, shares)| {
        json!({"variant": variant, "expected": shares.expected, "observed": tally.part(shares.count)})
    });
    let rules = tally.rules.iter().map(|(outcome, shares)| {
        json!({
            "rule": outcome.rule, "variant": outcome.variant, "reason": outcome.reason,
            "expected": shares.expected, "observed": tally.part(shares.count), "count": shares.count,
        })
    });
    json!({
        "variantHeader": tally.variant_header, "ruleSet": tally.rule_set, "identities": tally.identities,
        "variants": variants.collect::<Vec<_>>(), "rules": rules.collect::<Vec<_>>(),
    })
}
