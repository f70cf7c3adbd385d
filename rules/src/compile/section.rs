//! A rule set to the bytes of its section.

use super::{audiences::Audiences, automata::Automata, graph::Graph, index, switches};
use crate::{
    allocation,
    document::{Attribute, Cookie, IdentitySource, Name, RuleSet, Then},
    network,
    slot::{Domain, seed},
    snapshot::{
        index::Operands,
        records::{self, OFF, Rule, SectionHeader, Setting, Split, Text, Value, Variant, kind, then, trust},
        write::{Container, place, size},
    },
};

/// Writes the section of `rule_set`, whose splits have these ranges; `audiences` are those it may ask for.
pub(super) fn write(
    rule_set: &RuleSet,
    ranges: &[Vec<allocation::Range>],
    automata: &Automata,
    audiences: &Audiences<'_>,
) -> Vec<u8> {
    let mut section = Container::new(size_of::<SectionHeader>());
    let name = &rule_set.name.text;
    let default = if rule_set.is_off { OFF } else { "/_default" };
    let (name, default_path) = (section.text(name), section.text(&format!("{name}{default}")));
    let output = &rule_set.output;
    let variant_header = section.text(&output.variant_header);
    let mut optional = |header: &Option<Name>| section.text(header.as_ref().map_or("", |header| header.text.as_str()));
    let (experiment_header, evaluated_at_header) =
        (optional(&output.experiment_header), optional(&output.evaluated_at_header));
    let trust = Trust::of(rule_set, &mut section);
    let variants: Vec<Variant> =
        rule_set.variants.iter().map(|variant| Variant { name: section.text(variant) }).collect();
    let issued = cookie(rule_set.identity.iter().find_map(IdentitySource::issued), &mut section);
    let sticky = cookie(rule_set.sticky.as_ref(), &mut section);
    let mut graph = Graph::new(automata, audiences);
    let (rules, settings) = write_rules(rule_set, &mut graph, &mut section);
    let (splits, slot_ranges) = write_splits(rule_set, ranges, &mut section);
    let (switches, switch_values, switch_texts) = switches::write(rule_set, &mut section);
    let identity: Vec<_> = rule_set.identity.iter().map(|source| attribute(&source.into(), &mut section)).collect();
    let attributes: Vec<_> = graph.attributes.iter().map(|known| attribute(known, &mut section)).collect();
    let operands = Operands { texts: section.texts(), values: &graph.values };
    let index = index::index(&rules, &mut graph.tests, operands);
    let header = SectionHeader {
        name,
        variant_header,
        experiment_header,
        evaluated_at_header,
        default_path,
        inherited_path: trust.path,
        default_variant: place(rule_set.default),
        trust: trust.bits,
        hops: trust.hops,
        sources: trust.sources,
        peers: section.table(&trust.peers),
        issued,
        sticky,
        variants: section.table(&variants),
        identity: section.table(&identity),
        attributes: section.table(&attributes),
        rules: section.table(&rules),
        tests: section.table(&graph.tests),
        values: section.table(&graph.values),
        wides: section.table(&graph.wides),
        comparisons: section.table(&graph.comparisons),
        automata: section.table(&graph.automata),
        transitions: section.table(&graph.transitions),
        splits: section.table(&splits),
        ranges: section.table(&slot_ranges),
        settings: section.table(&settings),
        keys: section.table(&index.keys),
        slots: section.table(&index.slots),
        places: section.table(&index.places),
        always: section.table(&index.always),
        switches: section.table(&switches),
        switch_values: section.table(&switch_values),
        switch_texts: section.table(&switch_texts),
        text: section.close_text(),
    };
    section.finish(header)
}

/// Whose variant is believed.
struct Trust {
    path: Text,
    bits: u8,
    hops: u8,
    sources: Text,
    peers: Vec<Value>,
}

