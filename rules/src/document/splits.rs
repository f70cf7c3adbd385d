//! `spec.splits`: named, weighted choices.

use super::{Fields, NAMES_LIMIT, Name, Split, fields, names};
use crate::{
    allocation::{self, Unallocatable},
    report::{Path, Report},
    tree::{Node, Value},
};

/// Decodes the map of splits of the rule set `rule_set`.
pub(super) fn decode(
    node: &Node,
    path: &Path<'_>,
    rule_set: &str,
    variants: &[String],
    report: &mut Report,
) -> Vec<Split> {
    let entries =
        fields::entries_such(node, path, "{by-user: {weights: {stable: 90, canary: 10}}}", report).unwrap_or_default();
    if entries.len() > NAMES_LIMIT {
        report.wrong("too-many", path, node, format!("at most {NAMES_LIMIT} splits"));
        return Vec::new();
    }
    let mut splits = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = path.field(&entry.key);
        names::check_key(&entry.key, &entry.key_span, &path, report);
        let Some(mut fields) = Fields::open_such(&entry.node, &path, "{weights: {stable: 90, canary: 10}}", report)
        else {
            continue;
        };
        let counts =
            fields.required("weights", report).and_then(|node| weights(node, &path.field("weights"), variants, report));
        let experiment = fields.optional("experiment");
        let experiment = experiment.and_then(|node| names::id(node, &path.field("experiment"), report));
        let salt = fields.optional("salt");
        let salt = salt.and_then(|node| names::non_empty(node, &path.field("salt"), report));
        let salt = salt.map_or_else(|| format!("{rule_set}/{}", entry.key), str::to_owned);
        fields.finish(report);
        // A split that is wrong in itself still exists, so that rules naming it are not wrong as well.
        let name = Name { text: entry.key.clone(), span: entry.key_span.clone() };
        let (counts, experiment) = (counts.unwrap_or_default(), experiment.map(|name| name.text));
        splits.push(Split { name, salt, counts, experiment });
    }
    splits
}

/// Slots for each variant, in the variants' order.
fn weights(node: &Node, path: &Path<'_>, variants: &[String], report: &mut Report) -> Option<Vec<u32>> {
    let entries = fields::entries_such(node, path, "{stable: 90, canary: 10}", report)?;
    if entries.len() > NAMES_LIMIT {
        report.wrong("too-many", path, node, format!("at most {NAMES_LIMIT} weights"));
        return None;
    }
    let mut weights = vec![0u32; variants.len()];
    let mut readable = true;
    for entry in entries {
        let path = path.field(&entry.key);
        let place = variants.iter().position(|variant| *variant == entry.key);
        if place.is_none() && !variants.is_empty() {
            let expected = names::unknown_variant(&entry.key, variants, report);
            report.error("unknown-variant", &path, entry.key_span.clone(), crate::tree::quote(&entry.key), expected);
        }
        let weight = match &entry.node.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        if weight.is_none() {
            report.wrong("bad-weight", &path, &entry.node, "a whole number from 0 to 4294967295");
        }
        readable &= weight.is_some();
        if let Some(slot) = place.and_then(|place| weights.get_mut(place)) {
            *slot = weight.unwrap_or(0);
        }
    }
    // Variants that could not be read were reported where they stand.
    if !readable || variants.is_empty() {
        return None;
    }
    allocation::counts(&weights).map_err(|why| unallocatable(why, node, path, variants, report)).ok()
}

fn unallocatable(why: Unallocatable, node: &Node, path: &Path<'_>, variants: &[String], report: &mut Report) {
    match why {
        Unallocatable::NoWeight => {
            report.error("weight-sum-zero", path, node.span.clone(), "weights that are all 0", "one above 0");
        }
        Unallocatable::NoSlot { variant } => {
            let name = variants.get(variant).map_or("", String::as_str);
            let found = format!("a weight of {name} worth less than 0.001 percent");
            report.error(
                "variant-without-slot",
                path,
                node.span.clone(),
                found,
                "0, or at least 0.001 percent of the sum",
            );
        }
    }
}
