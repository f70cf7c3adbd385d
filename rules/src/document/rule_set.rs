//! A document of kind RuleSet.

use std::collections::BTreeSet;

use super::{
    Document, Fields, IdentitySource, Match, Name, Rule, RuleSet, Scope, Split, Then, fields, matches, names, splits,
};
use crate::{
    owned,
    report::{Path, Report},
    tree::{Node, Value, quote},
};

/// Decodes what apiVersion and kind left over.
pub(super) fn decode(mut document: Fields<'_>, report: &mut Report) -> Option<RuleSet> {
    let name = document.required("metadata", report).and_then(|node| metadata(node, report));
    let spec = document.required("spec", report);
    document.finish(report);
    let spec_path = Path::DOCUMENT;
    let spec_path = spec_path.field("spec");
    let mut spec = Fields::open(spec?, &spec_path, report)?;
    // Everything is decoded even when the name is bad, so that every problem is told at once.
    let named = name.as_ref().map_or("", |name| name.text.as_str());
    let scope = spec.optional("scope").map(|node| scope(node, &spec_path.field("scope"), report));
    let identity = spec.optional("identity").map(|node| identity(node, &spec_path.field("identity"), report));
    let output = spec.optional("output").map(|node| output(node, &spec_path.field("output"), report));
    let variants = spec.required("variants", report).map(|node| variants(node, &spec_path.field("variants"), report));
    let variants = variants.unwrap_or_default();
    let default = spec
        .required("default", report)
        .and_then(|node| names::variant(node, &spec_path.field("default"), &variants, report));
    let splits_node = spec.optional("splits");
    let splits_path = spec_path.field("splits");
    let splits =
        splits_node.map(|node| splits::decode(node, &splits_path, named, &variants, report)).unwrap_or_default();
    if splits.len() > NAMES_LIMIT {
        let found = format!("{} splits", splits.len());
        report.error("too-many", &splits_path, spec.node().span.clone(), found, format!("at most {NAMES_LIMIT}"));
    }
    let rules_node = spec.optional("rules");
    let variant_header = output.flatten().unwrap_or_else(|| owned::DEFAULT.concat());
    let around = Around { rule_set: named, variant_header: &variant_header, variants: &variants, splits: &splits };
    let rules = rules_node.map(|node| rules(node, &spec_path.field("rules"), &around, report)).unwrap_or_default();
    spec.finish(report);
    let rule_set = RuleSet {
        name: name?,
        scope: scope.unwrap_or_default(),
        identity: identity.unwrap_or_default(),
        variant_header: variant_header.clone(),
        default: default?,
        variants,
        splits,
        rules,
    };
    warn_without_identity(&rule_set, report);
    Some(rule_set)
}

impl From<RuleSet> for Document {
    fn from(rule_set: RuleSet) -> Self {
        Document::RuleSet(Box::new(rule_set))
    }
}

/// The name of the document; labels are the operator's own.
pub(super) fn metadata(node: &Node, report: &mut Report) -> Option<Name> {
    let path = Path::DOCUMENT;
    let path = path.field("metadata");
    let mut fields = Fields::open(node, &path, report)?;
    let name = fields.required("name", report);
    if let Some(labels) = fields.optional("labels") {
        let path = path.field("labels");
        for entry in fields::entries(labels, &path, report).unwrap_or_default() {
            names::string(&entry.node, &path.field(&entry.key), report);
        }
    }
    fields.finish(report);
    names::id(name?, &path.field("name"), report)
}

fn scope(node: &Node, path: &Path<'_>, report: &mut Report) -> Scope {
    let Some(mut fields) = Fields::open(node, path, report) else { return Scope::default() };
    let hosts = fields.optional("hosts").map(|node| list(node, &path.field("hosts"), report, host));
    let path_prefixes =
        fields.optional("pathPrefixes").map(|node| list(node, &path.field("pathPrefixes"), report, path_prefix));
    fields.finish(report);
    Scope { hosts: hosts.unwrap_or_default(), path_prefixes: path_prefixes.unwrap_or_default() }
}

