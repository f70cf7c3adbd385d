//! `time`: from when on, and until when, a rule holds.

use super::{Fields, Match};
use crate::{
    report::{Path, Report},
    time,
    tree::{Node, Value},
};

/// Decodes a window of time: `after` belongs to it, `before` does not.
pub(super) fn decode(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Match> {
    let mut fields = Fields::open(node, path, report)?;
    let after = fields.optional("after").map(|node| point(node, &path.field("after"), report));
    let before = fields.optional("before").map(|node| point(node, &path.field("before"), report));
    fields.finish(report);
    if after.is_none() && before.is_none() {
        report.wrong("empty-range", path, node, "after, before or both");
        return None;
    }
    let (after, before) = (after.unwrap_or(Some(i64::MIN))?, before.unwrap_or(Some(i64::MAX))?);
    if after >= before {
        let found = format!("after {} and before {}", time::Words(after), time::Words(before));
        report.error("empty-range", path, node.span.clone(), found, "`before` later than `after`");
        return None;
    }
    Some(Match::Time { after, before })
}

fn point(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<i64> {
    // YAML readers that know of times take this one for the same.
    let point = match &node.value {
        Value::Text(text) | Value::Ambiguous(text) => time::parse(text),
        _ => None,
    };
    if point.is_none() {
        let expected = "a time of RFC 3339 with its offset, such as 2026-01-01T00:00:00Z or 2026-01-01T09:00:00+09:00";
        report.wrong("bad-time", path, node, expected);
    }
    point
}
