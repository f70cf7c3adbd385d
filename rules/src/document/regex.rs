//! `regex`: an expression that is to match the whole value.

use super::{Operator, Regex, literals, names};
use crate::{
    automaton::PATTERN_LIMIT,
    report::{Path, Report},
    tree::{Node, quote},
};

/// The most bytes of expressions about Unicode in a namespace. A class of Unicode has hundreds of ranges, and without case
/// each of their letters is looked up: four bytes can take a millisecond.
const UNICODE_LIMIT: usize = 8 << 10;

/// Reads the expression. Whether its table is small enough is known when it is compiled, for all of a namespace together.
pub(super) fn operator(node: &Node, path: &Path<'_>, fold: bool, report: &mut Report) -> Option<Operator> {
    let pattern = names::string(node, path, report)?;
    if pattern.len() > PATTERN_LIMIT {
        let found = format!("{} bytes", pattern.len());
        let expected = format!("a regular expression of at most {PATTERN_LIMIT} bytes");
        report.error("bad-regex", path, node.span.clone(), found, expected);
        return None;
    }
    if is_late(pattern, report) {
        let expected = format!(
            "at most {UNICODE_LIMIT} bytes of expressions about Unicode in a namespace: they take long to read; (?u:…) is \
             seldom needed"
        );
        let found = format!("regular expressions about Unicode of {} bytes up to here", report.unicode);
        report.error("bad-regex", path, node.span.clone(), found, expected);
        return None;
    }
    if let Err(why) = read(pattern, fold) {
        let expected =
            "a regular expression in the syntax of Rust's regex crate, about bytes; what is about Unicode in (?u:…)";
        report.error("bad-regex", path, node.span.clone(), format!("{}: {why}", node.describe()), expected);
        return None;
    }
    if cfg!(feature = "advice") {
        warn_of_literals(pattern, node, path, report);
    }
    let (path, span) = (path.to_string(), node.span.clone());
    Some(Operator::Regex(Regex { pattern: pattern.to_owned(), fold, path, span }))
}

/// What is compared can be found by an index, takes no table, and is no riddle.
fn warn_of_literals(pattern: &str, node: &Node, path: &Path<'_>, report: &mut Report) {
    let texts: Vec<_> = literals::of(pattern).unwrap_or_default().iter().map(|text| quote(text)).collect();
    let expected = match texts.as_slice() {
        [] => return,
        [text] => format!("`exact: {text}`"),
        _ if texts.len() <= 10 => format!("`in: [{}]`", texts.join(", ")),
        _ => format!("`in` with these {} texts", texts.len()),
    };
    report.warning("needless-regex", path, node.span.clone(), node.describe(), expected);
}

/// Counts an expression that turns Unicode on; whether those up to here are too many to be read.
fn is_late(pattern: &str, report: &mut Report) -> bool {
    if cfg!(not(feature = "regex")) || !turns_unicode_on(pattern) {
        return false;
    }
    report.unicode = report.unicode.saturating_add(pattern.len());
    report.unicode > UNICODE_LIMIT
}

/// Whether an expression may have a `(?u`, `(?iu:` or the like. Some that have not are counted as well: `a?u`.
fn turns_unicode_on(pattern: &str) -> bool {
    let flags = |text: &str| text.chars().take_while(char::is_ascii_alphabetic).any(|flag| flag == 'u');
    pattern.split('?').skip(1).any(flags)
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
