//! The cookies that a rule set may set: `issueCookie` and `sticky`.

use super::{Fields, fields, names};
use crate::{
    report::{Path, Report},
    tree::{Node, Value},
};

/// A cookie to set, and how long it is kept, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) max_age: u32,
}

/// The longest name of a cookie to set, in bytes.
const NAME_LIMIT: usize = 64;

/// The longest that browsers keep a cookie: 400 days, in seconds.
pub(crate) const MAX_AGE_LIMIT: u32 = 400 * 86_400;

/// How long a cookie is kept where nobody says: 30 days, in seconds.
const MAX_AGE: u32 = 30 * 86_400;

/// The cookie of `sticky` where nobody names one.
const FIRST_SEEN: &str = "gl_first";

/// Whether a cookie of this name may be set (RFC 6265).
pub(crate) fn is_name(name: &[u8]) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (1..=NAME_LIMIT).contains(&name.len()) && name.iter().all(token)
}

/// `{name: gl_id, maxAge: 30d}`.
pub(super) fn issued(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Cookie> {
    let mut fields = Fields::open(node, path, report)?;
    let name = fields.required("name", report);
    let age = fields.optional("maxAge");
    fields.finish(report);
    let max_age = max_age(age, path, report);
    Some(Cookie { name: cookie_name(name?, &path.field("name"), report)?, max_age: max_age? })
}

/// `firstSeen`, or `{firstSeen: {cookie: gl_first, maxAge: 30d}}`.
pub(super) fn sticky(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Cookie> {
    if names::text(node) == Some("firstSeen") {
        return Some(Cookie { name: FIRST_SEEN.to_owned(), max_age: MAX_AGE });
    }
    if !matches!(node.value, Value::Map(_)) {
        let expected = "firstSeen, or {firstSeen: {cookie: gl_first, maxAge: 30d}}".to_owned();
        let expected = report.or_meant(expected, names::text(node).unwrap_or_default(), ["firstSeen"].into_iter());
        report.wrong("bad-sticky", path, node, expected);
        return None;
    }
    let mut fields = Fields::open(node, path, report)?;
    let first_seen = fields.required("firstSeen", report);
    fields.finish(report);
    let path = path.field("firstSeen");
    let mut fields = Fields::open(first_seen?, &path, report)?;
    let name = fields.optional("cookie");
    let age = fields.optional("maxAge");
    fields.finish(report);
    let max_age = max_age(age, &path, report);
    let name = match name {
        Some(name) => cookie_name(name, &path.field("cookie"), report)?,
        None => FIRST_SEEN.to_owned(),
    };
    Some(Cookie { name, max_age: max_age? })
}

fn cookie_name(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let name = names::string(node, path, report)?;
    if !is_name(name.as_bytes()) {
        let expected = "the name of a cookie: 1 to 64 letters, digits and any of !#$%&'*+-.^_`|~";
        report.wrong("bad-cookie-name", path, node, expected);
        return None;
    }
    Some(name.to_owned())
}

fn max_age(node: Option<&Node>, path: &Path<'_>, report: &mut Report) -> Option<u32> {
    let Some(node) = node else { return Some(MAX_AGE) };
    let seconds = names::text(node).and_then(seconds).filter(|seconds| (1..=MAX_AGE_LIMIT).contains(seconds));
    if seconds.is_none() {
        report.wrong("bad-duration", &path.field("maxAge"), node, "from 1s to 400d, such as 30d, 12h, 90m or 45s");
    }
    seconds
}

/// A whole number of seconds, minutes, hours or days.
fn seconds(text: &str) -> Option<u32> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse::<u32>().ok().filter(|_| plain)?.checked_mul(unit)
}

/// The fields of `identity`: what is found by which sources, and the two cookies.
pub(super) fn check(
    sources: &[super::IdentitySource],
    sticky: Option<&Cookie>,
    node: &Node,
    path: &Path<'_>,
    report: &mut Report,
) {
    let Some(entries) = fields::entries(node, path, report) else { return };
    let span = |name: &str| entries.iter().find(|entry| entry.key == name).map(|entry| entry.node.span.clone());
    let issued = sources.iter().position(|source| matches!(source, super::IdentitySource::Issue(_)));
    let last = sources.len().saturating_sub(1);
    if let (Some(place), Some(span)) = (issued.filter(|place| *place < last), span("from")) {
        let path = path.field("from");
        let found = "a source behind issueCookie, which always yields a value where somebody looks at a page";
        report.error(
            "unreachable-source",
            &path.item(place.saturating_add(1)),
            span,
            found,
            "issueCookie last, and once",
        );
    }
    let reads = |name: &str| sources.iter().any(|source| source.cookie() == Some(name));
    if let (Some(cookie), Some(span)) = (sticky.filter(|cookie| reads(&cookie.name)), span("sticky")) {
        let found = format!("the cookie {}, which is a source of identities as well", crate::tree::quote(&cookie.name));
        report.error("bad-sticky", &path.field("sticky"), span, found, "a cookie of its own");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_numbers_of_one_unit() {
        for (text, found) in [
            ("30d", Some(2_592_000)),
            ("1s", Some(1)),
            ("90m", Some(5_400)),
            ("12h", Some(43_200)),
            ("0s", None),
            ("01d", None),
            ("d", None),
            ("", None),
            ("1w", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("99999999999d", None),
            ("99999d", None),
            ("1é", None),
        ] {
            assert_eq!(seconds(text), found, "{text}");
        }
    }
}
