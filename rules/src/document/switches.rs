//! `spec.switches`: typed values for the upstream.

use super::{Fields, Name, fields, names};
use crate::{
    order, owned,
    report::{Path, Report},
    switches::{NAME, SWITCHES_LIMIT, SwitchType, dictionary, fits, is_name},
    tree::{Entry, Node, Value, quote},
};

/// A switch and its values, as items of RFC 9651.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) name: Name,
    pub(crate) kind: SwitchType,
    pub(crate) default: String,
    /// The places of variants that have another value, in their order.
    pub(crate) variants: Vec<(usize, String)>,
}

impl Switch {
    /// The item of the variant at `place`.
    pub(crate) fn item(&self, place: usize) -> &str {
        let own = self.variants.iter().find(|(variant, _)| *variant == place);
        own.map_or(&self.default, |(_, item)| item)
    }
}

/// The dictionary of the variant at `place`.
pub(crate) fn text(switches: &[Switch], place: usize) -> String {
    dictionary(switches.iter().map(|switch| (switch.name.text.as_str(), switch.item(place))))
}

/// Decodes the map of switches, sorted by name; those that are wrong are left out, having said why.
pub(super) fn decode(node: &Node, path: &Path<'_>, variants: &[String], report: &mut Report) -> Vec<Switch> {
    let entries = fields::entries(node, path, report).unwrap_or_default();
    if entries.len() > SWITCHES_LIMIT {
        report.wrong("too-many", path, node, format!("at most {SWITCHES_LIMIT} switches"));
        return Vec::new();
    }
    let problems = report.errors();
    let each = entries.iter().filter_map(|entry| switch(entry, &path.field(&entry.key), variants, report));
    let mut switches: Vec<_> = each.collect();
    // The order in which they are written says nothing, and must not change what is published.
    order::sort_by(&mut switches, |one, other| one.name.text.cmp(&other.name.text));
    if report.errors() == problems {
        check_length(&switches, node, path, variants, report);
    }
    switches
}

fn switch(entry: &Entry, path: &Path<'_>, variants: &[String], report: &mut Report) -> Option<Switch> {
    let named = is_name(&entry.key);
    if !named {
        report.error("bad-switch-name", path, entry.key_span.clone(), quote(&entry.key), NAME);
    }
    let mut fields = Fields::open(&entry.node, path, report)?;
    let kind = fields.required("type", report).and_then(|node| kind(node, &path.field("type"), report));
    let default = fields.required("default", report);
    let own = fields.optional("variants");
    fields.finish(report);
    let default = default.and_then(|node| item(kind?, node, &path.field("default"), report));
    let own = own.map(|node| of_variants(kind, node, &path.field("variants"), variants, report)).unwrap_or_default();
    let name = Name { text: entry.key.clone(), span: entry.key_span.clone() };
    named.then_some(Switch { name, kind: kind?, default: default?, variants: own })
}

fn kind(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<SwitchType> {
    let name = names::string(node, path, report)?;
    let kind = SwitchType::named(name);
    if kind.is_none() {
        let known = SwitchType::ALL.map(SwitchType::name);
        let expected = report.or_meant(fields::one_of(&known), name, known.into_iter());
        report.wrong("unknown-type", path, node, expected);
    }
    kind
}

fn item(kind: SwitchType, node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let text = match (&node.value, kind) {
        (Value::Text(text), SwitchType::String | SwitchType::Duration) => Some(text.as_str()),
        (Value::Number(text), SwitchType::Int | SwitchType::Float) => Some(text.as_str()),
        (Value::Bool(value), SwitchType::Bool) => Some(if *value { "true" } else { "false" }),
        _ => None,
    };
    let item = text.and_then(|text| kind.item(text));
    if item.is_none() {
        let scalar = matches!(node.value, Value::Number(_) | Value::Bool(_) | Value::Ambiguous(_));
        let quotes = if scalar && kind == SwitchType::String { ": put it in quotes" } else { "" };
        report.wrong("bad-switch-value", path, node, format!("{}{quotes}", kind.expected()));
    }
    item
}

/// The items of variants, in the order of `variants`.
fn of_variants(
    kind: Option<SwitchType>,
    node: &Node,
    path: &Path<'_>,
    variants: &[String],
    report: &mut Report,
) -> Vec<(usize, String)> {
    let mut items = Vec::new();
    for entry in fields::entries(node, path, report).unwrap_or_default() {
        let path = path.field(&entry.key);
        let place = variants.iter().position(|variant| *variant == entry.key);
        // Without any variant that was said already.
        if place.is_none() && !variants.is_empty() {
            let expected = names::unknown_variant(&entry.key, variants, report);
            report.error("unknown-variant", &path, entry.key_span.clone(), quote(&entry.key), expected);
        }
        let item = kind.and_then(|kind| item(kind, &entry.node, &path, report));
        items.extend(place.zip(item));
    }
    order::sort(&mut items);
    items
}

/// No variant gets more than a header carries.
fn check_length(switches: &[Switch], node: &Node, path: &Path<'_>, variants: &[String], report: &mut Report) {
    let lengths = variants.iter().enumerate().map(|(place, variant)| (text(switches, place).len(), variant));
    if let Some((length, variant)) = lengths.max_by_key(|(length, _)| *length).filter(|(length, _)| !fits(*length)) {
        let found = format!("{length} bytes for {variant}");
        let expected = format!("at most {} bytes as one header", owned::VALUE_LIMIT);
        report.error("too-large", path, node.span.clone(), found, expected);
    }
}
