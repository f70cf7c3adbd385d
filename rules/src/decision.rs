//! The outcome for one request.

use crate::snapshot::{
    records::{Rule, Split, then},
    section::Section,
};

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
    /// The request came with the variant, from somebody whom the rule set trusts; no rule was asked.
    Inherited,
    /// The rule set is switched off: the default variant.
    Disabled,
}

impl Reason {
    /// The name that logs and answers carry: `TARGETING_MATCH`.
    pub fn name(self) -> &'static str {
        match self {
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Default => "DEFAULT",
            Reason::NoIdentity => "NO_IDENTITY",
            Reason::Inherited => "INHERITED",
            Reason::Disabled => "DISABLED",
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

/// The outcome for one request and one variant header. Borrows from the snapshot, and reads there only what is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'s> {
    /// Why.
    pub reason: Reason,
    /// The identity's slot in the split, 0 to 99,999, for [`Reason::Split`] alone.
    pub slot: Option<u32>,
    pub(crate) section: &'s Section<'s>,
    /// The rule that matched, and its number.
    pub(crate) matched: Option<(u32, &'s Rule)>,
    /// The number of the variant.
    pub(crate) place: u16,
}

impl<'s> Decision<'s> {
    /// The name of the rule set whose scope was the most specific.
    pub fn rule_set(&self) -> &'s [u8] {
        self.section.text(self.section.header.name)
    }

    /// The id of the rule that matched; None when none did, or none was asked.
    #[inline]
    pub fn rule(&self) -> Option<&'s [u8]> {
        self.matched.map(|(_, rule)| self.section.rule_id(rule))
    }

    /// Rule set and rule in one: `checkout/qa`, or `checkout/_default` when no rule matched, `checkout/_inherited` when none
    /// was asked, `checkout/_off` when there was none to ask because the rule set is switched off.
    #[inline]
    pub fn rule_path(&self) -> &'s [u8] {
        let header = self.section.header;
        let without = || if self.reason == Reason::Inherited { header.inherited_path } else { header.default_path };
        self.section.text(self.matched.map_or_else(without, |(_, rule)| rule.path))
    }

    /// The variant the request belongs to.
    #[inline]
    pub fn variant(&self) -> &'s [u8] {
        self.section.variant(self.place)
    }

    /// The header that carries the variant, lower case.
    #[inline]
    pub fn variant_header(&self) -> &'s [u8] {
        self.section.text(self.section.header.variant_header)
    }

    /// The experiment of the split that chose.
    #[inline]
    pub fn experiment(&self) -> Option<&'s [u8]> {
        // Without an identity a split chooses nothing.
        let split = self.slot.and_then(|_| split_of(self.section, self.matched?.1));
        split.and_then(|split| self.section.texts.optional(split.experiment))
    }

    /// Which counter this decision belongs to.
    #[inline]
    pub fn series(&self) -> SeriesKey {
        let without = || if self.reason == Reason::Inherited { u32::MAX - 1 } else { u32::MAX };
        let rule = self.matched.map_or_else(without, |(number, _)| number);
        SeriesKey { rule_set: self.section.number, rule, variant: self.place }
    }

    /// The value of [`owned::SWITCHES`](crate::owned::SWITCHES); None where the rule set has no switches. Those of several
    /// decisions about a request are [joined](crate::switches::joined).
    #[inline]
    pub fn switches(&self) -> Option<&'s [u8]> {
        self.section.dictionary(self.place)
    }

    /// The headers to set whose values the decision alone knows, each once, names in lower case: the variant header first, then
    /// the experiment's where there are both, then the rule's own.
    #[inline]
    pub fn set(&self) -> impl Iterator<Item = (&'s [u8], &'s [u8])> + use<'s> {
        let section = self.section;
        let experiment = self.experiment().and_then(|experiment| Some((section.experiment_header()?, experiment)));
        let settings = self.matched.map(|(number, _)| section.settings(number)).unwrap_or_default();
        let settings = settings.iter().map(|setting| (section.text(setting.name), section.text(setting.value)));
        std::iter::once((self.variant_header(), self.variant())).chain(experiment).chain(settings)
    }

    /// The header to set to the time of the decision, in the form of [`timestamp`](crate::timestamp), by a clock that the
    /// decision does not have. None where there is no experiment, or the rule set does not hand the time on.
    #[inline]
    pub fn evaluated_at_header(&self) -> Option<&'s [u8]> {
        self.experiment().and_then(|_| self.section.evaluated_at_header())
    }
}

/// The split of a rule; None where the rule names a variant.
#[inline]
pub(crate) fn split_of<'s>(section: &Section<'s>, rule: &Rule) -> Option<&'s Split> {
    (rule.then_kind.get() == then::SPLIT).then(|| section.splits().get(usize::from(rule.then.get()))).flatten()
}