impl Trust {
    fn of(rule_set: &RuleSet, section: &mut Container) -> Self {
        let none = section.text("");
        let Some(inherit) = &rule_set.inherit else {
            return Self { path: none, bits: 0, hops: 0, sources: none, peers: Vec::new() };
        };
        let peers: Vec<_> = inherit.peers.iter().map(|peer| Value { text: section.text(peer) }).collect();
        let bit = |is: bool, bit: u8| if is { bit } else { 0 };
        let sources = inherit.sources.as_ref();
        Self {
            path: section.text(&format!("{}/_inherited", rule_set.name.text)),
            bits: bit(!peers.is_empty(), trust::PEERS)
                | bit(sources.is_some(), trust::SOURCES)
                | bit(inherit.outbound, trust::OUTBOUND),
            hops: sources.map_or(0, |(_, hops)| *hops),
            sources: sources.map_or(none, |(ranges, _)| section.bytes(&network::bytes(ranges.clone()))),
            peers,
        }
    }
}

fn write_rules(rule_set: &RuleSet, graph: &mut Graph<'_>, section: &mut Container) -> (Vec<Rule>, Vec<Setting>) {
    let mut settings = Vec::new();
    let rules = (0_u32..)
        .zip(&rule_set.rules)
        .map(|(number, rule)| {
            let (first_test, tests) = rule.when.as_ref().map_or((0, 0), |when| graph.rule(when, section));
            let (then_kind, target) = match rule.then {
                Then::Variant(variant) => (then::VARIANT, variant),
                Then::Split(split) => (then::SPLIT, split),
            };
            settings.extend(rule.set.iter().map(|own| {
                let (name, value) = (section.text(&own.name.text), section.text(&own.value));
                Setting { rule: number.into(), name, value }
            }));
            Rule {
                path: section.text(&format!("{}/{}", rule_set.name.text, rule.id.text)),
                first_test: size(first_test),
                tests: size(tests),
                then_kind: then_kind.into(),
                then: place(target),
            }
        })
        .collect();
    (rules, settings)
}

fn write_splits(
    rule_set: &RuleSet,
    ranges: &[Vec<allocation::Range>],
    section: &mut Container,
) -> (Vec<Split>, Vec<records::Range>) {
    let mut slot_ranges = Vec::new();
    let splits = rule_set
        .splits
        .iter()
        .zip(ranges)
        .map(|(split, ranges)| {
            let first_range = size(slot_ranges.len());
            slot_ranges.extend(ranges.iter().map(|range| records::Range {
                from: range.from.into(),
                variant: place(range.variant),
                reserved: 0.into(),
            }));
            Split {
                name: section.text(&split.name.text),
                experiment: section.text(split.experiment.as_deref().unwrap_or_default()),
                seed: seed(Domain::Split, &split.salt).into(),
                first_range,
                ranges: size(ranges.len()),
            }
        })
        .collect();
    (splits, slot_ranges)
}

impl From<&IdentitySource> for Attribute {
    fn from(source: &IdentitySource) -> Self {
        match source {
            IdentitySource::Header(name) => Attribute::Header(name.clone()),
            IdentitySource::Cookie(name) => Attribute::Cookie(name.clone()),
            IdentitySource::Issue(cookie) => Attribute::Cookie(cookie.name.clone()),
            IdentitySource::JwtClaim(name) => Attribute::JwtClaim(name.clone()),
        }
    }
}

fn cookie(cookie: Option<&Cookie>, section: &mut Container) -> records::Cookie {
    let (name, max_age) = cookie.map_or(("", 0), |cookie| (cookie.name.as_str(), cookie.max_age));
    records::Cookie { name: section.text(name), max_age: max_age.into() }
}

fn attribute(attribute: &Attribute, section: &mut Container) -> records::Attribute {
    let (kind, name) = match attribute {
        Attribute::Header(name) => (kind::HEADER, name.as_str()),
        Attribute::Cookie(name) => (kind::COOKIE, name.as_str()),
        Attribute::Query(name) => (kind::QUERY, name.as_str()),
        Attribute::Path => (kind::PATH, ""),
        Attribute::Method => (kind::METHOD, ""),
        Attribute::Host => (kind::HOST, ""),
        Attribute::Identity => (kind::IDENTITY, ""),
        Attribute::Label(name) => (kind::LABEL, name.as_str()),
        Attribute::Source => (kind::SOURCE, ""),
        Attribute::Time => (kind::TIME, ""),
        Attribute::JwtClaim(name) => (kind::JWT_CLAIM, name.as_str()),
    };
    records::Attribute { kind, reserved: 0, name: section.text(name) }
}
