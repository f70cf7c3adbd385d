//! Documents to snapshot: the only place that knows both ends.

mod audiences;
mod automata;
mod clashes;
mod graph;
mod headers;
mod index;
mod section;
mod switches;

use std::collections::BTreeMap;

use automata::Automata;

use crate::{
    Automaton, Problem, Registry, SNAPSHOT_FORMAT, Source, Tagged,
    audience::Fingerprint,
    document::{self, Document, Lock, RuleSet},
    order,
    parsers::{self, Choice},
    report::{Path, Report},
    snapshot::{
        SNAPSHOT_LIMIT,
        records::{self, Header, MAGIC, Output, Scope, SectionExtent, host},
        write::{Container, size},
    },
    tree::quote,
};

use audiences::Audiences;
pub(crate) use clashes::refuse_namesakes;

/// The most pairs of host and path prefix in a namespace; more would not fit into a snapshot.
const SCOPES_LIMIT: usize = 50_000;

/// What documents compile to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The snapshot's bytes, for [`Snapshot::load`](crate::Snapshot::load).
    pub snapshot: Vec<u8>,
    /// What is odd about the documents, but harmless.
    pub warnings: Vec<Problem>,
    /// Which parser read what, in the order of the sources.
    pub parsed: Vec<Parsed>,
    /// What its regular expressions were compiled to, each once: for [`compile_with_automata`] where none can be compiled.
    pub automata: Vec<Automaton>,
}

/// How a document was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Which of the sources, from 0.
    pub source: usize,
    /// Its kind: `RuleSet`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What it is tagged with.
    pub tag: Option<String>,
    /// The parser that read it, by its own tag.
    pub parser: &'static str,
}

/// Compiles the documents of one namespace; none compile to a snapshot that decides nothing.
///
/// # Errors
/// Every problem of every document at once, warnings included, ordered by source and place.
pub fn compile(sources: &[Source<'_>]) -> Result<Compiled, Vec<Problem>> {
    compile_with(&tagged(sources), &Registry::default())
}

/// The same for documents that came with tags, or that other parsers read as well.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(sources: &[Tagged<'_>], registry: &Registry) -> Result<Compiled, Vec<Problem>> {
    compile_all(sources, registry, Besides::default())
}

/// The same as [`compile`] with automata that were compiled elsewhere, which are taken as they are.
///
/// A build without the feature `regex` compiles no others.
///
/// # Errors
/// As [`compile`]; an automaton that is damaged, and in a build without `regex` one that is missing.
pub fn compile_with_automata(sources: &[Source<'_>], automata: &[Automaton]) -> Result<Compiled, Vec<Problem>> {
    compile_all(&tagged(sources), &Registry::default(), Besides { automata, ..Besides::default() })
}

/// The same as [`compile`], with an overlay above what the documents say.
///
/// # Errors
/// As [`compile`]; the problems of the overlay are those of a source behind the last one.
pub fn compile_under(sources: &[Source<'_>], overlay: Overlay<'_>) -> Result<Compiled, Vec<Problem>> {
    compile_all(&tagged(sources), &Registry::default(), Besides { automata: &[], overlay })
}

fn tagged<'a>(sources: &[Source<'a>]) -> Vec<Tagged<'a>> {
    sources.iter().copied().map(Tagged::from).collect()
}

/// What is compiled besides the documents.
#[derive(Clone, Copy, Default)]
struct Besides<'a> {
    automata: &'a [Automaton],
    overlay: Overlay<'a>,
}

/// What stands above the documents of a namespace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overlay<'a> {
    /// Values of switches, in [their string form](crate::switches::Overrides).
    pub switches: &'a str,
    /// Which rule sets are switched off.
    pub off: Off<'a>,
}

/// Which rule sets are switched off: everybody has the default variant, no cookie is set, no variant that a request carries
/// is believed, and the rule is told as `checkout/_off`. Their switches stay.
#[derive(Clone, Copy, Debug)]
pub enum Off<'a> {
    /// Those of these names; names of no rule set say nothing.
    These(&'a [&'a str]),
    /// All.
    All,
}

impl Default for Off<'_> {
    fn default() -> Self {
        Self::These(&[])
    }
}

impl Off<'_> {
    fn holds(&self, name: &str) -> bool {
        match self {
            Self::These(names) => names.contains(&name),
            Self::All => true,
        }
    }
}

