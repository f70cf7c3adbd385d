//! What is asked for.

use graylane_rules::Revision;

use super::{Refusal, Revisions};
use crate::documents::Document;

/// The longest reason, in bytes.
const REASON_LIMIT: usize = 4_096;

/// The longest name of who asks, and of where documents came from, in bytes.
const NAME_LIMIT: usize = 512;

/// A revision that somebody asks for.
#[derive(Debug)]
pub struct Proposal {
    /// What it is to do.
    pub wish: Wish,
    /// Who asks.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Where documents came from.
    pub source: String,
    /// The head that whoever asks has seen: where it is another one by now, the answer is a conflict.
    pub expect: Option<Revision>,
    /// Only tell what it would do.
    pub dry_run: bool,
    /// Tell which of these would move.
    pub sample: Option<Sample>,
}

/// Identities of which it is to be told who moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The identities.
    pub identities: Vec<String>,
    /// What they ask for.
    pub url: String,
}

/// What a revision is to do. A rule set is named where only it is meant.
#[derive(Debug)]
pub enum Wish {
    /// Hold these documents, in the place of all or of one rule set and its lock.
    Publish {
        /// The documents.
        documents: Vec<Document>,
        /// Only this rule set of them.
        rule_set: Option<String>,
        /// Values of switches above those of the documents, from now on; None: as they are.
        switches: Option<String>,
    },
    /// Hold the documents of an earlier revision again.
    Rollback {
        /// That one; None: the last one before the head that holds something else.
        to: Option<Revision>,
        /// Only this rule set of it.
        rule_set: Option<String>,
    },
    /// Give everybody the default.
    Off(Option<String>),
    /// End that.
    On(Option<String>),
    /// Refuse changes.
    Freeze(Option<String>),
    /// End that.
    Unfreeze(Option<String>),
}

impl Wish {
    /// Whether it means the same on any head, so that it may be tried again where the head has moved.
    pub fn is_independent(&self) -> bool {
        match self {
            Self::Publish { rule_set, .. } => rule_set.is_some(),
            Self::Rollback { to, .. } => to.is_some(),
            Self::Off(_) | Self::On(_) | Self::Freeze(_) | Self::Unfreeze(_) => true,
        }
    }
}

impl Revisions {
    /// Whether a history can hold who it was, why, and where it came from.
    ///
    /// # Errors
    /// What is not there, or too long.
    pub fn check_words(actor: &str, reason: &str, source: &str) -> Result<(), Refusal> {
        let long = |what: &str, text: &str, limit: usize| {
            let found = format!("{what}: found {} bytes, expected at most {limit}", text.len());
            if text.len() > limit { Err(Refusal::Unfit(found)) } else { Ok(()) }
        };
        if reason.trim().is_empty() {
            return Err(Refusal::Unfit("reason: found none, expected why, in words".to_owned()));
        }
        long("reason", reason, REASON_LIMIT)?;
        long("actor", actor, NAME_LIMIT)?;
        long("source", source, NAME_LIMIT)
    }
}