/// Each item of a list through `decode`; those that fail are left out, having said why.
fn list<T>(
    node: &Node,
    path: &Path<'_>,
    report: &mut Report,
    decode: impl Fn(&Node, &Path<'_>, &mut Report) -> Option<T>,
) -> Vec<T> {
    let items = fields::items(node, path, report).unwrap_or_default();
    items.iter().enumerate().filter_map(|(index, item)| decode(item, &path.item(index), report)).collect()
}

fn host(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let host = names::non_empty(node, path, report)?.to_ascii_lowercase();
    let name = host.strip_prefix("*.").unwrap_or(&host);
    let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]:".contains(&byte);
    let bracketed = name.starts_with('[') && name.ends_with(']');
    let colons = name.contains(':') && !bracketed;
    if name.is_empty() || !name.bytes().all(label) || colons || name.starts_with('.') || name.ends_with('.') {
        report.wrong("bad-host", path, node, "a host without port, such as shop.example.com or *.example.com");
        return None;
    }
    Some(host)
}

fn path_prefix(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let prefix = names::non_empty(node, path, report)?;
    if !prefix.starts_with('/') || prefix.contains(['?', '#']) {
        report.wrong("bad-path", path, node, "a path that begins with '/' and has no query");
        return None;
    }
    Some(prefix.trim_end_matches('/').to_owned())
}

fn identity(node: &Node, path: &Path<'_>, report: &mut Report) -> Vec<IdentitySource> {
    let Some(mut fields) = Fields::open(node, path, report) else { return Vec::new() };
    let sources = fields.required("from", report);
    fields.finish(report);
    sources.map(|node| list(node, &path.field("from"), report, identity_source)).unwrap_or_default()
}

