//! How a revision differs from the one it follows.

use graylane_rules::Outline;
use graylane_store::Overlay;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::difference::{Change, RuleSetDifference, compare};

/// The longest difference that a manifest holds, in bytes of JSON; of a longer one only names are kept.
const LIMIT: usize = 64 << 10;

/// How a revision differs from the one it follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The rule sets that are not what they were, and who moves.
    pub rule_sets: Vec<RuleSetDifference>,
    /// Whether only their names are told, because the rest was too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_only: bool,
    /// What stands above the documents and did not before, or no longer does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlay: Vec<String>,
}

impl Difference {
    /// Between two states of the documents and what stands above them.
    pub fn between(old: (&Outline, &Overlay), new: (&Outline, &Overlay)) -> Self {
        let rule_sets = compare(old.0, new.0);
        Self { rule_sets, names_only: false, overlay: overlays(old.1, new.1) }
    }

    /// Whether nothing differs that decides anything.
    pub fn is_empty(&self) -> bool {
        self.rule_sets.is_empty() && self.overlay.is_empty()
    }

    /// The names of the rule sets that differ.
    pub fn names(&self) -> Vec<String> {
        self.rule_sets.iter().map(|rule_set| rule_set.name.clone()).collect()
    }

    /// As a manifest holds it.
    pub fn value(&self) -> Value {
        let whole = serde_json::to_value(self).unwrap_or_default();
        if whole.to_string().len() <= LIMIT {
            return whole;
        }
        let bare = |rule_set: &RuleSetDifference| RuleSetDifference::bare(&rule_set.name, rule_set.change);
        let rule_sets = self.rule_sets.iter().map(bare).collect();
        serde_json::to_value(Self { rule_sets, names_only: true, ..self.clone() }).unwrap_or_default()
    }

    /// What [`value`](Self::value) gave; nothing where it is of a build that says it otherwise.
    pub fn read(value: &Value) -> Self {
        Self::deserialize(value).unwrap_or_default()
    }

    /// One line: `checkout changed, blog added; shop off`.
    pub fn summary(&self) -> String {
        let word = |change: Change| match change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Changed | Change::Same => "changed",
        };
        let few = self.rule_sets.iter().take(3).map(|rule_set| format!("{} {}", rule_set.name, word(rule_set.change)));
        let mut parts: Vec<_> = few.collect();
        match self.rule_sets.len().saturating_sub(3) {
            0 => {}
            more => parts.push(format!("{more} more")),
        }
        parts.extend(self.overlay.iter().cloned());
        if parts.is_empty() { "the same rules".to_owned() } else { parts.join(", ") }
    }
}

fn overlays(old: &Overlay, new: &Overlay) -> Vec<String> {
    let mut told = Vec::new();
    let beyond = |these: &[Option<&str>], those: &[Option<&str>]| -> Vec<String> {
        let new = these.iter().filter(|one| !those.contains(one));
        new.map(|name| name.unwrap_or("all rule sets").to_owned()).collect()
    };
    let (was, is) = (old.off_names(), new.off_names());
    told.extend(beyond(&is, &was).iter().map(|name| format!("{name} off: everybody has the default")));
    told.extend(beyond(&was, &is).iter().map(|name| format!("{name} on again")));
    let (was, is) = (old.frozen_names(), new.frozen_names());
    told.extend(beyond(&is, &was).iter().map(|name| format!("{name} frozen")));
    told.extend(beyond(&was, &is).iter().map(|name| format!("{name} no longer frozen")));
    if old.switches != new.switches {
        told.push("other overrides of switches".to_owned());
    }
    told
}
