//! Two states of the documents of a namespace, compared: what is another, and who moves.

pub mod text;

use std::{borrow::Cow, collections::BTreeSet};

use graylane_rules::{
    Outline,
    allocation::Allocation,
    outline::{AudienceOutline, PercentOutline, RuleOutline, RuleSetOutline, SplitOutline, ThenOutline},
};
use serde::{Deserialize, Serialize};

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
    /// It says the same, and what it refers to does not, or it stands elsewhere.
    Same,
}

/// A rule set that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleSetDifference {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// The fields of `spec`, besides rules and splits, that are not what they were.
    pub fields: Vec<String>,
    /// Whether rules that are in both stand in another order.
    pub reordered: bool,
    /// The splits that are not what they were.
    pub splits: Vec<SplitDifference>,
    /// The rules that are not what they were, or whose split is not.
    pub rules: Vec<RuleDifference>,
}

/// A split that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitDifference {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Whether it is another experiment.
    pub experiment_changed: bool,
    /// Who moves; null where it is new or gone.
    pub moves: Option<Moves>,
}

/// A rule that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleDifference {
    /// Its id.
    pub id: String,
    /// What became of it.
    pub change: Change,
    /// Its percentages that are not what they were.
    pub percents: Vec<PercentDifference>,
    /// The audiences it asks for, or asked for, whose members are not what they were.
    pub audiences: Vec<AudienceDifference>,
    /// Who moves among those who match; null where what it decides is what it was.
    pub moves: Option<Moves>,
}

/// A percentage that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct PercentDifference {
    /// The slots it had, half open; null where it is new.
    pub before: Option<[u32; 2]>,
    /// The slots it has, half open; null where it is gone.
    pub after: Option<[u32; 2]>,
    /// How many slots come in; null where another salt or identity makes that unknowable.
    pub enter: Option<u32>,
    /// How many slots fall out; null as for `enter`.
    pub leave: Option<u32>,
}

/// An audience of a rule that is not what it was; one that is not asked for has nobody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AudienceDifference {
    /// Its name.
    pub name: String,
    /// How many identities come in.
    pub enter: usize,
    /// How many identities fall out.
    pub leave: usize,
}

/// How many slots change hands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moves {
    /// The sum of all transfers, in slots of 100,000; null where that is unknowable: then all may.
    pub slots: Option<u32>,
    /// Why it is unknowable.
    pub why: Option<Cow<'static, str>>,
    /// From which variant to which.
    pub transfers: Vec<Transfer>,
}

/// Slots that change hands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Transfer {
    /// Who had them.
    pub from: String,
    /// Who has them.
    pub to: String,
    /// How many.
    pub slots: u32,
}

impl RuleSetDifference {
    /// Only what became of it.
    pub fn bare(name: &str, change: Change) -> Self {
        let (fields, splits, rules) = (Vec::new(), Vec::new(), Vec::new());
        Self { name: name.to_owned(), change, fields, reordered: false, splits, rules }
    }
}

const OTHER_IDENTITY: &str = "identities are read elsewhere";
const OTHER_SALT: &str = "another salt";

/// The rule sets that are not what they were, by name.
pub fn compare(old: &Outline, new: &Outline) -> Vec<RuleSetDifference> {
    let names: BTreeSet<&str> =
        [old, new].into_iter().flat_map(|outline| &outline.rule_sets).map(|rule_set| rule_set.name.as_str()).collect();
    names.into_iter().filter_map(|name| difference(State::of(old, name), State::of(new, name))).collect()
}

/// A rule set among the documents it stands with.
#[derive(Clone, Copy)]
struct State<'o> {
    outline: &'o Outline,
    rule_set: &'o RuleSetOutline,
}

impl<'o> State<'o> {
    fn of(outline: &'o Outline, name: &str) -> Option<Self> {
        Some(Self { outline, rule_set: outline.rule_set(name)? })
    }

    fn allocation(&self, split: &SplitOutline) -> Allocation {
        self.outline.allocation(self.rule_set, split)
    }

