//! What operators write, typed: everything a name refers to is known to exist.

mod advice;
mod allow_list;
mod audience;
pub(crate) mod claims;
pub(crate) mod cookies;
mod fields;
mod head;
mod inherit;
pub(crate) mod labels;
mod literals;
mod lock;
mod matches;
mod names;
mod negations;
mod operators;
mod output;
mod parser_tags;
mod regex;
mod rule_set;
mod rules;
mod splits;
mod switches;
mod windows;

use std::ops::Range;

use crate::{
    allocation, network,
    report::{Path, Report},
    semver::Comparator,
    tree::{Node, quote},
};

pub(crate) use allow_list::decode as allow_list;
pub(crate) use audience::{Audience, Mention};
pub(crate) use cookies::Cookie;
pub(crate) use fields::one_of;
pub(crate) use inherit::{Inherit, decode as inherit};
pub(crate) use lock::Lock;
pub(crate) use names::{ID_LIMIT, Name, text};
pub(crate) use output::{Carries, Output};
pub(crate) use parser_tags::ParserTags;
pub(crate) use rule_set::{CONTAINS_LIMIT, HOST_LIMIT, PREFIX_LIMIT};
pub(crate) use rules::{SET_BYTES_LIMIT, SET_LIMIT};
pub(crate) use switches::{Switch, text as switches_text};

use fields::Fields;

/// The most variants, splits, hosts or path prefixes of a rule set.
const NAMES_LIMIT: usize = 1_000;

/// The version of the language.
pub(crate) const API_VERSION: &str = "graylane.dev/v1";

/// One document of any kind.
#[derive(Debug)]
pub(crate) enum Document {
    RuleSet(Box<RuleSet>),
    Lock(Lock),
    Audience(Audience),
    ParserTags(ParserTags),
}

/// The rules of one service.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) name: Name,
    pub(crate) scope: Scope,
    pub(crate) identity: Vec<IdentitySource>,
    /// The cookie that remembers which identity buckets.
    pub(crate) sticky: Option<Cookie>,
    pub(crate) output: Output,
    /// None: no variant that a request carries is believed.
    pub(crate) inherit: Option<Inherit>,
    pub(crate) variants: Vec<String>,
    pub(crate) default: usize,
    pub(crate) splits: Vec<Split>,
    pub(crate) switches: Vec<Switch>,
    pub(crate) rules: Vec<Rule>,
    /// Whether it was switched off.
    pub(crate) is_off: bool,
}

impl RuleSet {
    /// Leaves its scope, its variants and its switches, so that everybody has the default.
    pub(crate) fn switch_off(&mut self) {
        self.is_off = true;
        self.rules.clear();
        self.identity.clear();
        self.sticky = None;
        self.inherit = None;
    }
}

/// Which requests a rule set is for: any of the hosts (none: every host) and any of the prefixes.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) hosts: Vec<String>,
    pub(crate) path_prefixes: Vec<String>,
}

impl Scope {
    /// How many pairs of host and path prefix it stands for.
    pub(crate) fn pairs(&self) -> usize {
        self.hosts.len().max(1).saturating_mul(self.path_prefixes.len().max(1))
    }
}

/// Where a request's identity may be.
#[derive(Debug)]
pub(crate) enum IdentitySource {
    Header(String),
    Cookie(String),
    /// The header and the names of the claim, with [`claims::SEPARATOR`] between them.
    JwtClaim(String),
    /// A cookie that is set, to an identity made up for the purpose, where it is not sent.
    Issue(Cookie),
}

impl IdentitySource {
    /// The cookie it reads, if it does.
    fn cookie(&self) -> Option<&str> {
        match self {
            IdentitySource::Cookie(name) => Some(name),
            IdentitySource::Issue(cookie) => Some(&cookie.name),
            IdentitySource::Header(_) | IdentitySource::JwtClaim(_) => None,
        }
    }

    /// The cookie it sets, if it does.
    pub(crate) fn issued(&self) -> Option<&Cookie> {
        match self {
            IdentitySource::Issue(cookie) => Some(cookie),
            _ => None,
        }
    }
}

/// A named, weighted choice over the variants.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) name: Name,
    pub(crate) salt: String,
    /// Slots for each variant of the rule set, in their order.
    pub(crate) counts: Vec<u32>,
    pub(crate) experiment: Option<String>,
}

