//! A document of kind RuleSet.

use std::collections::BTreeSet;

use super::{
    Attribute, Cookie, Fields, IdentitySource, Match, NAMES_LIMIT, Rule, RuleSet, Scope, Then, advice, claims, cookies,
    fields, head, inherit, matches, names, output, rules, splits, switches,
};
use crate::{
    order,
    report::{Path, Report},
    tree::{Node, quote},
};

/// Decodes what apiVersion and kind left over.
pub(super) fn decode(document: Fields<'_>, report: &mut Report) -> Option<RuleSet> {
    let (name, spec_node) = head::name_and_spec(document, report);
    let (spec_node, spec_path) = (spec_node?, Path::SPEC);
    let mut spec = Fields::open(spec_node, &spec_path, report)?;
    // Everything is decoded even when the name is bad, so that every problem is told at once.
    let named = name.as_ref().map_or("", |name| name.text.as_str());
    let scope = spec.optional("scope").map(|node| scope(node, &spec_path.field("scope"), report));
    let identity = spec.optional("identity").map(|node| identity(node, &spec_path.field("identity"), report));
    // One that is wrong is there: what needs it is not odd.
    let identified = identity.is_some();
    let (identity, sticky) = identity.unzip();
    let output = spec.optional("output").map(|node| output::decode(node, &spec_path.field("output"), report));
    let output = output.unwrap_or_default();
    let inherit = spec.optional("inherit").map(|node| inherit::decode(node, &spec_path.field("inherit"), report));
    let variants = spec.required("variants", report).map(|node| variants(node, &spec_path.field("variants"), report));
    let variants = variants.unwrap_or_default();
    let default = spec
        .required("default", report)
        .and_then(|node| names::variant(node, &spec_path.field("default"), &variants, report));
    let splits_node = spec.optional("splits");
    let splits_path = spec_path.field("splits");
    let splits =
        splits_node.map(|node| splits::decode(node, &splits_path, named, &variants, report)).unwrap_or_default();
    let switches = spec
        .optional("switches")
        .map(|node| switches::decode(node, &spec_path.field("switches"), &variants, report))
        .unwrap_or_default();
    let rules_node = spec.optional("rules");
    let around = rules::Around { rule_set: named, output: &output, variants: &variants, splits: &splits };
    let rules =
        rules_node.map(|node| rules::decode(node, &spec_path.field("rules"), &around, report)).unwrap_or_default();
    limit_contains(&rules, &spec_path.field("rules"), rules_node, report);
    spec.finish(report);
    let rule_set = RuleSet {
        name: name?,
        scope: scope.unwrap_or_default(),
        sticky: sticky.flatten(),
        identity: identity.unwrap_or_default(),
        output,
        inherit: inherit.flatten(),
        default: default?,
        variants,
        splits,
        switches,
        rules,
        is_off: false,
    };
    if cfg!(feature = "advice") && !identified {
        warn_without_identity(&rule_set, report);
    }
    if cfg!(feature = "advice") && report.is_sound() {
        advice::check(&rule_set, spec_node, report);
    }
    Some(rule_set)
}

/// The most pairs of host and path prefix of a rule set.
const SCOPES_LIMIT: usize = 10_000;

fn scope(node: &Node, path: &Path<'_>, report: &mut Report) -> Scope {
    let Some(mut fields) = Fields::open_such(node, path, "{hosts: [shop.example.com]}", report) else {
        return Scope::default();
    };
    let hosts = fields.optional("hosts").map(|node| list(node, &path.field("hosts"), report, host));
    let path_prefixes =
        fields.optional("pathPrefixes").map(|node| list(node, &path.field("pathPrefixes"), report, path_prefix));
    fields.finish(report);
    let (mut hosts, mut path_prefixes) = (hosts.unwrap_or_default(), path_prefixes.unwrap_or_default());
    for list in [&mut hosts, &mut path_prefixes] {
        order::sort(list);
        list.dedup();
    }
    // Each host stands with each prefix in the snapshot.
    if hosts.len().saturating_mul(path_prefixes.len()) > SCOPES_LIMIT {
        let found = format!("{} hosts with {} path prefixes each", hosts.len(), path_prefixes.len());
        report.error("too-many", path, node.span.clone(), found, format!("at most {SCOPES_LIMIT} pairs of them"));
    }
    Scope { hosts, path_prefixes }
}

/// Each item of a list through `decode`; those that fail are left out, having said why.
fn list<T>(
    node: &Node,
    path: &Path<'_>,
    report: &mut Report,
    decode: impl Fn(&Node, &Path<'_>, &mut Report) -> Option<T>,
) -> Vec<T> {
    let items = fields::items(node, path, report).unwrap_or_default();
    if items.len() > NAMES_LIMIT {
        report.wrong("too-many", path, node, format!("at most {NAMES_LIMIT} items"));
        return Vec::new();
    }
    items.iter().enumerate().filter_map(|(index, item)| decode(item, &path.item(index), report)).collect()
}

fn host(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let host = names::non_empty(node, path, report)?.to_ascii_lowercase();
    let name = host.strip_prefix("*.").unwrap_or(&host);
    let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]:".contains(&byte);
    let bracketed = name.starts_with('[') && name.ends_with(']');
    let colons = name.contains(':') && !bracketed;
    let sound = !name.is_empty() && name.bytes().all(label) && !colons && host.len() <= HOST_LIMIT;
    if !sound || name.starts_with('.') || name.ends_with('.') {
        let expected = "a host without port, such as shop.example.com or *.example.com, of at most 255 bytes";
        report.wrong("bad-host", path, node, expected);
        return None;
    }
    Some(host)
}

