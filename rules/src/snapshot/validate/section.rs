//! One section: the rules of one rule set.

use std::collections::BTreeSet;

use super::{Parts, demand, index::index, switches, unusable};
use crate::{
    allocation::RANGES_LIMIT,
    automaton,
    document::{CONTAINS_LIMIT, ID_LIMIT, SET_BYTES_LIMIT, SET_LIMIT, cookies, labels},
    network::RANGE_SIZE,
    owned, semver,
    slot::SLOTS,
    snapshot::{
        Unusable,
        records::{
            Attribute, Comparison, FAILED, MATCHED, Range, Rule, SectionExtent, Setting, Split, Test, Text, Value,
            flag, kind, operator, relation, then, trust,
        },
        section::Section,
        tables::slice,
    },
    trust::{HOPS_LIMIT, PEERS_LIMIT, is_peer},
};

/// The longest name of an attribute, in bytes: that of a claim, with the header that carries it.
const NAME_LIMIT: usize = 2_048;

/// The longest path of a rule, in bytes: two names and a slash between them.
const PATH_LIMIT: usize = ID_LIMIT.saturating_mul(2).saturating_add(1);

/// Opens and checks one section.
pub(in crate::snapshot) fn section(
    number: u32,
    bytes: &[u8],
    extent: SectionExtent,
    audiences: usize,
) -> Result<Section<'_>, Unusable> {
    let bytes = slice(bytes, extent.offset.get(), extent.length.get());
    let section =
        bytes.and_then(|bytes| Section::open(number, bytes)).ok_or_else(|| unusable("a table out of bounds"))?;
    check_texts(&section)?;
    check_names(&section)?;
    check_variants(&section)?;
    check_headers(&section)?;
    check_versions(&section)?;
    check_automata(&section)?;
    check_cookies(&section)?;
    check_trust(&section)?;
    switches::check(&section)?;
    for attribute in section.identity().iter().chain(section.attributes()) {
        demand(attribute.kind <= kind::JWT_CLAIM, "an unknown attribute")?;
        // However many tests ask for it, a name is looked for in each request.
        demand(attribute.name.length.get() as usize <= NAME_LIMIT, "an attribute of too long a name")?;
        // The host is asked by a path whose parts are joined by NUL.
        let is_label = attribute.kind == kind::LABEL;
        demand(!is_label || labels::is_name(section.text(attribute.name)), "a label without a proper name")?;
    }
    let identity = section.identity().iter();
    let is_source = |source: &Attribute| matches!(source.kind, kind::HEADER | kind::COOKIE | kind::JWT_CLAIM);
    demand(identity.clone().all(is_source), "an identity that is no header, cookie or claim")?;
    demand((section.header.default_variant.get() as usize) < section.variants().len(), "a default out of bounds")?;
    check_tests(&section, audiences)?;
    let (mut tests, mut ranges) = (Parts::default(), Parts::default());
    section.rules().iter().try_for_each(|rule| check_rule(&section, rule, &mut tests))?;
    check_settings(&section)?;
    section.splits().iter().try_for_each(|split| check_split(&section, split, &mut ranges))?;
    index(&section)?;
    Ok(section.ready())
}

fn check_texts(section: &Section<'_>) -> Result<(), Unusable> {
    let header = section.header;
    let singles = [
        header.name,
        header.variant_header,
        header.experiment_header,
        header.evaluated_at_header,
        header.default_path,
        header.inherited_path,
        header.sources,
        header.issued.name,
        header.sticky.name,
    ];
    let has = |text: Text| section.texts.has(text);
    // One loop a table: there are many rules, and a chain of all would ask for each text which table it is of.
    let all = singles.into_iter().all(has)
        && section.variants().iter().all(|variant| has(variant.name))
        && section.identity().iter().all(|attribute| has(attribute.name))
        && section.attributes().iter().all(|attribute| has(attribute.name))
        && section.rules().iter().all(|rule| has(rule.path))
        && section.values().iter().chain(section.peers()).all(|value| has(value.text))
        && section.all_comparisons().iter().all(|comparison| has(comparison.prerelease))
        && section.automata().iter().all(|automaton| has(automaton.pattern))
        && section.splits().iter().all(|split| has(split.name) && has(split.experiment))
        && section.all_settings().iter().all(|setting| has(setting.name) && has(setting.value))
        && section.switches().iter().all(|switch| has(switch.name) && has(switch.default))
        && section.switch_values().iter().all(|value| has(value.item))
        && section.switch_texts().iter().all(|text| has(*text));
    demand(all, "a text out of bounds")
}

