//! What documents say, for tools that remember and compare: names, slots, salts, and texts to compare by.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    Problem, Registry, Source, Tagged,
    allocation::Allocation,
    audience::Fingerprint,
    compile,
    document::{Audience, Document, Lock, Match, RuleSet, Then},
    owned,
    parsers::Choice,
    report::Report,
    tree::{Node, written},
};

/// What documents say; nothing about it is compiled, and locks may not fit.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The rule sets, sorted by name.
    pub rule_sets: Vec<RuleSetOutline>,
    /// The locks, sorted by name.
    pub locks: Vec<LockOutline>,
    /// The audiences, sorted by name.
    pub audiences: Vec<AudienceOutline>,
}

/// One rule set.
#[derive(Clone, Debug)]
pub struct RuleSetOutline {
    /// Which of the sources it is, from 0.
    pub source: usize,
    /// Its name.
    pub name: String,
    /// Where identities may be in a request, in order.
    pub identity: Vec<IdentityOutline>,
    /// Its splits, in the document's order.
    pub splits: Vec<SplitOutline>,
    /// Its rules, in order.
    pub rules: Vec<RuleOutline>,
    /// Its switches, sorted by name.
    pub switches: Vec<SwitchOutline>,
    /// The headers it may set, in lower case, sorted: those of its output and of its switches, and the names in `set`.
    pub headers: BTreeSet<String>,
    /// Every other field of `spec`, by name, as a text: two are equal where they say the same.
    pub fields: Vec<(String, String)>,
}

/// Where an identity may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityOutline {
    /// The key in the document: `header`, `cookie`.
    pub kind: String,
    /// The name of the header or the cookie, also of one that is issued; of other kinds a text that says all of it.
    pub name: String,
}

/// One split.
#[derive(Clone, Debug)]
pub struct SplitOutline {
    /// Its name.
    pub name: String,
    /// What its slots are drawn by.
    pub salt: String,
    /// The slots that the weights are worth, of each variant of the rule set.
    pub slots: Vec<(String, u32)>,
    /// What experiment it is.
    pub experiment: Option<String>,
}

/// One switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchOutline {
    /// Its name.
    pub name: String,
    /// The bytes of the document that its name is.
    pub span: Range<usize>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct RuleOutline {
    /// Its id.
    pub id: String,
    /// All of it as a text: two are equal where the rules say the same.
    pub text: String,
    /// Its percentages, in the document's order.
    pub percents: Vec<PercentOutline>,
    /// The audiences it asks for, by name.
    pub audiences: BTreeSet<String>,
    /// What it decides.
    pub then: ThenOutline,
}

/// What a rule that matched decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThenOutline {
    /// This variant.
    Variant(String),
    /// By the split of this name.
    Split(String),
}

/// One percentage, half open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PercentOutline {
    /// What its slots are drawn by.
    pub salt: String,
    /// Its first slot.
    pub from: u32,
    /// The slot behind its last.
    pub to: u32,
}

/// One lock.
#[derive(Clone, Debug)]
pub struct LockOutline {
    /// Which of the sources it is, from 0.
    pub source: usize,
    /// The name of its rule set.
    pub name: String,
    /// Its labels, in the document's order.
    pub labels: Vec<(String, String)>,
    /// What it remembers, by the names of splits, in the document's order.
    pub splits: Vec<(String, Allocation)>,
}

/// One audience.
#[derive(Clone, Debug)]
pub struct AudienceOutline {
    /// Its name.
    pub name: String,
    members: BTreeSet<Fingerprint>,
}

impl AudienceOutline {
    /// How many of its members `other` does not have.
    pub fn beyond(&self, other: Option<&Self>) -> usize {
        other.map_or(self.members.len(), |other| self.members.difference(&other.members).count())
    }
}

impl Outline {
    /// Reads documents: every one by itself, so that locks need not fit their rule sets.
    ///
    /// # Errors
    /// Every problem of every document at once, as from [`compile`](crate::compile()).
    pub fn read(sources: &[Source<'_>]) -> Result<Self, Vec<Problem>> {
        let mut report = Report::default();
        let mut outline = Self::default();
        let mut names = (Vec::new(), Vec::new());
        let tagged: Vec<Tagged<'_>> = sources.iter().copied().map(Tagged::from).collect();
        let registry = Registry::default();
        for (source, (choice, text)) in Choice::of(&tagged, &registry).iter().zip(sources).enumerate() {
            report.begin(source);
            let Some((tree, document)) = choice.read(text, &mut report) else { continue };
            match document {
                Document::RuleSet(rule_set) => {
                    outline.rule_sets.push(rule_set_outline(source, &rule_set, &tree));
                    names.0.push((source, rule_set.name));
                }
                Document::Lock(lock) => {
                    outline.locks.push(lock_outline(source, &lock, &tree));
                    names.1.push((source, lock.name));
                }
                Document::Audience(Audience { name, members }) => {
                    outline.audiences.push(AudienceOutline { name: name.text, members });
                }
                Document::ParserTags(_) => {}
            }
        }
        compile::refuse_namesakes(names.0.iter().map(|(source, name)| (*source, name)), &mut report);
        compile::refuse_namesakes(names.1.iter().map(|(source, name)| (*source, name)), &mut report);
        if report.has_errors() {
            return Err(report.into_problems());
        }
        outline.rule_sets.sort_by(|one, other| one.name.cmp(&other.name));
        outline.locks.sort_by(|one, other| one.name.cmp(&other.name));
        outline.audiences.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(outline)
    }

    /// The rule set of this name.
    pub fn rule_set(&self, name: &str) -> Option<&RuleSetOutline> {
        self.rule_sets.iter().find(|rule_set| rule_set.name == name)
    }

    /// The lock of the rule set of this name.
    pub fn lock(&self, name: &str) -> Option<&LockOutline> {
        self.locks.iter().find(|lock| lock.name == name)
    }

    /// The audience of this name.
    pub fn audience(&self, name: &str) -> Option<&AudienceOutline> {
        self.audiences.iter().find(|audience| audience.name == name)
    }

    /// What decides by the split of this name: what the lock remembers where that fits, or else one range for each variant.
    pub fn allocation(&self, rule_set: &RuleSetOutline, split: &SplitOutline) -> Allocation {
        let locked = self.lock(&rule_set.name).and_then(|lock| lock.split(&split.name));
        let fitting = locked.filter(|locked| locked.fits(&split.slots)).cloned();
        fitting.unwrap_or_else(|| Allocation::consecutive(&split.slots))
    }
}

impl RuleSetOutline {
    /// The split of this name.
    pub fn split(&self, name: &str) -> Option<&SplitOutline> {
        self.splits.iter().find(|split| split.name == name)
    }

