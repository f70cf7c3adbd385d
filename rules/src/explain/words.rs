//! Records of a snapshot as a person would say them.

use std::fmt;

use crate::{
    Attributes, network,
    request::{Asked, Known, claim},
    slot::{SLOTS, slot},
    snapshot::{
        Root,
        records::{Attribute, Comparison, Scope, Test, flag, host, kind, operator, relation},
        section::Section,
    },
    time,
};

/// Bytes as text: what is not UTF-8 and what a terminal would act on is escaped, long ones are cut.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 120;
        let short = self.0.get(..MOST).unwrap_or(self.0);
        for chunk in short.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        if short.len() < self.0.len() { write!(f, "… ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}

/// `host *.example.com, path /checkout`.
pub(super) fn scope_in_words(root: &Root<'_>, scope: &Scope) -> String {
    let name = Shown(root.text(scope.host));
    let host = match scope.host_kind {
        host::ANY => "any host".to_owned(),
        host::EXACT => format!("host {name}"),
        _ => format!("host *{name}"),
    };
    match root.text(scope.path_prefix) {
        b"" => format!("{host}, any path"),
        prefix => format!("{host}, path {}", Shown(prefix)),
    }
}

/// `not header x-env: exact "gray"`.
pub(super) fn test_in_words(section: &Section<'_>, test: &Test) -> String {
    let not = if test.flags & flag::NEGATED != 0 { "not " } else { "" };
    if test.operator == operator::PERCENT {
        let (_, slots) = section.percent(test);
        return format!("{not}percent: slots {} to {} of {SLOTS}", slots.start, slots.end);
    }
    if test.operator == operator::AUDIENCE {
        return format!("{not}audience {}", Shown(section.audience_name(test)));
    }
    if test.operator == operator::WINDOW {
        return format!("{not}time: {}", window(section.bounds(test)));
    }
    let fold =
        if test.flags & flag::FOLD != 0 && attribute_kind(section, test) != kind::HOST { ", ignoreCase" } else { "" };
    format!("{not}{}: {}{fold}", attribute_in_words(section, test), question(section, test))
}

fn attribute_of<'s>(section: &Section<'s>, test: &Test) -> Option<&'s Attribute> {
    section.attributes().get(usize::from(test.attribute.get()))
}

fn attribute_kind(section: &Section<'_>, test: &Test) -> u8 {
    attribute_of(section, test).map_or(u8::MAX, |attribute| attribute.kind)
}

fn attribute_in_words(section: &Section<'_>, test: &Test) -> String {
    attribute_of(section, test).map(|asked| attribute(section, asked)).unwrap_or_default()
}

/// `header x-env`.
pub(super) fn attribute(section: &Section<'_>, attribute: &Attribute) -> String {
    let name = Shown(section.text(attribute.name));
    match attribute.kind {
        kind::HEADER => format!("header {name}"),
        kind::COOKIE => format!("cookie {name}"),
        kind::QUERY => format!("query {name}"),
        kind::PATH => "path".to_owned(),
        kind::METHOD => "method".to_owned(),
        kind::HOST => "host".to_owned(),
        kind::LABEL => format!("label {name}"),
        kind::SOURCE => "source".to_owned(),
        kind::JWT_CLAIM => claim_in_words(section.text(attribute.name)),
        _ => "identity".to_owned(),
    }
}

fn question(section: &Section<'_>, test: &Test) -> String {
    let operand = || Shown(section.operand(test)).to_string();
    match test.operator {
        operator::PRESENT => "present".to_owned(),
        operator::EXACT => format!("exact \"{}\"", operand()),
        operator::PREFIX => format!("prefix \"{}\"", operand()),
        operator::SUFFIX => format!("suffix \"{}\"", operand()),
        operator::CONTAINS => format!("contains \"{}\"", operand()),
        operator::IN => one_of(section, test),
        operator::SEMVER => versions(section, test),
        operator::REGEX => format!("regex \"{}\"", Shown(section.pattern(test))),
        operator::CIDR => format!("cidr {}", networks(section.operand(test))),
        _ => range(section.bounds(test)),
    }
}

