//! What is wrong with documents that are each right by themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::non_empty;
use crate::{
    document::{Lock, Name, RuleSet},
    report::{Path, Report},
    tree::quote,
};

/// Refuses each name that an earlier one of the documents has.
pub(crate) fn refuse_namesakes<'a>(names: impl Iterator<Item = (usize, &'a Name)>, report: &mut Report) {
    let mut seen = BTreeMap::new();
    for (index, name) in names {
        if let Some(first) = seen.insert(&name.text, index) {
            report.begin(index);
            let path = Path::DOCUMENT;
            let path = path.field("metadata");
            let found = format!("the name {}, which document {} has", quote(&name.text), first.saturating_add(1));
            report.error("duplicate-name", &path.field("name"), name.span.clone(), found, "a name of its own");
        }
    }
}

/// Warns of each rule set that decides no request, since others of its variant header whose names come before have all of
/// its scope. They are sorted by name.
pub(super) fn warn_of_shadowed(rule_sets: &[(usize, RuleSet)], report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (index, rule_set) in rule_sets {
        let (hosts, prefixes) = (non_empty(&rule_set.scope.hosts), non_empty(&rule_set.scope.path_prefixes));
        let pairs = hosts.iter().flat_map(|host| prefixes.iter().map(move |prefix| (*host, *prefix)));
        // All of them have to be seen, so that none after it is missed.
        let new = pairs.filter(|pair| seen.insert((rule_set.output.variant_header.as_str(), *pair))).count();
        if new == 0 {
            report.begin(*index);
            let path = Path::DOCUMENT;
            let path = path.field("metadata");
            let found = "a rule set that decides nothing: those before it by name have all of its scope";
            let expected = "a scope or an output.variantHeader of its own";
            report.warning("rule-set-shadowed", &path.field("name"), rule_set.name.span.clone(), found, expected);
        }
    }
}

/// Warns of each split that would move more identities than it has to. Two variants move as few as they can by themselves; three have
/// to know where they were.
pub(super) fn warn_of_missing_locks(rule_sets: &[(usize, RuleSet)], locks: &[(usize, Lock)], report: &mut Report) {
    for (index, rule_set) in rule_sets {
        report.begin(*index);
        let lock = locks.iter().find(|(_, lock)| lock.name.text == rule_set.name.text);
        let path = Path::SPEC;
        let path = path.field("splits");
        for split in &rule_set.splits {
            let name = &split.name.text;
            let variants = split.counts.iter().filter(|&&slots| slots > 0).count();
            if variants > 2 && !lock.is_some_and(|(_, lock)| lock.remembers(name)) {
                let found = format!("a split among {variants} variants that no lock remembers");
                let expected =
                    "a lock, by `graylane allocate`, before weights change: more identities may move without one";
                report.warning("lock-missing", &path.field(name), split.name.span.clone(), found, expected);
            }
        }
    }
}