/// One entry of a rule set.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: Name,
    /// Its place among those of the document.
    pub(crate) place: usize,
    /// None: every request.
    pub(crate) when: Option<Match>,
    pub(crate) then: Then,
    pub(crate) set: Vec<Setting>,
}

/// A header to set; its name in lower case.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: Name,
    pub(crate) value: String,
}

/// What a rule that matched decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Variant(usize),
    Split(usize),
}

/// A predicate on the request.
#[derive(Debug)]
pub(crate) enum Match {
    All(Vec<Match>),
    Any(Vec<Match>),
    Not(Box<Match>),
    Test(Attribute, Operator),
    Percent {
        from: u32,
        to: u32,
        salt: String,
    },
    /// The first belongs to it, the last does not; in milliseconds since 1970.
    Time {
        after: i64,
        before: i64,
    },
    Audience(Mention),
}

/// What of a request is asked about; names of headers in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attribute {
    Header(String),
    Cookie(String),
    Query(String),
    Path,
    Method,
    Host,
    Identity,
    Label(String),
    Source,
    Time,
    /// As [`IdentitySource::JwtClaim`].
    JwtClaim(String),
}

/// What is asked about an attribute.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Present,
    Text {
        how: TextOperator,
        operand: String,
        fold: bool,
    },
    In {
        operands: Vec<String>,
        fold: bool,
    },
    Range {
        from: i64,
        to: i64,
    },
    /// OR of AND; whether prereleases are versions like others.
    Semver {
        range: Vec<Vec<Comparator>>,
        prereleases: bool,
    },
    Cidr(Vec<network::Range>),
    Regex(Regex),
}

/// A regular expression, read but not compiled, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Regex {
    pub(crate) pattern: String,
    pub(crate) fold: bool,
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
}

/// The comparisons with one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextOperator {
    Exact,
    Prefix,
    Suffix,
    Contains,
}

/// Reads a tree as a document; None when it cannot be used, with the reasons in `report`.
pub(crate) fn decode(node: &Node, report: &mut Report) -> Option<Document> {
    let path = Path::DOCUMENT;
    let mut fields = Fields::open(node, &path, report)?;
    let version = fields.required("apiVersion", report);
    if let Some(found) = version.filter(|node| names::text(node) != Some(API_VERSION)) {
        // The next version is another parser's.
        let next = names::text(found).is_some_and(|version| version == "graylane.dev/v2alpha1");
        let tag = if next { ", or `x-gray-tag: v2alpha1-yaml`, in JSON v2alpha1-json" } else { "" };
        report.wrong("unsupported-version", &path.field("apiVersion"), found, format!("{}{tag}", quote(API_VERSION)));
    }
    // What it says was looked for before; here it is known to be a field, and to be a string.
    if let Some(tag) = fields.optional("x-gray-tag") {
        names::non_empty(tag, &path.field("x-gray-tag"), report);
    }
    let kind = fields.required("kind", report)?;
    match names::text(kind) {
        Some("RuleSet") => rule_set::decode(fields, report).map(Box::new).map(Document::RuleSet),
        Some("AllocationLock") => lock::decode(fields, report).map(Document::Lock),
        Some("Audience") => audience::decode(fields, report).map(Document::Audience),
        Some("ParserTags") => parser_tags::decode(fields, report).map(Document::ParserTags),
        found => {
            let kinds = ["RuleSet", "AllocationLock", "Audience", "ParserTags"];
            let expected = one_of(&kinds.map(quote).each_ref().map(String::as_str));
            let expected = report.or_meant(expected, found.unwrap_or_default(), kinds.into_iter());
            report.wrong("unsupported-kind", &path.field("kind"), kind, expected);
            None
        }
    }
}

impl Document {
    /// Its kind and its name.
    pub(crate) fn title(&self) -> (&'static str, &Name) {
        match self {
            Document::RuleSet(rule_set) => ("RuleSet", &rule_set.name),
            Document::Lock(lock) => ("AllocationLock", &lock.name),
            Document::Audience(audience) => ("Audience", &audience.name),
            Document::ParserTags(tags) => ("ParserTags", &tags.name),
        }
    }
}

impl Split {
    /// The ranges of the split where no lock says otherwise.
    pub(crate) fn ranges(&self) -> Vec<allocation::Range> {
        allocation::consecutive(&self.counts)
    }
}