fn claim_in_words(name: &[u8]) -> String {
    let (header, names) = claim(name);
    let names: Vec<_> = names.map(|name| Shown(name).to_string()).collect();
    format!("jwtClaim {} of header {}", names.join(" / "), Shown(header))
}

fn window((after, before): (i64, i64)) -> String {
    let (from, until) = (time::Words(after), time::Words(before));
    match (after, before) {
        (i64::MIN, _) => format!("before {until}"),
        (_, i64::MAX) => format!("after {from}"),
        _ => format!("after {from}, before {until}"),
    }
}

/// `[10.0.0.0/8, 192.0.2.7/32]`, of ranges as a snapshot keeps them.
pub(super) fn networks(ranges: &[u8]) -> String {
    const MOST: usize = 5;
    let ranges = network::ranges(ranges);
    let more = ranges.len().saturating_sub(MOST);
    let shown: Vec<_> = ranges.take(MOST).map(|range| network::Words(range).to_string()).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("[{}]{more}", shown.join(", "))
}

fn one_of(section: &Section<'_>, test: &Test) -> String {
    const MOST: usize = 5;
    let operands = section.operands(test);
    let shown: Vec<String> =
        operands.iter().take(MOST).map(|value| format!("\"{}\"", Shown(section.text(value.text)))).collect();
    let more = operands.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("in [{}]{more}", shown.join(", "))
}

/// The comparisons a range came to: `semver ">=1.2.0 <2.0.0-0"` for `^1.2`.
fn versions(section: &Section<'_>, test: &Test) -> String {
    let alternatives = section.comparisons(test).split_inclusive(|one| one.last == 1);
    let all = |all: &[Comparison]| all.iter().map(|one| comparison(section, one)).collect::<Vec<_>>().join(" ");
    let range = alternatives.map(all).collect::<Vec<_>>().join(" || ");
    let prereleases = if test.flags & flag::PRERELEASES != 0 { ", includePrerelease" } else { "" };
    format!("semver \"{range}\"{prereleases}")
}

fn comparison(section: &Section<'_>, comparison: &Comparison) -> String {
    let sign = match comparison.relation {
        relation::LESS => "<",
        relation::UP_TO => "<=",
        relation::GREATER => ">",
        relation::FROM => ">=",
        relation::EQUAL => "",
        _ => return "*".to_owned(),
    };
    let [major, minor, patch] = comparison.numbers();
    let hyphen = if comparison.prerelease.length.get() > 0 { "-" } else { "" };
    format!("{sign}{major}.{minor}.{patch}{hyphen}{}", Shown(section.text(comparison.prerelease)))
}

fn range((from, to): (i64, i64)) -> String {
    match (from, to) {
        (i64::MIN, to) => format!("range up to {to}"),
        (from, i64::MAX) => format!("range from {from}"),
        (from, to) => format!("range {from} to {to}"),
    }
}

/// What the request has where a test looked.
pub(super) fn what_was_found<'s, A: Attributes>(
    section: &Section<'s>,
    test: &Test,
    asked: &Asked<'s, A>,
    known: &Known<'s>,
) -> String {
    if test.operator == operator::PERCENT {
        let slot = asked.identity(section, known).map(|identity| slot(identity, section.percent(test).0));
        return slot.map_or("no identity".to_owned(), |slot| format!("slot {slot}"));
    }
    if test.operator == operator::AUDIENCE {
        return match asked.identity(section, known) {
            None => "no identity".to_owned(),
            Some(_) if asked.is_in_audience(section, known, test.a.get()) => "a member".to_owned(),
            Some(_) => "not a member".to_owned(),
        };
    }
    if test.operator == operator::WINDOW {
        return asked.now().map_or("no clock".to_owned(), |now| format!("it is {}", time::Words(now)));
    }
    let mut found = Vec::new();
    if let Some(attribute) = section.asks.attribute(test.attribute.get()) {
        asked.any(section, attribute, known, |value| {
            found.push(format!("\"{}\"", Shown(value)));
            false
        });
    }
    match found.as_slice() {
        [] => "absent".to_owned(),
        values => format!("found {}", values.join(", ")),
    }
}
