//! The outcome for one request.

use crate::snapshot::{Settings, records::SectionHeader, section::Section};

/// Why a decision is what it is; OpenFeature's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rule matched and names the variant.
    TargetingMatch,
    /// A rule matched and the identity's slot chose among its split's variants.
    Split,
    /// No rule matched.
    Default,
    /// A rule with a split matched, but the request has no identity: the default variant.
    NoIdentity,
}

impl Reason {
    /// The name that logs and answers carry: `TARGETING_MATCH`.
    pub fn name(self) -> &'static str {
        match self {
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Default => "DEFAULT",
            Reason::NoIdentity => "NO_IDENTITY",
        }
    }
}

/// Which counter a decision belongs to: one (rule set, rule, variant) of one snapshot.
///
/// Stable for the life of the snapshot, meaningless for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    pub(crate) rule_set: u32,
    pub(crate) rule: u32,
    pub(crate) variant: u16,
}

/// The outcome for one request and one variant header. Borrows from the snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'s> {
    /// The name of the rule set whose scope was the most specific.
    pub rule_set: &'s [u8],
    /// The id of the rule that matched; None when none did.
    pub rule: Option<&'s [u8]>,
    /// Rule set and rule in one: `checkout/qa`, or `checkout/_default` when no rule matched.
    pub rule_path: &'s [u8],
    /// The variant the request belongs to.
    pub variant: &'s [u8],
    /// Why.
    pub reason: Reason,
    /// The identity's slot in the split, 0 to 99,999, for [`Reason::Split`] alone.
    pub slot: Option<u32>,
    /// The experiment of the split that chose.
    pub experiment: Option<&'s [u8]>,
    /// The header that carries the variant, lower case.
    pub variant_header: &'s [u8],
    /// Which counter this decision belongs to.
    pub series: SeriesKey,
    /// The value of [`owned::SWITCHES`](crate::owned::SWITCHES); None where the rule set has no switches. Those of several
    /// decisions about a request are [joined](crate::switches::joined).
    pub switches: Option<&'s [u8]>,
    pub(crate) set: Settings<'s>,
    pub(crate) header: &'s SectionHeader,
    /// The rule set, where it may set cookies.
    pub(crate) cookies_of: Option<Section<'s>>,
}

impl<'s> Decision<'s> {
    /// The headers to set whose values the decision alone knows, each once, names in lower case: the variant header first, then
    /// the experiment's where there are both, then the rule's own.
    pub fn set(&self) -> impl Iterator<Item = (&'s [u8], &'s [u8])> + use<'s> {
        let named = |experiment| Some((self.set.texts.optional(self.header.experiment_header)?, experiment));
        let experiment = self.experiment.and_then(named);
        std::iter::once((self.variant_header, self.variant)).chain(experiment).chain(self.set.iter())
    }

    /// The header to set to the time of the decision, in the form of [`timestamp`](crate::timestamp), by a clock that the
    /// decision does not have. None where there is no experiment, or the rule set does not hand the time on.
    pub fn evaluated_at_header(&self) -> Option<&'s [u8]> {
        self.experiment.and_then(|_| self.set.texts.optional(self.header.evaluated_at_header))
    }
}
