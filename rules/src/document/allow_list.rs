//! A document of kind AllowList: what becomes of each switch that documents may have. It is no document of a namespace, so
//! nobody publishes it by mistake.

use std::collections::BTreeMap;

use super::{API_VERSION, Fields, fields, head, names};
use crate::{
    allow_list::{AllowList, Gate, Mode, Risk},
    report::{Path, Report},
    switches,
    tree::{Entry, Node, quote},
};

/// Reads a tree as an allow-list; None when it cannot be used, with the reasons in `report`.
pub(crate) fn decode(node: &Node, report: &mut Report) -> Option<AllowList> {
    let path = Path::DOCUMENT;
    let mut document = Fields::open(node, &path, report)?;
    for (field, code, right) in
        [("apiVersion", "unsupported-version", API_VERSION), ("kind", "unsupported-kind", "AllowList")]
    {
        let found = document.required(field, report);
        if let Some(found) = found.filter(|node| names::text(node) != Some(right)) {
            report.wrong(code, &path.field(field), found, quote(right));
        }
    }
    let (name, spec) = head::name_and_spec(document, report);
    let path = Path::SPEC;
    let mut spec = Fields::open(spec?, &path, report)?;
    let gates = spec.required("gates", report);
    let default = spec.optional("default");
    let max_risk = spec.optional("maxRisk");
    spec.finish(report);
    let default = default.map(|node| mode(node, &path.field("default"), report));
    let max_risk = max_risk.map(|node| risk(node, &path.field("maxRisk"), report));
    let gates = gates.map(|node| all(node, &path.field("gates"), report));
    // What is wrong is in the report, and then nothing of this is used.
    Some(AllowList {
        name: name?.text,
        gates: gates?,
        default: default.map_or(Some(Mode::Deny), |found| found)?,
        max_risk: max_risk.flatten(),
    })
}

fn all(node: &Node, path: &Path<'_>, report: &mut Report) -> BTreeMap<String, Gate> {
    let example = "{feature_login: {mode: allow, risk: low}}";
    let entries = fields::entries_such(node, path, example, report).unwrap_or_default();
    let named = |entry: &Entry| Some((entry.key.clone(), gate(entry, &path.field(&entry.key), report)?));
    entries.iter().filter_map(named).collect()
}

fn gate(entry: &Entry, path: &Path<'_>, report: &mut Report) -> Option<Gate> {
    if !switches::is_name(&entry.key) {
        report.error("bad-switch-name", path, entry.key_span.clone(), quote(&entry.key), switches::NAME);
    }
    let mut fields = Fields::open_such(&entry.node, path, "{mode: allow, risk: low}", report)?;
    let found = (fields.required("mode", report), fields.required("risk", report), fields.optional("reason"));
    fields.finish(report);
    let reason = found.2.and_then(|node| names::non_empty(node, &path.field("reason"), report));
    let mode = found.0.and_then(|node| mode(node, &path.field("mode"), report));
    let risk = found.1.and_then(|node| risk(node, &path.field("risk"), report));
    Some(Gate { mode: mode?, risk: risk?, reason: reason.map(str::to_owned) })
}

fn mode(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Mode> {
    word(Mode::ALL, Mode::name, node, report).map_err(|right| report.wrong("unknown-mode", path, node, right)).ok()
}

fn risk(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Risk> {
    word(Risk::ALL, Risk::name, node, report).map_err(|right| report.wrong("unknown-risk", path, node, right)).ok()
}

/// The one of `all` that stands here, or what would be right.
fn word<T: Copy, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
    node: &Node,
    report: &mut Report,
) -> Result<T, String> {
    let found = names::text(node).unwrap_or_default();
    let known = all.map(name);
    let one = all.into_iter().find(|&one| name(one) == found);
    one.ok_or_else(|| report.or_meant(fields::one_of(&known), found, known.into_iter()))
}
