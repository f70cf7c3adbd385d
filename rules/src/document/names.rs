//! Texts, identifiers and header names.

use std::ops::Range;

use crate::{
    owned,
    report::{Path, Report, listed},
    tree::{Node, Value, quote},
};

/// An identifier and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// The longest identifier, in bytes.
pub(crate) const ID_LIMIT: usize = 63;

const ID: &str = "an id: 1 to 63 of a-z, 0-9, '-' and '_', a letter or digit first";

/// The text of a node that is one.
pub(crate) fn text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A string, perhaps empty.
pub(super) fn string<'n>(node: &'n Node, path: &Path<'_>, report: &mut Report) -> Option<&'n str> {
    let found = text(node);
    if found.is_none() {
        let expected = match node.value {
            Value::Number(_) | Value::Bool(_) | Value::Ambiguous(_) => "a string: put it in quotes",
            _ => "a string",
        };
        report.wrong("wrong-type", path, node, expected);
    }
    found
}

/// A string with something in it.
pub(super) fn non_empty<'n>(node: &'n Node, path: &Path<'_>, report: &mut Report) -> Option<&'n str> {
    let found = string(node, path, report)?;
    if found.is_empty() {
        report.wrong("empty-text", path, node, "a string that is not empty");
        return None;
    }
    Some(found)
}

/// Whether `text` is `[a-z0-9][a-z0-9_-]{0,62}`.
pub(super) fn is_id(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= ID_LIMIT
        && text.bytes().next().is_some_and(letter)
        && text.bytes().all(|byte| letter(byte) || byte == b'_' || byte == b'-')
}

/// An identifier.
pub(super) fn id(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Name> {
    let text = string(node, path, report)?;
    if !is_id(text) {
        report.wrong("bad-id", path, node, ID);
        return None;
    }
    Some(Name { text: text.to_owned(), span: node.span.clone() })
}

/// Reports a key of a map that is no identifier.
pub(super) fn check_key(key: &str, span: &Range<usize>, path: &Path<'_>, report: &mut Report) {
    if !is_id(key) {
        report.error("bad-id", path, span.clone(), quote(key), ID);
    }
}

/// The name of a header to ask about, in lower case.
pub(super) fn header_name(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let name = string(node, path, report)?.to_ascii_lowercase();
    let expected = match name.as_str() {
        "host" | ":authority" => "a match on `host` instead: proxies hand the host over apart from the headers",
        ":path" => "a match on `path` or `query` instead",
        ":method" => "a match on `method` instead",
        token if is_token(token) => return Some(name),
        _ => "a header name: 1 to 256 letters, digits and any of !#$%&'*+-.^_`|~",
    };
    report.wrong("bad-header-name", path, node, expected);
    None
}

fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=256).contains(&text.len()) && text.bytes().all(token)
}

/// The name of a header to set.
pub(super) fn settable(text: &str, span: &Range<usize>, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let name = text.to_ascii_lowercase();
    match owned::check(&name) {
        Ok(()) => Some(name),
        Err(expected) => {
            report.error("forbidden-header", path, span.clone(), quote(text), expected);
            None
        }
    }
}

/// The place of the variant a node names.
pub(super) fn variant(node: &Node, path: &Path<'_>, variants: &[String], report: &mut Report) -> Option<usize> {
    let name = string(node, path, report)?;
    let place = variants.iter().position(|variant| variant == name);
    // Without any variant that was said already.
    if place.is_none() && !variants.is_empty() {
        let expected = unknown_variant(name, variants, report);
        report.wrong("unknown-variant", path, node, expected);
    }
    place
}

/// What would be right where `found` is no variant.
pub(super) fn unknown_variant(found: &str, variants: &[String], report: &mut Report) -> String {
    let expected = format!("one of spec.variants: {}", listed(variants.iter()));
    report.or_meant(expected, found, variants.iter().map(String::as_str))
}
