//! What must hold between a decision and its explanation, whatever the rules and the request are.

use graylane_rules::{Attributes, Decision, Explanation, Reason, SeriesKey, Snapshot};

/// A decision without its borrow, to be compared.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The rule set that decided.
    pub rule_set: Vec<u8>,
    /// The rule that matched.
    pub rule: Option<Vec<u8>>,
    /// The variant.
    pub variant: Vec<u8>,
    /// Why.
    pub reason: Reason,
    /// The slot, for a split.
    pub slot: Option<u32>,
    /// The headers to set.
    pub set: Vec<(Vec<u8>, Vec<u8>)>,
    /// The switches.
    pub switches: Option<Vec<u8>>,
    series: SeriesKey,
}

impl From<Decision<'_>> for Outcome {
    fn from(decision: Decision<'_>) -> Self {
        Self {
            rule_set: decision.rule_set().to_vec(),
            rule: decision.rule().map(<[u8]>::to_vec),
            variant: decision.variant().to_vec(),
            reason: decision.reason,
            slot: decision.slot,
            set: decision.set().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
            switches: decision.switches().map(<[u8]>::to_vec),
            series: decision.series(),
        }
    }
}

/// Decides and explains `request` twice, panics where two of the four differ, and gives the decisions and the number of
/// lines the explanation took.
pub fn decide<A: Attributes>(snapshot: &Snapshot, request: &A) -> (Vec<Outcome>, usize) {
    let outcomes: Vec<Outcome> = snapshot.decide(request).map(Outcome::from).collect();
    let again: Vec<Outcome> = snapshot.decide(request).map(Outcome::from).collect();
    assert_eq!(outcomes, again, "one request, two decisions");
    // An index that passes rules by is damage that only whoever publishes looks for.
    let leads_to_all = snapshot.check_index().is_ok();
    let explanations: Vec<String> = snapshot.explain(request).iter().map(Explanation::to_string).collect();
    let mut rest = outcomes.iter();
    for explanation in &explanations {
        assert!(!explanation.contains(|letter: char| letter.is_control() && letter != '\n'), "{explanation:?}");
        let told = line(explanation, "  decision    ");
        if told.starts_with("none: ") {
            continue;
        }
        let outcome = rest.next().unwrap_or_else(|| panic!("explained, not decided:\n{explanation}"));
        let expected = format!("{} {}: ", shown(&outcome.variant), outcome.reason.name());
        assert!(told.starts_with(&expected), "decided {outcome:?}, explained:\n{explanation}");
        if leads_to_all {
            matches_the_rule_told(outcome, explanation);
        }
        has_what_its_reason_needs(outcome, explanation);
    }
    assert!(rest.next().is_none(), "decided, not explained: {outcomes:?}\n{explanations:?}");
    (outcomes, explanations.iter().map(|text| text.lines().count()).sum())
}

fn matches_the_rule_told(outcome: &Outcome, explanation: &str) {
    let matched = explanation.lines().rev().find_map(|line| line.strip_prefix("  rule      ✓ "));
    let matched = matched.map(|rule| rule.strip_suffix(" (every request)").unwrap_or(rule).to_owned());
    assert_eq!(matched, outcome.rule.as_deref().map(shown), "{explanation}");
}

fn has_what_its_reason_needs(outcome: &Outcome, explanation: &str) {
    let (split, slot) = (outcome.reason == Reason::Split, outcome.slot);
    assert_eq!(split, slot.is_some(), "{outcome:?}");
    assert!(
        slot.is_none_or(|slot| slot < 100_000 && explanation.contains(&format!(": slot {slot} of "))),
        "{explanation}"
    );
    assert_eq!(outcome.rule.is_none(), outcome.reason == Reason::Default, "{outcome:?}");
}

fn line<'e>(explanation: &'e str, start: &str) -> &'e str {
    let found = explanation.lines().find_map(|line| line.strip_prefix(start));
    found.unwrap_or_else(|| panic!("no line {start:?}:\n{explanation}"))
}

/// Bytes as an explanation shows them.
fn shown(bytes: &[u8]) -> String {
    let short = bytes.get(..120).unwrap_or(bytes);
    let mut text = String::new();
    for chunk in short.utf8_chunks() {
        text.extend(chunk.valid().escape_debug());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    if short.len() < bytes.len() {
        text.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    text
}