    /// The audiences that a rule asks for.
    fn audiences_of(&self, rule: Option<&RuleOutline>) -> Vec<&'o AudienceOutline> {
        let names = rule.into_iter().flat_map(|rule| &rule.audiences);
        names.filter_map(|name| self.outline.audience(name)).collect()
    }

    /// What decides among those who match: an allocation, and by what salt; None where every slot is alike.
    fn deciding(&self, rule: &RuleOutline) -> (Allocation, Option<&'o str>) {
        match &rule.then {
            ThenOutline::Variant(variant) => (Allocation::whole(variant), None),
            // Every split that a rule names exists, or else the documents do not compile.
            ThenOutline::Split(name) => self.rule_set.split(name).map_or_else(
                || (Allocation::whole(name), None),
                |split| (self.allocation(split), Some(split.salt.as_str())),
            ),
        }
    }
}

fn difference(old: Option<State<'_>>, new: Option<State<'_>>) -> Option<RuleSetDifference> {
    let (old, new) = match (old, new) {
        (Some(old), Some(new)) => (old, new),
        (old, new) => {
            let (change, only) = if old.is_some() { (Change::Removed, old) } else { (Change::Added, new) };
            return Some(RuleSetDifference::bare(&only?.rule_set.name, change));
        }
    };
    let fields = changed_fields(old.rule_set, new.rule_set);
    let bucketing = Bucketing { other_identity: fields.iter().any(|field| field == "identity") };
    let found = RuleSetDifference {
        name: new.rule_set.name.clone(),
        change: Change::Changed,
        reordered: order(old.rule_set, new.rule_set) != order(new.rule_set, old.rule_set),
        splits: bucketing.splits(&old, &new),
        rules: bucketing.rules(&old, &new),
        fields,
    };
    let same = found.fields.is_empty() && !found.reordered && found.splits.is_empty() && found.rules.is_empty();
    (!same).then_some(found)
}

fn changed_fields(old: &RuleSetOutline, new: &RuleSetOutline) -> Vec<String> {
    let both = [old, new].into_iter().flat_map(|rule_set| &rule_set.fields).map(|(name, _)| name);
    let names: BTreeSet<&String> = both.collect();
    let of = |rule_set: &RuleSetOutline, name: &String| {
        rule_set.fields.iter().find(|(field, _)| field == name).map(|(_, text)| text.clone())
    };
    names.into_iter().filter(|name| of(old, name) != of(new, name)).cloned().collect()
}

/// The ids of the rules that `other` has as well, in order.
fn order<'o>(rule_set: &'o RuleSetOutline, other: &RuleSetOutline) -> Vec<&'o str> {
    rule_set.rules.iter().map(|rule| rule.id.as_str()).filter(|id| other.rule(id).is_some()).collect()
}

/// Every name of both, those of the new state first.
fn names<'o>(new: impl Iterator<Item = &'o String>, old: impl Iterator<Item = &'o String>) -> Vec<&'o String> {
    let mut names: Vec<&String> = Vec::new();
    let mut seen = BTreeSet::new();
    names.extend(new.chain(old).filter(|name| seen.insert(*name)));
    names
}

