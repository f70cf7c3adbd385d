//! What is asked for.

use graylane_rules::Revision;

use crate::documents::Document;

/// The longest reason, in bytes.
pub const REASON_LIMIT: usize = 4_096;

/// The longest name of who asks, and of where documents came from, in bytes.
pub const NAME_LIMIT: usize = 512;

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