fn identity_source(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<IdentitySource> {
    let mut fields = Fields::open(node, path, report)?;
    let header = fields.optional("header");
    let cookie = fields.optional("cookie");
    fields.finish(report);
    match (header, cookie) {
        (Some(name), None) => names::header_name(name, &path.field("header"), report).map(IdentitySource::Header),
        (None, Some(name)) => matches::cookie_name(name, &path.field("cookie"), report).map(IdentitySource::Cookie),
        _ => {
            report.wrong("identity-source", path, node, "one of header or cookie");
            None
        }
    }
}

fn output(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let mut fields = Fields::open(node, path, report)?;
    let header = fields.optional("variantHeader");
    fields.finish(report);
    let (header, path) = (header?, path.field("variantHeader"));
    names::settable(names::string(header, &path, report)?, &header.span, &path, report)
}

/// The most variants, and the most splits, of a rule set.
const NAMES_LIMIT: usize = 1_000;

fn variants(node: &Node, path: &Path<'_>, report: &mut Report) -> Vec<String> {
    if matches!(&node.value, Value::List(items) if items.len() > NAMES_LIMIT) {
        report.wrong("too-many", path, node, format!("at most {NAMES_LIMIT} variants"));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    list(node, path, report, names::id)
        .into_iter()
        .filter(|name| {
            let new = seen.insert(name.text.clone());
            if !new {
                let found = format!("the variant {} a second time", quote(&name.text));
                report.error("duplicate-id", path, name.span.clone(), found, "each variant once");
            }
            new
        })
        .map(|name| name.text)
        .collect()
}

/// What a rule may refer to.
struct Around<'a> {
    rule_set: &'a str,
    variant_header: &'a str,
    variants: &'a [String],
    splits: &'a [Split],
}

fn rules(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Vec<Rule> {
    let Value::List(items) = &node.value else {
        report.wrong("wrong-type", path, node, "a list");
        return Vec::new();
    };
    let mut rules: Vec<Rule> = Vec::with_capacity(items.len());
    let mut ids = BTreeSet::new();
    let mut catch_all: Option<String> = None;
    for (index, item) in items.iter().enumerate() {
        let path = path.item(index);
        if let Some(before) = &catch_all {
            let found = format!("a rule behind {}, which matches every request", quote(before));
            report.error("unreachable-rule", &path, item.span.clone(), found, "rules without `when` last");
        }
        let problems = report.len();
        let Some(rule) = rule(item, &path, around, report) else { continue };
        if !ids.insert(rule.id.text.clone()) {
            let found = format!("the rule id {} a second time", quote(&rule.id.text));
            report.error("duplicate-id", &path.field("id"), rule.id.span.clone(), found, "each id once");
        }
        // Of a rule with a misspelt `when` nobody knows what it matches.
        if rule.when.is_none() && report.len() == problems {
            catch_all = Some(rule.id.text.clone());
        }
        rules.push(rule);
    }
    rules
}

fn rule(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Option<Rule> {
    let mut fields = Fields::open(node, path, report)?;
    let id = fields.required("id", report).and_then(|node| names::id(node, &path.field("id"), report));
    let salt = format!("{}/{}", around.rule_set, id.as_ref().map_or("", |id| id.text.as_str()));
    let when = fields.optional("when").map(|node| matches::decode(node, &path.field("when"), &salt, report));
    let set = fields.optional("set").map(|node| set(node, &path.field("set"), around, report)).unwrap_or_default();
    let then = then(&mut fields, path, around, report);
    fields.finish(report);
    // `when` that could not be read must not become "always".
    let when = match when {
        None => None,
        Some(read) => Some(read?),
    };
    Some(Rule { id: id?, when, then: then?, set })
}

fn then(fields: &mut Fields<'_>, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Option<Then> {
    match (fields.optional("variant"), fields.optional("split")) {
        (Some(node), None) => names::variant(node, &path.field("variant"), around.variants, report).map(Then::Variant),
        (None, Some(node)) => split(node, &path.field("split"), around, report).map(Then::Split),
        (found, _) => {
            let found = if found.is_some() { "both variant and split" } else { "neither variant nor split" };
            report.error("variant-or-split", path, fields.node().span.clone(), found, "one of the two");
            None
        }
    }
}

fn split(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Option<usize> {
    let name = names::string(node, path, report)?;
    let place = around.splits.iter().position(|split| split.name.text == name);
    if place.is_none() {
        let known: Vec<&str> = around.splits.iter().map(|split| split.name.text.as_str()).collect();
        let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
        report.wrong("unknown-split", path, node, format!("one of spec.splits: {known}"));
    }
    place
}

fn set(node: &Node, path: &Path<'_>, around: &Around<'_>, report: &mut Report) -> Vec<(String, String)> {
    let mut set: Vec<(String, String)> = Vec::new();
    for entry in fields::entries(node, path, report).unwrap_or_default() {
        let path = path.field(&entry.key);
        let name = names::settable(&entry.key, &entry.key_span, &path, report);
        let Some(value) = names::string(&entry.node, &path, report) else { continue };
        if let Err(expected) = owned::check_value(value) {
            report.wrong("bad-header-value", &path, &entry.node, expected);
        }
        let Some(name) = name else { continue };
        if name == around.variant_header {
            let expected = "another header: this one carries the variant";
            report.error("forbidden-header", &path, entry.key_span.clone(), quote(&name), expected);
        }
        if set.iter().any(|(earlier, _)| *earlier == name) {
            let found = format!("the header {} a second time", quote(&name));
            report.error("duplicate-key", &path, entry.key_span.clone(), found, "each header once, whatever its case");
        }
        set.push((name, value.to_owned()));
    }
    set
}

/// Without an identity a percentage matches nobody and a split always gives the default.
fn warn_without_identity(rule_set: &RuleSet, report: &mut Report) {
    if !rule_set.identity.is_empty() {
        return;
    }
    let path = Path::DOCUMENT;
    let path = path.field("spec");
    let path = path.field("rules");
    for (index, rule) in rule_set.rules.iter().enumerate() {
        let asks = matches!(rule.then, Then::Split(_)) || rule.when.as_ref().is_some_and(Match::asks_identity);
        if asks {
            let found = "a rule that needs an identity, and no spec.identity";
            report.warning("no-identity", &path.item(index), rule.id.span.clone(), found, "spec.identity.from");
        }
    }
}