/// Who came into which audience, and who fell out.
fn audiences(old: Vec<&AudienceOutline>, new: Vec<&AudienceOutline>) -> Vec<AudienceDifference> {
    let names: BTreeSet<&String> = old.iter().chain(&new).map(|audience| &audience.name).collect();
    let differences = names.into_iter().map(|name| {
        let of = |audiences: &[&'_ AudienceOutline]| audiences.iter().position(|audience| audience.name == *name);
        let (was, is) = (of(&old).and_then(|place| old.get(place)), of(&new).and_then(|place| new.get(place)));
        let beyond = |one: Option<&&AudienceOutline>, other: Option<&&AudienceOutline>| {
            one.map_or(0, |one| one.beyond(other.copied()))
        };
        AudienceDifference { name: name.clone(), enter: beyond(is, was), leave: beyond(was, is) }
    });
    differences.filter(|difference| difference.enter > 0 || difference.leave > 0).collect()
}

/// Whether the same identity is still in the same slot.
struct Bucketing {
    other_identity: bool,
}

impl Bucketing {
    fn splits(&self, old: &State<'_>, new: &State<'_>) -> Vec<SplitDifference> {
        let (olds, news) = (&old.rule_set.splits, &new.rule_set.splits);
        let names = names(news.iter().map(|split| &split.name), olds.iter().map(|split| &split.name));
        let compared = names.into_iter().filter_map(|name| {
            let name = name.clone();
            let (was, is) = match (old.rule_set.split(&name), new.rule_set.split(&name)) {
                (Some(was), Some(is)) => (was, is),
                (was, _) => {
                    let change = if was.is_some() { Change::Removed } else { Change::Added };
                    return Some(SplitDifference { name, change, experiment_changed: false, moves: None });
                }
            };
            let moves = self.moves((old.allocation(was), Some(&was.salt)), (new.allocation(is), Some(&is.salt)));
            let experiment_changed = was.experiment != is.experiment;
            let change = if moves.is_some() || experiment_changed { Change::Changed } else { Change::Same };
            (change == Change::Changed).then_some(SplitDifference { name, change, experiment_changed, moves })
        });
        compared.collect()
    }

    fn rules(&self, old: &State<'_>, new: &State<'_>) -> Vec<RuleDifference> {
        let (olds, news) = (&old.rule_set.rules, &new.rule_set.rules);
        let names = names(news.iter().map(|rule| &rule.id), olds.iter().map(|rule| &rule.id));
        let compared = names.into_iter().filter_map(|id| {
            let (was, is) = (old.rule_set.rule(id), new.rule_set.rule(id));
            let change = match (was, is) {
                (Some(was), Some(is)) if was.text == is.text => Change::Same,
                (Some(_), Some(_)) => Change::Changed,
                (Some(_), None) => Change::Removed,
                _ => Change::Added,
            };
            let percents = |rule: Option<&RuleOutline>| rule.map(|rule| rule.percents.clone()).unwrap_or_default();
            let percents = self.percents(&percents(was), &percents(is));
            let audiences = audiences(old.audiences_of(was), new.audiences_of(is));
            let both = was.zip(is);
            let moves = both.and_then(|(was, is)| self.moves(old.deciding(was), new.deciding(is)));
            let same = change == Change::Same && percents.is_empty() && audiences.is_empty() && moves.is_none();
            (!same).then(|| RuleDifference { id: id.clone(), change, percents, audiences, moves })
        });
        compared.collect()
    }

    /// Who moves; None where nobody does.
    fn moves(&self, old: (Allocation, Option<&str>), new: (Allocation, Option<&str>)) -> Option<Moves> {
        let why = match (old.1, new.1) {
            // Where every slot is alike on both sides, nothing depends on slots.
            (None, None) => None,
            _ if self.other_identity => Some(OTHER_IDENTITY),
            (Some(old), Some(new)) if old != new => Some(OTHER_SALT),
            _ => None,
        };
        let one = |allocation: &Allocation| allocation.counts().len() == 1;
        // Where each side has one variant, whose slot is where does not matter.
        if why.is_some() && !(one(&old.0) && one(&new.0)) {
            return Some(Moves { slots: None, why: why.map(Cow::Borrowed), transfers: Vec::new() });
        }
        let transfers: Vec<Transfer> = old.0.transfers(&new.0).into_iter().map(Transfer::of).collect();
        let slots = Some(transfers.iter().map(|transfer| transfer.slots).sum());
        (!transfers.is_empty()).then_some(Moves { slots, why: None, transfers })
    }

    /// The percentages of a rule that are not what they were: the first beside the first, the second beside the second.
    fn percents(&self, old: &[PercentOutline], new: &[PercentOutline]) -> Vec<PercentDifference> {
        let pairs = (0..old.len().max(new.len())).map(|place| (old.get(place), new.get(place)));
        pairs.filter_map(|(was, is)| self.percent(was, is)).collect()
    }

    fn percent(&self, was: Option<&PercentOutline>, is: Option<&PercentOutline>) -> Option<PercentDifference> {
        let knowable = match (was, is) {
            (Some(was), Some(is)) if was == is && !self.other_identity => return None,
            (Some(was), Some(is)) => was.salt == is.salt && !self.other_identity,
            _ => true,
        };
        let size = |one: Option<&PercentOutline>| one.map_or(0, |one| one.to.saturating_sub(one.from));
        let common = was.zip(is).map_or(0, |(was, is)| was.to.min(is.to).saturating_sub(was.from.max(is.from)));
        let beyond = |one| knowable.then(|| size(one).saturating_sub(common));
        let ends = |one: Option<&PercentOutline>| one.map(|one| [one.from, one.to]);
        Some(PercentDifference { before: ends(was), after: ends(is), enter: beyond(is), leave: beyond(was) })
    }
}

impl Transfer {
    fn of(transfer: graylane_rules::allocation::Transfer<'_>) -> Self {
        Self { from: transfer.from.to_owned(), to: transfer.to.to_owned(), slots: transfer.slots }
    }
}