    /// The rule of this id.
    pub fn rule(&self, id: &str) -> Option<&RuleOutline> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

impl LockOutline {
    /// What it remembers of the split of this name.
    pub fn split(&self, name: &str) -> Option<&Allocation> {
        self.splits.iter().find(|(split, _)| split == name).map(|(_, allocation)| allocation)
    }
}

fn rule_set_outline(source: usize, rule_set: &RuleSet, tree: &Node) -> RuleSetOutline {
    let variant = |place: usize| rule_set.variants.get(place).cloned().unwrap_or_default();
    let splits = rule_set.splits.iter().map(|split| SplitOutline {
        name: split.name.text.clone(),
        salt: split.salt.clone(),
        slots: rule_set.variants.iter().cloned().zip(split.counts.iter().copied()).collect(),
        experiment: split.experiment.clone(),
    });
    let spec = tree.field("spec");
    let texts = spec.and_then(|spec| spec.field("rules")).map(Node::items).unwrap_or_default();
    let rules = rule_set.rules.iter().map(|rule| RuleOutline {
        id: rule.id.text.clone(),
        text: texts.get(rule.place).map(written).unwrap_or_default(),
        percents: rule.when.as_ref().map(percents).unwrap_or_default(),
        audiences: rule.when.as_ref().map(audiences).unwrap_or_default(),
        then: match rule.then {
            Then::Variant(place) => ThenOutline::Variant(variant(place)),
            Then::Split(place) => {
                ThenOutline::Split(rule_set.splits.get(place).map(|split| split.name.text.clone()).unwrap_or_default())
            }
        },
    });
    let fields = spec.map(Node::entries).unwrap_or_default().iter();
    let fields = fields.filter(|entry| !["rules", "splits"].contains(&entry.key.as_str()));
    let output = &rule_set.output;
    let further = [&output.experiment_header, &output.evaluated_at_header].into_iter().flatten().map(|name| &name.text);
    let set = rule_set.rules.iter().flat_map(|rule| &rule.set).map(|setting| &setting.name.text);
    let carried = (!rule_set.switches.is_empty()).then(|| owned::SWITCHES.to_owned());
    let switches = rule_set.switches.iter().map(|switch| &switch.name);
    let switches = switches.map(|name| SwitchOutline { name: name.text.clone(), span: name.span.clone() });
    RuleSetOutline {
        source,
        switches: switches.collect(),
        headers: set.chain(further).chain([&output.variant_header]).cloned().chain(carried).collect(),
        name: rule_set.name.text.clone(),
        identity: spec.and_then(|spec| spec.field("identity")).map(identity).unwrap_or_default(),
        splits: splits.collect(),
        rules: rules.collect(),
        fields: fields.map(|entry| (entry.key.clone(), written(&entry.node))).collect(),
    }
}

/// The sources of `spec.identity`, each a map of one key.
fn identity(node: &Node) -> Vec<IdentityOutline> {
    let sources = node.field("from").map(Node::items).unwrap_or_default();
    let sources = sources.iter().filter_map(|source| source.entries().first());
    let name = |node: &Node| node.field("name").unwrap_or(node).text().map_or_else(|| written(node), str::to_owned);
    sources.map(|entry| IdentityOutline { kind: entry.key.clone(), name: name(&entry.node) }).collect()
}

fn percents(one: &Match) -> Vec<PercentOutline> {
    match one {
        Match::All(inner) | Match::Any(inner) => inner.iter().flat_map(percents).collect(),
        Match::Not(inner) => percents(inner),
        Match::Percent { from, to, salt } => vec![PercentOutline { salt: salt.clone(), from: *from, to: *to }],
        _ => Vec::new(),
    }
}

fn audiences(one: &Match) -> BTreeSet<String> {
    one.mentions().into_iter().map(|mention| mention.name.text.clone()).collect()
}

fn lock_outline(source: usize, lock: &Lock, tree: &Node) -> LockOutline {
    let labels = tree.field("metadata").and_then(|metadata| metadata.field("labels"));
    let labels = labels.map(Node::entries).unwrap_or_default().iter();
    let labels = labels.filter_map(|entry| Some((entry.key.clone(), entry.node.text()?.to_owned())));
    LockOutline { source, name: lock.name.text.clone(), labels: labels.collect(), splits: lock.allocations().collect() }
}
