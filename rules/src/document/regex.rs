//! `regex`: an expression that is to match the whole value.

use super::{Operator, Regex, names};
use crate::{
    automaton::PATTERN_LIMIT,
    report::{Path, Report},
    tree::Node,
};

/// Reads the expression. Whether its table is small enough is known when it is compiled, for all of a namespace together.
pub(super) fn operator(node: &Node, path: &Path<'_>, fold: bool, report: &mut Report) -> Option<Operator> {
    let pattern = names::string(node, path, report)?;
    if pattern.len() > PATTERN_LIMIT {
        let found = format!("{} bytes", pattern.len());
        let expected = format!("a regular expression of at most {PATTERN_LIMIT} bytes");
        report.error("bad-regex", path, node.span.clone(), found, expected);
        return None;
    }
    if let Err(why) = read(pattern, fold) {
        let expected =
            "a regular expression in the syntax of Rust's regex crate, about bytes; what is about Unicode in (?u:…)";
        report.error("bad-regex", path, node.span.clone(), format!("{}: {why}", node.describe()), expected);
        return None;
    }
    let (path, span) = (path.to_string(), node.span.clone());
    Some(Operator::Regex(Regex { pattern: pattern.to_owned(), fold, path, span }))
}

#[cfg(feature = "regex")]
fn read(pattern: &str, fold: bool) -> Result<(), String> {
    crate::automaton::read(pattern, fold).map(drop)
}

/// Whoever compiled it has read it.
#[cfg(not(feature = "regex"))]
fn read(_pattern: &str, _fold: bool) -> Result<(), String> {
    Ok(())
}