/// What ends up in metrics, logs and filter state is as short as a compiler makes it, and no control character.
fn check_names(section: &Section<'_>) -> Result<(), Unusable> {
    let short = |text: Text| text.length.get() as usize <= ID_LIMIT && owned::is_value(section.text(text));
    // The paths of rules are most of the text: where all of it is visible, only their ends are of interest.
    let visible = owned::is_visible(section.texts.all());
    let is_value = |value: &[u8]| if visible { owned::has_ends(value) } else { owned::is_value(value) };
    let path = |text: Text| text.length.get() as usize <= PATH_LIMIT && is_value(section.text(text));
    let experiment = |text: Text| text.length.get() == 0 || short(text);
    demand(short(section.header.name) && path(section.header.default_path), "a rule set without a proper name")?;
    demand(section.rules().iter().all(|rule| path(rule.path)), "a rule without a proper name")?;
    let mut splits = section.splits().iter();
    demand(splits.all(|split| short(split.name) && experiment(split.experiment)), "a split without a proper name")
}

/// Variants are told apart by their names, and counted by them.
fn check_variants(section: &Section<'_>) -> Result<(), Unusable> {
    let mut names = BTreeSet::new();
    for variant in section.variants() {
        let name = section.text(variant.name);
        demand(name.len() <= ID_LIMIT && owned::is_value(name), "a variant that is no header value")?;
        demand(names.insert(name), "a variant a second time")?;
    }
    Ok(())
}

/// What would turn into an invalid request is refused here too: Envoy answers it with 503.
fn check_headers(section: &Section<'_>) -> Result<(), Unusable> {
    let name = |bytes: &[u8]| {
        bytes != owned::SWITCHES.as_bytes() && short_text(bytes).is_some_and(|name| owned::check(name).is_ok())
    };
    demand(name(section.text(section.header.variant_header)), "a variant header that may not be set")?;
    let mut further = section.experiment_header().into_iter().chain(section.evaluated_at_header());
    demand(further.all(name), "a header of an experiment that may not be set")?;
    let sound = |setting: &Setting| name(section.text(setting.name)) && owned::is_value(section.text(setting.value));
    demand(section.all_settings().iter().all(sound), "a header that may not be set, or not to that value")
}

/// What is set is a cookie, and its name cannot bring anything else into the response.
fn check_cookies(section: &Section<'_>) -> Result<(), Unusable> {
    for cookie in [section.header.issued, section.header.sticky] {
        let (name, age) = (section.text(cookie.name), cookie.max_age.get());
        let sound = cookies::is_name(name) && (1..=cookies::MAX_AGE_LIMIT).contains(&age);
        demand(name.is_empty() || sound, "a cookie that may not be set")?;
    }
    Ok(())
}

/// Whoever is trusted is named as a compiler names him, and what a decision looks at for it is bounded.
fn check_trust(section: &Section<'_>) -> Result<(), Unusable> {
    let header = section.header;
    let inherited = section.text(header.inherited_path);
    let named = inherited.len() <= PATH_LIMIT && owned::is_value(inherited);
    demand(header.trust & !trust::ALL == 0, "an unknown kind of trust")?;
    let (trusts, sources) = (|whom: u8| header.trust & whom != 0, section.text(header.sources));
    demand(trusts(trust::ALL) != inherited.is_empty(), "trust without a name")?;
    demand(inherited.is_empty() || named, "trust without a proper name")?;
    demand(trusts(trust::PEERS) != section.peers().is_empty(), "peers that are not trusted")?;
    demand(section.peers().len() <= PEERS_LIMIT, "too many peers")?;
    let is_peer = |peer: &Value| is_peer(section.text(peer.text));
    demand(section.peers().iter().all(is_peer), "a peer without a proper name")?;
    demand(trusts(trust::SOURCES) != sources.is_empty(), "sources that are not trusted")?;
    demand(sources.len().is_multiple_of(RANGE_SIZE) && header.hops <= HOPS_LIMIT, "sources that are none")
}

/// Text that is not too long to be looked at, however often it is referred to.
fn short_text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > owned::VALUE_LIMIT { None } else { std::str::from_utf8(bytes).ok() }
}

fn check_rule(section: &Section<'_>, rule: &Rule, parts: &mut Parts) -> Result<(), Unusable> {
    let exists = match rule.then_kind.get() {
        then::VARIANT => usize::from(rule.then.get()) < section.variants().len(),
        then::SPLIT => usize::from(rule.then.get()) < section.splits().len(),
        _ => false,
    };
    demand(exists, "a rule that decides nothing")?;
    let (first, count) = (rule.first_test.get(), rule.tests.get());
    let tests = slice(section.tests(), first, count).ok_or_else(|| unusable("tests out of bounds"))?;
    demand(parts.follows(first, count), "tests that two rules share")?;
    let end = first.saturating_add(count);
    for (test, number) in tests.iter().zip(first..) {
        // Only forward: so a walk ends, whatever the bytes are.
        let forward = |to: u32| matches!(to, MATCHED | FAILED) || (number < to && to < end);
        demand(forward(test.on_true.get()) && forward(test.on_false.get()), "a jump that is not forward")?;
        check_test(section, test)?;
    }
    Ok(())
}

