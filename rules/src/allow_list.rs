//! Which switches documents may have: a list that gives each a mode and a risk, for whoever lets rules in.

use std::collections::BTreeMap;

use crate::{Problem, Source, document, report::Report, tree};

/// A document of kind AllowList.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList {
    /// Its name.
    pub name: String,
    /// What is said of each gate, by its name.
    pub gates: BTreeMap<String, Gate>,
    /// The mode of a gate that is not listed. Left out in the document: [`Mode::Deny`].
    pub default: Mode,
    /// The highest risk that may pass.
    pub max_risk: Option<Risk>,
}

/// What is said of one gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// What becomes of it.
    pub mode: Mode,
    /// What it may do where it is open.
    pub risk: Risk,
    /// Why, in the operator's words.
    pub reason: Option<String>,
}

/// What becomes of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It passes.
    Allow,
    /// It passes and is told.
    Audit,
    /// It is refused.
    Deny,
}

/// How much harm a gate may do, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

/// What an allow-list says of one gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'l> {
    /// It passes.
    Allowed,
    /// It passes and is told; without a gate where it is not listed.
    Audited(Option<&'l Gate>),
    /// Its mode is [`Mode::Deny`].
    Denied(&'l Gate),
    /// It is not listed, and what is not is refused.
    Unlisted,
    /// Its risk is higher than this bound.
    TooRisky(&'l Gate, Risk),
    /// There is a bound, and it is not listed: nobody said what it risks.
    RiskUnknown(Risk),
}

impl AllowList {
    /// Reads one.
    ///
    /// # Errors
    /// Every problem of the document, each with its place.
    pub fn read(source: &Source<'_>) -> Result<Self, Vec<Problem>> {
        let mut report = Report::default();
        let tree = tree::read(source.format, source.text, &mut report);
        let list = tree.and_then(|tree| document::allow_list(&tree, &mut report));
        match list.filter(|_| !report.has_errors()) {
            Some(list) => Ok(list),
            None => Err(report.into_problems()),
        }
    }

    /// What becomes of the gate of this name. The lower of `max_risk` and the list's own bound counts.
    pub fn verdict(&self, name: &str, max_risk: Option<Risk>) -> Verdict<'_> {
        let bound = self.max_risk.into_iter().chain(max_risk).min();
        match (self.gates.get(name), bound) {
            (Some(gate), _) if gate.mode == Mode::Deny => Verdict::Denied(gate),
            (Some(gate), Some(bound)) if gate.risk > bound => Verdict::TooRisky(gate, bound),
            (Some(gate), _) if gate.mode == Mode::Audit => Verdict::Audited(Some(gate)),
            (Some(_), _) => Verdict::Allowed,
            (None, _) if self.default == Mode::Deny => Verdict::Unlisted,
            (None, Some(bound)) => Verdict::RiskUnknown(bound),
            (None, None) if self.default == Mode::Audit => Verdict::Audited(None),
            (None, None) => Verdict::Allowed,
        }
    }
}

impl Mode {
    /// All of them, the most permissive first.
    pub const ALL: [Mode; 3] = [Mode::Allow, Mode::Audit, Mode::Deny];

    /// The word for it in documents.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Allow => "allow",
            Mode::Audit => "audit",
            Mode::Deny => "deny",
        }
    }
}

impl Risk {
    /// All of them, ascending.
    pub const ALL: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

    /// The word for it in documents.
    pub fn name(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Critical => "critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    fn read(spec: &str) -> AllowList {
        let text = format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "AllowList", "metadata": {{"name": "prod"}}, "spec": {spec}}}"#
        );
        AllowList::read(&Source { format: Format::Json, text: text.as_bytes() }).unwrap()
    }

    /// One word for each verdict about the gates of these names.
    fn verdicts(list: &AllowList, max_risk: Option<Risk>) -> Vec<&'static str> {
        let word = |name| match list.verdict(name, max_risk) {
            Verdict::Allowed => "allowed",
            Verdict::Audited(Some(_)) => "audited",
            Verdict::Audited(None) => "audited, unlisted",
            Verdict::Denied(_) => "denied",
            Verdict::Unlisted => "unlisted",
            Verdict::TooRisky(_, Risk::Low) => "above low",
            Verdict::TooRisky(_, Risk::Medium) => "above medium",
            Verdict::TooRisky(..) => "above more",
            Verdict::RiskUnknown(_) => "risk unknown",
        };
        ["good", "odd", "bad", "grave", "other"].map(word).to_vec()
    }

    const GATES: &str = r#""gates": {"good": {"mode": "allow", "risk": "low"}, "odd": {"mode": "audit", "risk": "medium"},
        "bad": {"mode": "deny", "risk": "low", "reason": "it is"}, "grave": {"mode": "allow", "risk": "critical"}}"#;

    #[test]
    fn what_is_not_listed_is_refused_unless_the_list_says_otherwise() {
        let list = read(&format!("{{{GATES}}}"));
        assert_eq!((list.default, list.max_risk, list.name.as_str()), (Mode::Deny, None, "prod"));
        assert_eq!(verdicts(&list, None), ["allowed", "audited", "denied", "allowed", "unlisted"]);
        for (default, other) in [("deny", "unlisted"), ("audit", "audited, unlisted"), ("allow", "allowed")] {
            let list = read(&format!(r#"{{{GATES}, "default": "{default}"}}"#));
            assert_eq!(verdicts(&list, None), ["allowed", "audited", "denied", "allowed", other]);
        }
    }

    #[test]
    fn the_lower_bound_of_risk_counts_and_what_nobody_rated_is_above_any() {
        let list = read(&format!(r#"{{{GATES}, "default": "allow", "maxRisk": "medium"}}"#));
        let bounded = ["allowed", "audited", "denied", "above medium", "risk unknown"];
        assert_eq!(verdicts(&list, None), bounded);
        assert_eq!(verdicts(&list, Some(Risk::Critical)), bounded);
        let low = ["allowed", "above low", "denied", "above low", "risk unknown"];
        assert_eq!(verdicts(&list, Some(Risk::Low)), low);
        let unbounded = read(&format!(r#"{{{GATES}, "default": "allow"}}"#));
        assert_eq!(verdicts(&unbounded, Some(Risk::Low)), low);
        assert_eq!(verdicts(&unbounded, Some(Risk::Critical))[3], "allowed");
    }
}
