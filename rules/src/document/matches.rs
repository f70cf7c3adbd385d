//! `when`: predicates, their operators and their bounds.

use super::{
    Attribute, Fields, Match, Mention, Operator, Regex, TextOperator, claims, fields, labels, names, negations,
    operators, windows,
};
use crate::{
    report::{Path, Report},
    slot,
    tree::{Node, Value},
};

/// The deepest nesting of all, any and not.
const NESTING_LIMIT: usize = 8;

const KINDS: [&str; 16] = [
    "header", "cookie", "query", "path", "method", "host", "source", "jwtClaim", "identity", "percent", "audience",
    "labels", "time", "all", "any", "not",
];

/// Decodes a match. `salt` is the default salt of its percentages.
pub(super) fn decode(node: &Node, path: &Path<'_>, salt: &str, report: &mut Report) -> Option<Match> {
    let decoded = Decoder { salt, report }.one(node, path, 0)?;
    negations::check(&decoded, node, path, report);
    Some(decoded)
}

/// The name of a cookie.
pub(super) fn cookie_name(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let name = names::non_empty(node, path, report)?;
    if name.contains(['=', ';', ' ', '\t', ',']) || name.len() > 256 {
        report.wrong("bad-cookie-name", path, node, "a cookie name: no '=', ';', ',' or space, at most 256 bytes");
        return None;
    }
    Some(name.to_owned())
}

/// The name of a query parameter, decoded.
fn query_name(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let name = names::non_empty(node, path, report)?;
    if name.len() > 256 {
        report.wrong("bad-query-name", path, node, "the name of a query parameter: at most 256 bytes");
        return None;
    }
    Some(name.to_owned())
}

struct Decoder<'a> {
    salt: &'a str,
    report: &'a mut Report,
}

