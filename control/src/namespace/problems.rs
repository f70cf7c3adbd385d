//! What is wrong, by what it is about.

use std::{collections::BTreeMap, sync::Mutex};

use crate::{finding::Finding, mutex::locked};

/// What something is wrong with; first what people are told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The documents, which are not what is published, or are odd.
    Documents,
    /// The signing keys in the files, which are not those in use.
    Keys,
    /// Certificates and callers in the files, which are not those in use.
    Access,
    /// Overrides of switches that were to be read again, and are not in use.
    Switches,
    /// The head of the store, which is not served.
    Store,
    /// Backups on a schedule, which are not taken.
    Backups,
}

/// What is wrong; whoever finds out about something replaces all that was said of it.
#[derive(Debug, Default)]
pub struct Problems(Mutex<BTreeMap<About, Vec<Finding>>>);

impl Problems {
    /// What is wrong with that.
    pub fn with(&self, about: About) -> Vec<Finding> {
        locked(&self.0).get(&about).cloned().unwrap_or_default()
    }

    /// All that is wrong.
    pub fn all(&self) -> Vec<Finding> {
        locked(&self.0).values().flatten().cloned().collect()
    }

    /// Replaces what is wrong with that; gives what it was before.
    pub fn replace(&self, about: About, findings: Vec<Finding>) -> Vec<Finding> {
        locked(&self.0).insert(about, findings).unwrap_or_default()
    }
}