/// No rule sets more than a compiler lets it: a request has to carry it all.
fn check_settings(section: &Section<'_>) -> Result<(), Unusable> {
    let settings = section.all_settings();
    let number = |setting: &Setting| setting.rule.get();
    demand(settings.is_sorted_by_key(number), "settings out of order")?;
    demand(settings.last().is_none_or(|last| (number(last) as usize) < section.rules().len()), "a setting of no rule")?;
    settings.chunk_by(|one, next| number(one) == number(next)).try_for_each(|own| {
        demand(own.len() <= SET_LIMIT, "a rule that sets too many headers")?;
        let bytes: usize = own.iter().map(|setting| section.text(setting.value).len()).sum();
        demand(bytes <= SET_BYTES_LIMIT, "a rule that sets too many bytes")
    })
}

fn check_test(section: &Section<'_>, test: &Test) -> Result<(), Unusable> {
    let (a, b) = (test.a.get(), test.b.get());
    let operand = match test.operator {
        operator::PRESENT => true,
        operator::RANGE | operator::PERCENT | operator::WINDOW => (a as usize) < section.wides().len(),
        operator::EXACT | operator::PREFIX | operator::SUFFIX | operator::CONTAINS => section.texts.at(a, b).is_some(),
        operator::REGEX => section.automaton(test).is_some(),
        operator::SEMVER => check_comparisons(section, test),
        operator::AUDIENCE => (b as usize) < section.values().len(),
        operator::CIDR => (b as usize).is_multiple_of(RANGE_SIZE) && section.texts.at(a, b).is_some(),
        operator::IN => slice(section.values(), a, b).is_some(),
        _ => false,
    };
    demand(operand, "an unknown operator or an operand out of bounds")?;
    demand(test.flags & !(flag::FOLD | flag::NEGATED | flag::PRERELEASES | flag::FOUND_BY) == 0, "an unknown flag")?;
    let attribute = section.attributes().get(usize::from(test.attribute.get()));
    let attribute = attribute.ok_or_else(|| unusable("an attribute out of bounds"))?;
    // What a test is told to be about is what it is about: by that the bound of a share is told.
    let about = match test.operator {
        operator::PERCENT | operator::AUDIENCE => attribute.kind == kind::IDENTITY,
        operator::WINDOW => attribute.kind == kind::TIME,
        _ => attribute.kind != kind::TIME,
    };
    demand(about, "a test about something else than its attribute")
}

/// What is to be said of all tests together. No value belongs to two lists: each is looked up for each test that has it.
fn check_tests(section: &Section<'_>, audiences: usize) -> Result<(), Unusable> {
    let (mut lists, mut contains) = (Parts::default(), 0_usize);
    for test in section.tests() {
        match test.operator {
            operator::IN => {
                demand(lists.follows(test.a.get(), test.b.get()), "values that two tests share")?;
            }
            operator::CONTAINS | operator::REGEX => contains = contains.saturating_add(1),
            operator::AUDIENCE => demand((test.a.get() as usize) < audiences, "a test of no audience")?,
            _ => {}
        }
    }
    demand(contains <= CONTAINS_LIMIT, "too many `contains` and `regex`")
}

/// Every version to compare with is short and of numbers that a version may have.
fn check_versions(section: &Section<'_>) -> Result<(), Unusable> {
    let sound = |one: &Comparison| {
        (relation::LESS..=relation::ANY).contains(&one.relation)
            && one.last <= 1
            && one.numbers().iter().all(|&number| number <= semver::GREATEST)
            && one.prerelease.length.get() as usize <= semver::RANGE_LIMIT
    };
    demand(section.all_comparisons().iter().all(sound), "a comparison with no version")
}

/// Every step of every automaton stays within it, and no transition belongs to two of them.
fn check_automata(section: &Section<'_>) -> Result<(), Unusable> {
    let mut parts = Parts::default();
    for automaton in section.automata() {
        let transitions = section.transitions_of(automaton).ok_or_else(|| unusable("transitions out of bounds"))?;
        let count = u32::try_from(transitions.len()).unwrap_or(u32::MAX);
        demand(parts.follows(automaton.first_transition.get(), count), "transitions that two automata share")?;
        demand(automaton::is_sound(&automaton.shape, transitions), "an automaton that leads out of itself")?;
    }
    Ok(())
}

/// Tests may share comparisons, so no test may have many.
fn check_comparisons(section: &Section<'_>, test: &Test) -> bool {
    (1..=semver::COMPARISONS_LIMIT).contains(&section.comparisons(test).len())
}

fn check_split(section: &Section<'_>, split: &Split, parts: &mut Parts) -> Result<(), Unusable> {
    demand(parts.follows(split.first_range.get(), split.ranges.get()), "ranges that two splits share")?;
    let (ranges, variants) = (section.ranges(split), section.variants().len());
    demand((1..=RANGES_LIMIT).contains(&ranges.len()), "a split with no range, or too many")?;
    demand(ranges.first().is_some_and(|range| range.from.get() == 0), "a split that does not begin at slot 0")?;
    let sorted = ranges.windows(2).all(|pair| match pair {
        [one, next] => one.from.get() < next.from.get(),
        _ => true,
    });
    demand(sorted, "ranges out of order")?;
    let inside = |range: &Range| range.from.get() < SLOTS && usize::from(range.variant.get()) < variants;
    demand(ranges.iter().all(inside), "a range beyond the slots or the variants")
}