impl Decoder<'_> {
    fn one(&mut self, node: &Node, path: &Path<'_>, depth: usize) -> Option<Match> {
        let entry = match &node.value {
            Value::Map(entries) => match entries.as_slice() {
                [entry] => entry,
                [] => {
                    self.report.error("no-match", path, node.span.clone(), "no match", fields::one_of(&KINDS));
                    return None;
                }
                [first, ..] if !KINDS.contains(&first.key.as_str()) => first,
                _ => return self.several(node, path),
            },
            _ => {
                self.report.wrong("wrong-type", path, node, "a match: a map of one key");
                return None;
            }
        };
        let (key, node, here) = (entry.key.as_str(), &entry.node, path.field(&entry.key));
        match key {
            "all" => self.many(node, &here, depth).map(Match::All),
            "any" => self.many(node, &here, depth).map(Match::Any),
            "not" if self.may_nest(node, &here, depth) => {
                self.one(node, &here, depth.saturating_add(1)).map(Box::new).map(Match::Not)
            }
            "not" => None,
            "percent" => self.percent(node, &here),
            "header" | "cookie" | "query" => self.named(key, node, &here),
            "path" => self.test(Attribute::Path, node, &here),
            "method" => self.test(Attribute::Method, node, &here),
            "host" => self.test(Attribute::Host, node, &here).map(Match::without_case),
            "identity" => self.test(Attribute::Identity, node, &here),
            "audience" => self.audience(node, &here),
            "source" => self.source(node, &here),
            "jwtClaim" => self.claim(node, &here),
            "time" => windows::decode(node, &here, self.report),
            "labels" => labels::decode(node, &here, self.report),
            unknown => {
                let found = format!("the unknown match {}", crate::tree::quote(unknown));
                let expected = self.report.or_meant(fields::one_of(&KINDS), unknown, KINDS.into_iter());
                self.report.error("unknown-field", &here, entry.key_span.clone(), found, expected);
                None
            }
        }
    }

    fn several(&mut self, node: &Node, path: &Path<'_>) -> Option<Match> {
        let expected = "one match; to ask for several, list them under `all` or `any`";
        self.report.wrong("several-matches", path, node, expected);
        None
    }

    fn may_nest(&mut self, node: &Node, path: &Path<'_>, depth: usize) -> bool {
        if depth >= NESTING_LIMIT {
            let expected = format!("at most {NESTING_LIMIT} levels of all, any and not");
            self.report.error("too-deep", path, node.span.clone(), "another level", expected);
        }
        depth < NESTING_LIMIT
    }

    fn many(&mut self, node: &Node, path: &Path<'_>, depth: usize) -> Option<Vec<Match>> {
        if !self.may_nest(node, path, depth) {
            return None;
        }
        let items = fields::items(node, path, self.report)?;
        let mut matches = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            matches.push(self.one(item, &path.item(index), depth.saturating_add(1)));
        }
        // Leaving out what could not be read would change who matches.
        matches.into_iter().collect()
    }

    fn open<'n>(&mut self, node: &'n Node, path: &Path<'n>, example: &str) -> Option<Fields<'n>> {
        Fields::open_such(node, path, example, self.report)
    }

    fn named(&mut self, kind: &str, node: &Node, path: &Path<'_>) -> Option<Match> {
        let mut fields = self.open(node, path, "{name: x-env, exact: gray}")?;
        let name = fields.required("name", self.report);
        let operator = operators::operator(&mut fields, self.report);
        fields.finish(self.report);
        let (name, path) = (name?, path.field("name"));
        let attribute = match kind {
            "header" => Attribute::Header(names::header_name(name, &path, self.report)?),
            "cookie" => Attribute::Cookie(cookie_name(name, &path, self.report)?),
            _ => Attribute::Query(query_name(name, &path, self.report)?),
        };
        Some(Match::Test(attribute, operator?))
    }

    fn test(&mut self, attribute: Attribute, node: &Node, path: &Path<'_>) -> Option<Match> {
        let mut fields = self.open(node, path, "{exact: value}")?;
        let operator = operators::operator(&mut fields, self.report);
        fields.finish(self.report);
        Some(Match::Test(attribute, operator?))
    }

    /// Whether there is such an audience is known when all documents are.
    fn audience(&mut self, node: &Node, path: &Path<'_>) -> Option<Match> {
        let name = names::id(node, path, self.report)?;
        Some(Match::Audience(Mention { name, path: path.to_string() }))
    }

    /// Of an address nothing else is asked than the network.
    fn source(&mut self, node: &Node, path: &Path<'_>) -> Option<Match> {
        let mut fields = self.open(node, path, "{cidr: [10.0.0.0/8]}")?;
        let cidr = fields.required("cidr", self.report);
        let cidr = cidr.and_then(|node| operators::cidr(node, &path.field("cidr"), self.report));
        fields.finish(self.report);
        Some(Match::Test(Attribute::Source, cidr?))
    }

    fn claim(&mut self, node: &Node, path: &Path<'_>) -> Option<Match> {
        let mut fields = self.open(node, path, "{claim: sub, exact: alice}")?;
        let attribute = claims::attribute(&mut fields, self.report);
        let operator = operators::operator(&mut fields, self.report);
        fields.finish(self.report);
        Some(Match::Test(attribute?, operator?))
    }

    /// `20`, or `{from: 20, to: 40}` half open.
    fn percent(&mut self, node: &Node, path: &Path<'_>) -> Option<Match> {
        if !matches!(node.value, Value::Map(_)) {
            let to = self.slots(node, path)?;
            if to == 0 {
                self.report.warning("empty-range", path, node.span.clone(), "0 percent", "more, or no such rule");
            }
            return Some(Match::Percent { from: 0, to, salt: self.salt.to_owned() });
        }
        let mut fields = Fields::open(node, path, self.report)?;
        let from = fields.required("from", self.report);
        let to = fields.required("to", self.report);
        let salt = fields.optional("salt");
        fields.finish(self.report);
        let from = from.and_then(|node| self.slots(node, &path.field("from")));
        let to = to.and_then(|node| self.slots(node, &path.field("to")));
        let salt = salt.map(|node| names::non_empty(node, &path.field("salt"), self.report));
        let (from, to, salt) = (from?, to?, salt.unwrap_or(Some(self.salt))?.to_owned());
        if from >= to {
            let found = format!("{from} to {to} thousandths of a percent");
            self.report.error("empty-range", path, node.span.clone(), found, "from below to");
            return None;
        }
        Some(Match::Percent { from, to, salt })
    }

    fn slots(&mut self, node: &Node, path: &Path<'_>) -> Option<u32> {
        let slots = match &node.value {
            Value::Number(text) => slot::from_percent(text),
            _ => None,
        };
        if slots.is_none() {
            let quoted = names::text(node).is_some_and(|text| slot::from_percent(text).is_some());
            let without = if quoted { ", without quotes" } else { "" };
            self.report.wrong("bad-percent", path, node, format!("a number from 0 to 100 in steps of 0.001{without}"));
        }
        slots
    }
}

impl Match {
    /// How often it asks `contains` or `regex`.
    pub(super) fn contains(&self) -> usize {
        match self {
            Match::All(inner) | Match::Any(inner) => inner.iter().map(Match::contains).sum(),
            Match::Not(inner) => inner.contains(),
            Match::Test(_, Operator::Text { how: TextOperator::Contains, .. } | Operator::Regex(_)) => 1,
            Match::Test(..) | Match::Percent { .. } | Match::Time { .. } | Match::Audience(_) => 0,
        }
    }

    /// Hosts have no case, whatever was written.
    fn without_case(mut self) -> Self {
        if let Match::Test(
            _,
            Operator::Text { fold, .. } | Operator::In { fold, .. } | Operator::Regex(Regex { fold, .. }),
        ) = &mut self
        {
            *fold = true;
        }
        self
    }
}
