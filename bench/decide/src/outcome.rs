//! What each column answers.

use std::fmt;

use graylane_rules::{Decision, Reason};

/// The rule that matched, the variant, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// The id of the rule; None where none matched, or the engine does not tell.
    pub rule: Option<&'a [u8]>,
    /// The variant.
    pub variant: &'a [u8],
    /// Why; None where the engine does not tell.
    pub reason: Option<Reason>,
}

impl<'a> From<Decision<'a>> for Outcome<'a> {
    #[inline]
    fn from(decision: Decision<'a>) -> Self {
        Self { rule: decision.rule(), variant: decision.variant(), reason: Some(decision.reason) }
    }
}

impl fmt::Debug for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy;
        write!(f, "{} ({:?}, {:?})", text(self.variant), self.rule.map(text), self.reason)
    }
}
