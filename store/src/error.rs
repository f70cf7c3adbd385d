//! Why a store did not do what it was asked for.

use std::fmt;

/// Why a store did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// It did not answer, or not in time. What it was asked for may have been done all the same.
    Unavailable {
        /// Its URL.
        place: String,
        /// What was found.
        why: String,
    },
    /// What it holds is not what was put there.
    Corrupt {
        /// Its URL.
        place: String,
        /// What was found and what would be right.
        why: String,
    },
    /// It refuses for ever: another process has it, credentials do not fit, something is larger than it takes.
    Refused {
        /// Its URL.
        place: String,
        /// What was found and what would be right.
        why: String,
    },
}

impl StoreError {
    /// Whether asking again may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unavailable { place, why } | Self::Corrupt { place, why } | Self::Refused { place, why }) = self;
        write!(f, "{place}: {why}")
    }
}

impl std::error::Error for StoreError {}
