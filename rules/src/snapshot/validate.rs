//! The one pass over a snapshot before it is used: every bound, every reference, every jump, and that
//! nothing is counted twice.
//!
//! Structure is safety, not integrity: a digest over the bytes is checked by whoever brought them.

mod index;
mod section;
mod switches;

use crate::document::{HOST_LIMIT, PREFIX_LIMIT};

use super::{
    Opened, Root, Unusable,
    records::{Output, Scope, Text, host},
    scope_order::are_in_order,
    tables::slice,
};

pub(super) use section::section;

#[cfg(test)]
mod tests;

fn unusable(what: &str) -> Unusable {
    Unusable(format!("found {what}, expected a snapshot without damage"))
}

fn demand(holds: bool, what: &str) -> Result<(), Unusable> {
    if holds { Ok(()) } else { Err(unusable(what)) }
}

/// Parts of one table that follow each other. Where they may not overlap, a pass over all of them is a
/// pass over the table, however many parts the bytes claim there are.
#[derive(Default)]
struct Parts {
    end: u32,
}

impl Parts {
    /// Whether a part begins behind the one before; an empty one stands nowhere.
    fn follows(&mut self, first: u32, count: u32) -> bool {
        let behind = count == 0 || first >= self.end;
        if count > 0 {
            self.end = first.saturating_add(count);
        }
        behind
    }
}

/// Checks the tables of the namespace.
pub(super) fn namespace(root: &Root<'_>, length: usize) -> Result<(), Unusable> {
    demand(root.header.length.get() as usize == length, "another length than the header says")?;
    let mut parts = Parts::default();
    for extent in root.sections {
        demand(parts.follows(extent.offset.get(), extent.length.get()), "sections that overlap")?;
    }
    let mut parts = Parts::default();
    let audiences = root.audiences.all().ok_or_else(|| unusable("a table out of bounds"))?;
    for audience in audiences {
        demand(parts.follows(audience.first.get(), audience.members.get()), "audiences that overlap")?;
        let members = root.audiences.members(audience).ok_or_else(|| unusable("members out of bounds"))?;
        demand(members.is_sorted(), "members out of order")?;
    }
    root.scopes.iter().try_for_each(|scope| check_scope(root, scope))
}

fn check_scope(root: &Root<'_>, scope: &Scope) -> Result<(), Unusable> {
    demand(matches!(scope.host_kind, host::ANY | host::EXACT | host::LABELS), "an unknown kind of host")?;
    text(root, scope.host, "a host out of bounds")?;
    text(root, scope.path_prefix, "a path prefix out of bounds")?;
    let (host, prefix) = (root.text(scope.host), root.text(scope.path_prefix));
    // However many scopes share a text, it is looked at for each of them.
    demand(host.len() <= HOST_LIMIT && prefix.len() <= PREFIX_LIMIT, "a scope of too long a host or path")?;
    demand(!host.iter().any(u8::is_ascii_uppercase), "a host that is not in lower case")?;
    demand(scope.host_kind != host::ANY || host.is_empty(), "any host that has a name")?;
    demand(scope.host_kind != host::LABELS || host.starts_with(b"."), "a wildcard without a label behind it")?;
    demand((scope.section.get() as usize) < root.sections.len(), "a scope of no rule set")
}

/// Checks what the rule sets, each of them checked before, are to each other.
pub(super) fn outputs(opened: &Opened<'_>) -> Result<(), Unusable> {
    let root = &opened.root;
    let mut parts = Parts::default();
    let mut before: Option<&[u8]> = None;
    for output in root.outputs {
        demand(parts.follows(output.first_scope.get(), output.scopes.get()), "scopes that overlap")?;
        let header = check_output(opened, output)?;
        demand(before.is_none_or(|before| before < header), "variant headers out of order")?;
        before = Some(header);
    }
    let is_output = |name| root.outputs.binary_search_by(|output| root.text(output.header).cmp(name)).is_ok();
    let mut before: Option<&[u8]> = None;
    for section in &opened.sections {
        let name = section.text(section.header.name);
        demand(before.is_none_or(|before| before < name), "rule sets out of order")?;
        before = Some(name);
        let names = section.all_settings().iter().map(|setting| section.text(setting.name));
        let mut names = names.chain(section.experiment_header()).chain(section.evaluated_at_header());
        // A variant is given by the rules of its header alone: so its share can be told from them.
        demand(!names.any(is_output), "a variant header among the headers to set")?;
    }
    switches::check_together(opened)
}

fn check_output<'s>(opened: &Opened<'s>, output: &Output) -> Result<&'s [u8], Unusable> {
    let root = &opened.root;
    text(root, output.header, "a variant header out of bounds")?;
    let header = root.text(output.header);
    let scopes = slice(root.scopes, output.first_scope.get(), output.scopes.get());
    let scopes = scopes.ok_or_else(|| unusable("scopes out of bounds"))?;
    let decides = |scope: &Scope| {
        let section = opened.section(scope.section.get());
        section.is_some_and(|section| section.text(section.header.variant_header) == header)
    };
    demand(!scopes.is_empty(), "a variant header that nothing decides")?;
    demand(scopes.iter().all(decides), "a scope under the variant header of another rule set")?;
    demand(are_in_order(root, scopes), "scopes out of order")?;
    Ok(header)
}

fn text(root: &Root<'_>, text: Text, what: &str) -> Result<(), Unusable> {
    demand(root.texts.has(text), what)
}
