//! The one pass over a snapshot before it is used: every bound, every reference, every jump.
//!
//! Structure is safety, not integrity: a digest over the bytes is checked by whoever brought them.

use super::{
    Unusable,
    records::{
        FAILED, Header, MATCHED, Rule, Scope, SectionExtent, Setting, Test, Text, Variant, flag, host, kind, operator,
        then,
    },
    section::{Section, slice},
};
use crate::{allocation::RANGES_LIMIT, owned, slot::SLOTS};

fn unusable(what: &str) -> Unusable {
    Unusable(format!("found {what}, expected a snapshot of format 1 without damage"))
}

fn demand(holds: bool, what: &str) -> Result<(), Unusable> {
    if holds { Ok(()) } else { Err(unusable(what)) }
}

/// Checks the tables of the namespace.
pub(super) fn namespace(root: &super::Root<'_>, header: &Header, length: usize) -> Result<(), Unusable> {
    demand(header.length.get() as usize == length, "another length than the header says")?;
    for output in root.outputs {
        text(root.text, output.header, "a variant header out of bounds")?;
        let scopes = slice(root.scopes, output.first_scope.get(), output.scopes.get());
        demand(scopes.is_some(), "scopes out of bounds")?;
    }
    root.scopes.iter().try_for_each(|scope| check_scope(root, scope))
}

fn check_scope(root: &super::Root<'_>, scope: &Scope) -> Result<(), Unusable> {
    demand(matches!(scope.host_kind, host::ANY | host::EXACT | host::LABELS), "an unknown kind of host")?;
    text(root.text, scope.host, "a host out of bounds")?;
    text(root.text, scope.path_prefix, "a path prefix out of bounds")?;
    demand((scope.section.get() as usize) < root.sections.len(), "a scope of no rule set")
}

/// Opens and checks one section.
pub(super) fn section(number: u32, bytes: &[u8], extent: SectionExtent) -> Result<(), Unusable> {
    let bytes = slice(bytes, extent.offset.get(), extent.length.get());
    let section =
        bytes.and_then(|bytes| Section::open(number, bytes)).ok_or_else(|| unusable("a table out of bounds"))?;
    check_texts(&section)?;
    check_headers(&section)?;
    for attribute in section.identity.iter().chain(section.attributes) {
        demand(attribute.kind <= kind::IDENTITY, "an unknown attribute")?;
    }
    let identity = section.identity.iter();
    demand(identity.clone().all(|source| source.kind <= kind::COOKIE), "an identity that is no header or cookie")?;
    demand((section.header.default_variant.get() as usize) < section.variants.len(), "a default out of bounds")?;
    section.rules.iter().try_for_each(|rule| check_rule(&section, rule))?;
    section.splits.iter().try_for_each(|split| {
        let ranges = slice(section.ranges, split.first_range.get(), split.ranges.get());
        check_ranges(ranges.unwrap_or_default(), section.variants.len())
    })
}

fn check_texts(section: &Section<'_>) -> Result<(), Unusable> {
    let header = section.header;
    let singles = [header.name, header.variant_header, header.default_path];
    let all = singles
        .into_iter()
        .chain(section.variants.iter().map(|variant| variant.name))
        .chain(section.identity.iter().map(|attribute| attribute.name))
        .chain(section.attributes.iter().map(|attribute| attribute.name))
        .chain(section.rules.iter().map(|rule| rule.path))
        .chain(section.values.iter().map(|value| value.text))
        .chain(section.splits.iter().flat_map(|split| [split.name, split.experiment]))
        .chain(section.settings.iter().flat_map(|setting| [setting.name, setting.value]));
    for one in all {
        text(section.text, one, "a text out of bounds")?;
    }
    Ok(())
}

/// What would turn into an invalid request is refused here too: Envoy answers it with 503.
fn check_headers(section: &Section<'_>) -> Result<(), Unusable> {
    let name = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|name| owned::check(name).is_ok());
    let value = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|value| owned::check_value(value).is_ok());
    demand(name(section.text(section.header.variant_header)), "a variant header that may not be set")?;
    let sound = |variant: &Variant| value(section.text(variant.name));
    demand(section.variants.iter().all(sound), "a variant that is no header value")?;
    let sound = |setting: &Setting| name(section.text(setting.name)) && value(section.text(setting.value));
    demand(section.settings.iter().all(sound), "a header that may not be set, or not to that value")
}

fn text(container: &[u8], text: Text, what: &str) -> Result<(), Unusable> {
    demand(slice(container, text.offset.get(), text.length.get()).is_some(), what)
}

fn check_rule(section: &Section<'_>, rule: &Rule) -> Result<(), Unusable> {
    let exists = match rule.then_kind.get() {
        then::VARIANT => usize::from(rule.then.get()) < section.variants.len(),
        then::SPLIT => usize::from(rule.then.get()) < section.splits.len(),
        _ => false,
    };
    demand(exists, "a rule that decides nothing")?;
    demand(slice(section.settings, rule.first_setting.get(), rule.settings.get()).is_some(), "settings out of bounds")?;
    let first = rule.first_test.get();
    let tests = slice(section.tests, first, rule.tests.get()).ok_or_else(|| unusable("tests out of bounds"))?;
    let end = first.saturating_add(rule.tests.get());
    for (test, number) in tests.iter().zip(first..) {
        // Only forward: so a walk ends, whatever the bytes are.
        let forward = |to: u32| matches!(to, MATCHED | FAILED) || (number < to && to < end);
        demand(forward(test.on_true.get()) && forward(test.on_false.get()), "a jump that is not forward")?;
        check_test(section, test)?;
    }
    Ok(())
}

fn check_test(section: &Section<'_>, test: &Test) -> Result<(), Unusable> {
    let (a, b) = (u32::try_from(test.a.get()), u32::try_from(test.b.get()));
    let operand = match test.operator {
        operator::PRESENT | operator::RANGE | operator::PERCENT => true,
        operator::EXACT | operator::PREFIX | operator::SUFFIX | operator::CONTAINS => {
            matches!((a, b), (Ok(offset), Ok(length)) if slice(section.text, offset, length).is_some())
        }
        operator::IN => matches!((a, b), (Ok(first), Ok(count)) if slice(section.values, first, count).is_some()),
        _ => false,
    };
    demand(operand, "an unknown operator or an operand out of bounds")?;
    demand(test.flags & !(flag::FOLD | flag::NEGATED) == 0, "an unknown flag")?;
    demand((test.attribute.get() as usize) < section.attributes.len(), "an attribute out of bounds")
}

fn check_ranges(ranges: &[super::records::Range], variants: usize) -> Result<(), Unusable> {
    demand((1..=RANGES_LIMIT).contains(&ranges.len()), "a split with no range, or too many")?;
    demand(ranges.first().is_some_and(|range| range.from.get() == 0), "a split that does not begin at slot 0")?;
    let sorted = ranges.windows(2).all(|pair| match pair {
        [one, next] => one.from.get() < next.from.get(),
        _ => true,
    });
    demand(sorted, "ranges out of order")?;
    let inside =
        |range: &super::records::Range| range.from.get() < SLOTS && usize::from(range.variant.get()) < variants;
    demand(ranges.iter().all(inside), "a range beyond the slots or the variants")
}
