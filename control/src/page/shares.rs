//! The shares that splits mean to give, and those that are observed.

use std::collections::BTreeMap;

use graylane_rules::{
    Outline,
    outline::{RuleSetOutline, SplitOutline, ThenOutline},
};
use maud::{Markup, html};

use super::{
    bars::{self, Share},
    observed::{Answered, Rates},
    words::part,
};

/// A split: the shares that are meant, and beneath them those that are observed.
pub fn split(
    outline: &Outline,
    rule_set: &RuleSetOutline,
    split: &SplitOutline,
    observed: Option<&Answered>,
) -> Markup {
    let experiment = split.experiment.as_ref().map(|name| format!(", experiment {name}")).unwrap_or_default();
    let what = format!("split {}{experiment}", split.name);
    let seen = observed.and_then(|observed| observed.as_ref().ok()).and_then(|rates| seen(rates, rule_set, split));
    html! {
        (bars::bar(&what, &intended(outline, rule_set, split)))
        @if let Some((shares, total)) = seen { (bars::thin(&format!("observed, {}", rate(total)), &shares)) }
    }
}

/// What is known of shares that are observed, where that is less than all.
pub fn note(observed: Option<&Answered>) -> Markup {
    html! {
        p.quiet {
            @match observed {
                None => { "Shares are those that are meant; " code { "serve --observe URL" } " shows beside them what Envoys count." }
                Some(Ok(_)) => { "Above, the shares that are meant; beneath, those that Envoys counted in the last five minutes." }
                Some(Err(why)) => { "Shares are those that are meant: what Envoys count is not known, Prometheus: " (why) "." }
            }
        }
    }
}

/// `12.3 requests/s`.
pub fn rate(number: f64) -> String {
    if number >= 100.0 { format!("{number:.0} requests/s") } else { format!("{number:.1} requests/s") }
}

/// The share of each variant that has slots of a split, in the order of the rule set's variants.
fn intended(outline: &Outline, rule_set: &RuleSetOutline, split: &SplitOutline) -> Vec<Share> {
    let allocation = outline.allocation(rule_set, split);
    let counts = allocation.counts();
    let share = |(place, (name, _)): (usize, &(String, u32))| {
        let slots = *counts.get(name.as_str())?;
        Some(Share { name: name.clone(), place, part: part(slots) })
    };
    split.slots.iter().enumerate().filter_map(share).collect()
}

/// What the rules that decide by a split gave, and how many requests a second these were; None where there were none.
fn seen(rates: &Rates, rule_set: &RuleSetOutline, split: &SplitOutline) -> Option<(Vec<Share>, f64)> {
    let deciding = rule_set.rules.iter().filter(|rule| rule.then == ThenOutline::Split(split.name.clone()));
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (variant, rate) in deciding.filter_map(|rule| rates.of(&rule_set.name, &rule.id)).flatten() {
        let sum = sums.entry(variant).or_default();
        *sum += rate;
    }
    let total: f64 = sums.values().fold(0.0, |sum, rate| sum + rate);
    let share = |(place, (name, _)): (usize, &(String, u32))| {
        let rate = *sums.get(name.as_str())?;
        Some(Share { name: name.clone(), place, part: rate / total })
    };
    (total > 0.0).then(|| (split.slots.iter().enumerate().filter_map(share).collect(), total))
}
