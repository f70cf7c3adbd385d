//! Which rule sets overrides of switches are about.

use std::collections::BTreeSet;

use graylane_rules::{Outline, switches::Overrides};

/// The rule sets of `outlines` that have a switch whose override differs between `old` and `new`.
pub fn rule_sets((old, new): (&str, &str), outlines: &[&Outline]) -> BTreeSet<String> {
    // Whatever is published was read before.
    let read = |text: &str| Overrides::parse(text).unwrap_or_default();
    let (old, new) = (read(old), read(new));
    let names: BTreeSet<&str> = old.names().chain(new.names()).collect();
    let changed: BTreeSet<&str> = names.into_iter().filter(|name| old.value(name) != new.value(name)).collect();
    let rule_sets = outlines.iter().flat_map(|outline| &outline.rule_sets);
    let touched = rule_sets.filter(|rule_set| rule_set.switches.iter().any(|switch| changed.contains(&*switch.name)));
    touched.map(|rule_set| rule_set.name.clone()).collect()
}