fn path_prefix(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let prefix = names::non_empty(node, path, report)?;
    let sound = prefix.len() <= PREFIX_LIMIT && !prefix.contains(['?', '#']) && !prefix.contains("//");
    if !sound || !prefix.starts_with('/') {
        let expected =
            "a path that begins with '/', without a query and without empty segments, of at most 1,024 bytes";
        report.wrong("bad-path", path, node, expected);
        return None;
    }
    // `/checkout/` is `/checkout`; `/` stays what every path begins with.
    Some(prefix.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(prefix).to_owned())
}

fn identity(node: &Node, path: &Path<'_>, report: &mut Report) -> (Vec<IdentitySource>, Option<Cookie>) {
    let Some(mut fields) = Fields::open_such(node, path, "{from: [{header: x-user-id}]}", report) else {
        return Default::default();
    };
    let sources = fields.required("from", report);
    let sticky = fields.optional("sticky");
    fields.finish(report);
    let sources = sources.map(|node| list(node, &path.field("from"), report, identity_source)).unwrap_or_default();
    let sticky = sticky.and_then(|node| cookies::sticky(node, &path.field("sticky"), report));
    cookies::check(&sources, sticky.as_ref(), node, path, report);
    (sources, sticky)
}

fn identity_source(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<IdentitySource> {
    let mut fields = Fields::open_such(node, path, "{header: x-user-id}", report)?;
    let header = fields.optional("header");
    let cookie = fields.optional("cookie");
    let claim = fields.optional("jwtClaim");
    let issued = fields.optional("issueCookie");
    fields.finish(report);
    match (header, cookie, claim, issued) {
        (Some(name), None, None, None) => identity_header(name, &path.field("header"), report),
        (None, Some(name), None, None) => {
            matches::cookie_name(name, &path.field("cookie"), report).map(IdentitySource::Cookie)
        }
        (None, None, Some(node), None) => identity_claim(node, &path.field("jwtClaim"), report),
        (None, None, None, Some(node)) => {
            cookies::issued(node, &path.field("issueCookie"), report).map(IdentitySource::Issue)
        }
        _ => {
            report.wrong("identity-source", path, node, "one of header, cookie, jwtClaim or issueCookie");
            None
        }
    }
}

fn identity_header(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<IdentitySource> {
    let name = names::header_name(node, path, report)?;
    if name == "cookie" {
        report.wrong("bad-header-name", path, node, "`cookie: <name>`: all cookies together are nobody's identity");
        return None;
    }
    Some(IdentitySource::Header(name))
}

fn identity_claim(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<IdentitySource> {
    let mut fields = Fields::open(node, path, report)?;
    let attribute = claims::attribute(&mut fields, report);
    fields.finish(report);
    match attribute? {
        Attribute::JwtClaim(name) => Some(IdentitySource::JwtClaim(name)),
        _ => None,
    }
}

fn variants(node: &Node, path: &Path<'_>, report: &mut Report) -> Vec<String> {
    let problems = report.errors();
    let mut seen = BTreeSet::new();
    let names = list(node, path, report, names::id);
    for name in &names {
        if !seen.insert(&name.text) {
            let found = format!("the variant {} a second time", quote(&name.text));
            report.error("duplicate-id", path, name.span.clone(), found, "each variant once");
        }
    }
    // Of a list that is wrong in itself nobody can say what is missing from it.
    if report.errors() > problems { Vec::new() } else { names.into_iter().map(|name| name.text).collect() }
}

/// The longest host of a scope, in bytes: as in the DNS, with a `*.` in front.
pub(crate) const HOST_LIMIT: usize = 255;

/// The longest path prefix of a scope, in bytes.
pub(crate) const PREFIX_LIMIT: usize = 1_024;

/// The most `contains` and `regex` of a rule set: the operators whose cost grows with what a client sends.
pub(crate) const CONTAINS_LIMIT: usize = 256;

fn limit_contains(rules: &[Rule], path: &Path<'_>, node: Option<&Node>, report: &mut Report) {
    let count: usize = rules.iter().filter_map(|rule| rule.when.as_ref()).map(Match::contains).sum();
    if let Some(node) = node.filter(|_| count > CONTAINS_LIMIT) {
        let expected = format!("at most {CONTAINS_LIMIT} in a rule set");
        report.error("too-many", path, node.span.clone(), format!("{count} times `contains` or `regex`"), expected);
    }
}

/// Without an identity a percentage matches nobody and a split always gives the default.
fn warn_without_identity(rule_set: &RuleSet, report: &mut Report) {
    let path = Path::SPEC;
    let path = path.field("rules");
    for (index, rule) in rule_set.rules.iter().enumerate() {
        let asks = matches!(rule.then, Then::Split(_)) || rule.when.as_ref().is_some_and(Match::asks_identity);
        if asks {
            let found = "a rule that needs an identity, and no spec.identity";
            report.warning("no-identity", &path.item(index), rule.id.span.clone(), found, "spec.identity.from");
        }
    }
}
