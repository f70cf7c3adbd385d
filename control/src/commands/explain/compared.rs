//! What an access log says was decided, beside what is explained.

use graylane_rules::{Decision, Snapshot};

use super::logged::Logged;
use crate::request::Request;

/// Lines that tell what the log does not tell of the request, and whether its decision is the explained one.
pub fn lines(logged: &Logged, request: &Request, missed: &[String], snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec![String::new(), "log".to_owned()];
    if missed.is_empty() {
        lines.push("  tells     ✓ everything that was asked".to_owned());
    } else {
        let missed = missed.join(", ");
        lines.push(format!("  uncertain   the log does not tell {missed}: taken as absent, though the rules asked"));
    }
    let explained = explained(snapshot, request);
    let both =
        explained.iter().filter_map(|(name, ours)| Some((*name, ours.as_str(), logged.decided.get(name)?.as_str())));
    let both: Vec<_> = both.collect();
    let other = |(name, ours, logged): &(&str, &str, &str)| {
        (ours != logged).then(|| format!("  compared  ✗ {name}: the log says {logged}, explained is {ours}"))
    };
    let different: Vec<_> = both.iter().filter_map(other).collect();
    let revision = logged.decided.get("revision").map(|revision| format!(", by revision {revision}"));
    let revision = revision.unwrap_or_default();
    match (both.len(), different.is_empty()) {
        (0, _) => lines.push("  compared    not: the log has no variant, rule and reason of Graylane's".to_owned()),
        (_, true) => lines.push(format!("  compared  ✓ the log says the same{revision}")),
        (_, false) => {
            lines.extend(different);
            let unknown = if missed.is_empty() { "" } else { " or what the log does not tell" };
            lines.push(format!("              other rules then{revision}{unknown} may be why"));
        }
    }
    lines
}

/// What Graylane's log would say: of several decisions, all, with commas between.
fn explained(snapshot: &Snapshot, request: &Request) -> Vec<(&'static str, String)> {
    let decisions: Vec<_> = snapshot.decide(request).collect();
    if decisions.is_empty() {
        return vec![("variant", String::new()), ("rule", String::new()), ("reason", "OUT_OF_SCOPE".to_owned())];
    }
    let joined = |part: fn(&Decision<'_>) -> Vec<u8>| {
        let parts: Vec<_> =
            decisions.iter().map(|decision| String::from_utf8_lossy(&part(decision)).into_owned()).collect();
        parts.join(",")
    };
    vec![
        ("variant", joined(|decision| decision.variant().to_vec())),
        ("rule", joined(|decision| decision.rule_path().to_vec())),
        ("reason", joined(|decision| decision.reason.name().as_bytes().to_vec())),
    ]
}