fn compile_all(
    sources: &[Tagged<'_>],
    registry: &Registry,
    Besides { automata, overlay }: Besides<'_>,
) -> Result<Compiled, Vec<Problem>> {
    let mut report = Report::default();
    let mut rule_sets = Vec::new();
    let (mut locks, mut audiences, mut parser_tags, mut parsed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut unread = false;
    for (index, (choice, tagged)) in Choice::of(sources, registry).iter().zip(sources).enumerate() {
        report.begin(index);
        let Some((_, document)) = choice.read(&tagged.source, &mut report) else {
            unread = true;
            continue;
        };
        parsed.push(choice.parsed(index, &document));
        match document {
            Document::RuleSet(rule_set) => rule_sets.push((index, *rule_set)),
            Document::Lock(lock) => locks.push((index, lock)),
            Document::Audience(audience) => audiences.push((index, audience)),
            Document::ParserTags(tags) => parser_tags.push((index, tags.name)),
        }
    }
    parsers::refuse_second(&parser_tags, &mut report);
    clashes::refuse_namesakes(rule_sets.iter().map(|(index, rule_set)| (*index, &rule_set.name)), &mut report);
    clashes::refuse_namesakes(locks.iter().map(|(index, lock)| (*index, &lock.name)), &mut report);
    clashes::refuse_namesakes(audiences.iter().map(|(index, audience)| (*index, &audience.name)), &mut report);
    order::sort_by(&mut rule_sets, |(_, one), (_, other)| one.name.text.cmp(&other.name.text));
    headers::refuse_foreign(&rule_sets, &mut report);
    switches::refuse_namesakes(&rule_sets, &mut report);
    let allocations = allocate(&rule_sets, &locks, &mut report);
    report.begin(sources.len());
    switches::overlay(overlay.switches, &mut rule_sets, &mut report);
    report.begin(0);
    switches::refuse_too_large(&rule_sets, &mut report);
    let audiences = Audiences::resolve(&rule_sets, &audiences, unread, &mut report);
    if report.has_errors() {
        return Err(report.into_problems());
    }
    let scopes: usize = rule_sets.iter().map(|(_, rule_set)| rule_set.scope.pairs()).sum();
    if scopes > SCOPES_LIMIT {
        report.document_error(
            "too-large",
            format!("{scopes} pairs of host and path prefix"),
            "at most 50000 in a namespace",
        );
        return Err(report.into_problems());
    }
    if cfg!(feature = "advice") {
        clashes::warn_of_shadowed(&rule_sets, &mut report);
        clashes::warn_of_missing_locks(&rule_sets, &locks, &mut report);
    }
    let automata = Automata::of(&rule_sets, automata, &mut report);
    if report.has_errors() {
        return Err(report.into_problems());
    }
    // Last of all: documents that are switched off are as sound as if they were not.
    for (_, rule_set) in rule_sets.iter_mut().filter(|(_, rule_set)| overlay.off.holds(&rule_set.name.text)) {
        rule_set.switch_off();
    }
    let rule_sets: Vec<&RuleSet> = rule_sets.iter().map(|(_, rule_set)| rule_set).collect();
    let snapshot = namespace(&rule_sets, &allocations, &automata, &audiences);
    if snapshot.len() > SNAPSHOT_LIMIT {
        let found = format!("documents that compile to {} bytes", snapshot.len());
        report.document_error("too-large", found, "a snapshot of at most 2 MiB");
        return Err(report.into_problems());
    }
    Ok(Compiled { snapshot, warnings: report.into_problems(), parsed, automata: automata.into_list() })
}

/// For each rule set the ranges of each of its splits: those of its lock, or else consecutive ones.
fn allocate(
    rule_sets: &[(usize, RuleSet)],
    locks: &[(usize, Lock)],
    report: &mut Report,
) -> Vec<Vec<Vec<crate::allocation::Range>>> {
    for (index, lock) in locks {
        report.begin(*index);
        match rule_sets.iter().find(|(_, rule_set)| rule_set.name.text == lock.name.text) {
            Some((_, rule_set)) => lock.check_names(rule_set, report),
            // It may be among those that could not be read.
            None if report.has_errors() => {}
            None => {
                let path = Path::DOCUMENT;
                let path = path.field("metadata");
                let found = format!("a lock of {}, which is not among the documents", quote(&lock.name.text));
                let names = rule_sets.iter().map(|(_, rule_set)| rule_set.name.text.as_str());
                let expected = report.or_meant("the name of a rule set".to_owned(), &lock.name.text, names);
                report.warning("lock-unused", &path.field("name"), lock.name.span.clone(), found, expected);
            }
        }
    }
    let ranges = |rule_set: &RuleSet, report: &mut Report| {
        let lock = locks.iter().find(|(_, lock)| lock.name.text == rule_set.name.text);
        (0..)
            .zip(&rule_set.splits)
            .map(|(place, split)| {
                let locked = lock.and_then(|(index, lock)| {
                    report.begin(*index);
                    lock.ranges(rule_set, place, report)
                });
                locked.unwrap_or_else(|| split.ranges())
            })
            .collect()
    };
    rule_sets.iter().map(|(_, rule_set)| ranges(rule_set, report)).collect()
}

fn namespace(
    rule_sets: &[&RuleSet],
    allocations: &[Vec<Vec<crate::allocation::Range>>],
    automata: &Automata,
    audiences: &Audiences<'_>,
) -> Vec<u8> {
    let mut file = Container::new(size_of::<Header>());
    let (outputs, scopes) = outputs_and_scopes(rule_sets, &mut file);
    let (outputs, scopes) = (file.table(&outputs), file.table(&scopes));
    let members: Vec<Fingerprint> = audiences.iter().flat_map(|audience| &audience.members).copied().collect();
    let (audience_table, members) = (file.table(&extents_of(audiences)), file.table(&members));
    let text = file.close_text();
    let placeholder = SectionExtent { offset: 0.into(), length: 0.into() };
    // The table of sections stands in front of them and is written when they are known.
    let table_at = file.len();
    let mut extents = vec![placeholder; rule_sets.len()];
    let sections = file.table(&extents);
    for ((rule_set, ranges), extent) in rule_sets.iter().zip(allocations).zip(&mut extents) {
        let bytes = section::write(rule_set, ranges, automata, audiences);
        *extent = SectionExtent { offset: size(file.append(&bytes)), length: size(bytes.len()) };
    }
    let header = Header {
        magic: MAGIC,
        format: SNAPSHOT_FORMAT.into(),
        reserved: 0.into(),
        length: size(file.len()),
        outputs,
        scopes,
        sections,
        audiences: audience_table,
        members,
        text,
    };
    file.put(table_at, &extents);
    file.finish(header)
}

/// Where the members of each audience stand, one audience after the other.
fn extents_of(audiences: &Audiences<'_>) -> Vec<records::Audience> {
    let mut first = 0usize;
    let extent = |audience: &document::Audience| {
        let (begin, count) = (first, audience.members.len());
        first = first.saturating_add(count);
        records::Audience { first: size(begin), members: size(count) }
    };
    audiences.iter().map(extent).collect()
}

/// The variant headers, and for each the scopes of its rule sets, the most specific first.
fn outputs_and_scopes(rule_sets: &[&RuleSet], file: &mut Container) -> (Vec<Output>, Vec<Scope>) {
    let mut by_header: BTreeMap<&str, Vec<(Specificity<'_>, usize)>> = BTreeMap::new();
    for (number, rule_set) in rule_sets.iter().enumerate() {
        let scopes = by_header.entry(&rule_set.output.variant_header).or_default();
        scopes.extend(specificities(rule_set).into_iter().map(|scope| (scope, number)));
    }
    let (mut outputs, mut scopes) = (Vec::new(), Vec::new());
    for (header, mut of_header) in by_header {
        order::sort(&mut of_header);
        let first_scope = size(scopes.len());
        outputs.push(Output { header: file.text(header), first_scope, scopes: size(of_header.len()) });
        scopes.extend(of_header.into_iter().map(|(scope, number)| Scope {
            host_kind: scope.host_kind(),
            reserved: 0,
            host: file.text(scope.host.strip_prefix('*').unwrap_or(scope.host)),
            path_prefix: file.text(scope.path_prefix),
            section: size(number),
        }));
    }
    (outputs, scopes)
}

/// One host and prefix of a scope; the most specific sorts first: an exact host before the longest
/// wildcard before none, then the longest path prefix, then the name of the rule set. Those of one host stand together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Specificity<'d> {
    vagueness: u8,
    host_length: std::cmp::Reverse<usize>,
    host: &'d str,
    prefix_length: std::cmp::Reverse<usize>,
    path_prefix: &'d str,
    name: &'d str,
}

impl Specificity<'_> {
    fn host_kind(&self) -> u8 {
        match self.vagueness {
            0 => host::EXACT,
            1 => host::LABELS,
            _ => host::ANY,
        }
    }
}

fn specificities(rule_set: &RuleSet) -> Vec<Specificity<'_>> {
    let hosts = non_empty(&rule_set.scope.hosts);
    let prefixes = non_empty(&rule_set.scope.path_prefixes);
    let vagueness = |host: &str| match host {
        "" => 2,
        wild if wild.starts_with('*') => 1,
        _ => 0,
    };
    hosts
        .iter()
        .flat_map(|host| {
            let vagueness = vagueness(host);
            // Exact hosts are equally specific, whatever their length.
            let host_length = std::cmp::Reverse(if vagueness == 1 { host.len() } else { 0 });
            prefixes.iter().map(move |path_prefix| Specificity {
                vagueness,
                host_length,
                prefix_length: std::cmp::Reverse(path_prefix.len()),
                name: &rule_set.name.text,
                host,
                path_prefix,
            })
        })
        .collect()
}

/// The texts, or one empty one that stands for any.
fn non_empty(texts: &[String]) -> Vec<&str> {
    if texts.is_empty() { vec![""] } else { texts.iter().map(String::as_str).collect() }
}
