//! Why there is no revision.

use std::fmt;

use graylane_rules::Revision;
use graylane_store::{Freeze, Manifest, NotKept, StoreError};

use super::Difference;
use crate::{clock::second, finding::Finding};

/// Why there is no revision.
#[derive(Debug)]
pub enum Refusal {
    /// The documents do not compile.
    Broken(Vec<Finding>),
    /// Somebody said that there are to be no changes.
    Frozen {
        /// Who and why.
        freeze: Freeze,
        /// What would have changed.
        rule_sets: Vec<String>,
    },
    /// Somebody else moved the head.
    Moved {
        /// The head that was expected.
        expected: Option<Revision>,
        /// The head that is there, and who made it.
        head: Box<Manifest>,
        /// How it differs from the one it follows.
        difference: Box<Difference>,
    },
    /// What was asked for makes no sense here: found and expected.
    Unfit(String),
    /// The revision to go back to is not there.
    NotKept(NotKept),
    /// The store does not do it.
    Store(StoreError),
    /// The store did not answer in time: nobody knows whether the revision will be there.
    Unknown {
        /// That revision.
        revision: Revision,
        /// What the store said.
        why: StoreError,
    },
}

impl From<StoreError> for Refusal {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(findings) => {
                let errors = findings.iter().filter(|finding| finding.is_error()).count();
                write!(f, "found documents with {errors} error{}, ", if errors == 1 { "" } else { "s" })?;
                f.write_str("expected sound ones: nothing is published")
            }
            Self::Frozen { freeze, rule_sets } => {
                let (what, flag) = freeze.rule_set.as_ref().map_or_else(
                    || ("the namespace".to_owned(), String::new()),
                    |name| (format!("rule set {name}"), format!(" --rule-set {name}")),
                );
                let Freeze { actor, reason, .. } = freeze;
                let at = second(freeze.at);
                write!(
                    f,
                    "found that {actor} froze {what} at {at}: {reason}; this changes {}, ",
                    rule_sets.join(", ")
                )?;
                write!(f, "expected no change before `graylane unfreeze{flag}`")
            }
            Self::Moved { expected, head, .. } => {
                let Manifest { revision, actor, reason, .. } = head.as_ref();
                let at = second(head.at);
                let expected = expected.map_or_else(|| "none".to_owned(), |expected| expected.to_string());
                write!(f, "found the head {revision}, which {actor} made at {at} ({reason}), expected {expected}: ")?;
                f.write_str("look at what changed, and publish again on it")
            }
            Self::Unfit(why) => f.write_str(why),
            Self::NotKept(why) => why.fmt(f),
            Self::Store(why) => why.fmt(f),
            Self::Unknown { revision, why } => {
                write!(f, "{why}; it is not known whether revision {revision} is published: `graylane history` tells")
            }
        }
    }
}
