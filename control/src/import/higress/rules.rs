//! A configuration of traffic-tag as a rule set.

use std::collections::BTreeSet;

use super::{
    Choices,
    condition::{Around, Became, identity_of, translate},
    config::{Config, Group, Tag},
};
use crate::{
    import::{
        document::{Match, Rule, RuleSet, Split, Then, id, unique},
        identity::Identity,
        report::About,
    },
    owned,
};

/// Where a rule set sets the variant while the tags are set beside it.
const ELSEWHERE: &str = "x-gray-variant";

/// Which requests a configuration is for.
#[derive(Debug, Default)]
pub struct Scope {
    /// None: every one.
    pub hosts: Vec<String>,
}

/// How tags are said.
struct Plan {
    variant_header: String,
    /// The tag is the variant; else each rule sets its header.
    simple: bool,
    default: String,
    /// Tags and the variants that stand for them.
    variants: Vec<(Tag, String)>,
}

/// The rule set; None where nothing of it can be carried over.
pub fn rule_set(
    config: &Config,
    scope: Scope,
    choices: &Choices,
    taken: &mut BTreeSet<String>,
    about: &mut About<'_>,
) -> Option<RuleSet> {
    let plan = plan(config, choices, about)?;
    let name = unique(&id(&choices.name, "traffic-tag"), taken);
    let identity = identities(config, choices);
    let owned: Vec<String> =
        plan.variants.iter().map(|(tag, _)| tag.name.clone()).chain([plan.variant_header.clone()]).collect();
    let around = Around { owned: &owned, identity: &identity, salt: &format!("{name}/percentage") };
    let mut rules: Vec<Rule> = config.groups.iter().filter_map(|group| rule(group, &plan, &around, about)).collect();
    let mut splits = Vec::new();
    weigh(config, &plan, choices, &name, &mut rules, &mut splits, about);
    default(config, &plan, &mut rules);
    tell(config, &plan, about);
    let mut variants = vec![plan.default.clone()];
    variants
        .extend(plan.variants.iter().map(|(_, variant)| variant.clone()).filter(|variant| *variant != plan.default));
    let comments = vec![format!("From the configuration of Higress's traffic-tag in {}.", about.file)];
    let asks = !splits.is_empty() || rules.iter().any(|rule| rule.when.as_ref().is_some_and(asks_identity));
    Some(RuleSet {
        name,
        comments,
        hosts: scope.hosts,
        path_prefixes: Vec::new(),
        identity: if asks { identity } else { Vec::new() },
        variant_header: plan.variant_header,
        variants,
        default: plan.default,
        splits,
        rules,
    })
}

fn tags(config: &Config) -> impl Iterator<Item = &Tag> {
    let groups = config.groups.iter().map(|group| &group.tag);
    groups.chain(config.weights.iter().map(|weight| &weight.tag)).chain(&config.default)
}

/// One header and values that are ids: then the header carries the variant. Else it is set beside it.
fn plan(config: &Config, choices: &Choices, about: &mut About<'_>) -> Option<Plan> {
    let mut usable: Vec<&Tag> = Vec::new();
    for tag in tags(config) {
        let why = owned::parse_name(&tag.name).err();
        let why = why.or_else(|| graylane_rules::owned::check_value(&tag.value).err().map(str::to_owned));
        match why {
            Some(why) => {
                let says = format!("{why}; requests that get it there go on to what comes behind it");
                about.lost(config.place, "header", format!("the tag {}: {}", tag.name, tag.value), says);
            }
            None if !usable.contains(&tag) => usable.push(tag),
            None => {}
        }
    }
    let first = usable.first()?;
    let simple = usable.iter().all(|tag| tag.name == first.name && id(&tag.value, "") == tag.value);
    let mut names = BTreeSet::new();
    let variants: Vec<(Tag, String)> =
        usable.iter().map(|tag| ((*tag).clone(), unique(&id(&tag.value, "tagged"), &mut names))).collect();
    let of_default = config.default.as_ref().and_then(|tag| variants.iter().find(|(known, _)| known == tag));
    let default = of_default.map(|(_, variant)| variant.clone());
    let default = default.unwrap_or_else(|| unique(&id(&choices.default, "base"), &mut names));
    let variant_header = if simple { first.name.clone() } else { ELSEWHERE.to_owned() };
    Some(Plan { variant_header, simple, default, variants })
}

impl Plan {
    fn variant(&self, tag: &Tag) -> Option<&str> {
        self.variants.iter().find(|(known, _)| known == tag).map(|(_, variant)| variant.as_str())
    }

    fn rule(&self, id: String, when: Option<Match>, tag: &Tag) -> Option<Rule> {
        let then = Then::Variant(self.variant(tag)?.to_owned());
        let set = (!self.simple).then(|| (tag.name.clone(), tag.value.clone()));
        Some(Rule { id, comment: None, when, then, set })
    }
}

/// Percentages first: they must go by what they name. Weights go by what comes first as well.
fn identities(config: &Config, choices: &Choices) -> Vec<Identity> {
    let conditions = config.groups.iter().flat_map(|group| &group.conditions);
    let percentage = conditions.filter(|condition| condition.operator == "percentage").find_map(identity_of);
    let mut identities: Vec<_> = percentage.into_iter().collect();
    if !config.weights.is_empty() {
        identities.extend(choices.identity.iter().cloned());
    }
    let mut seen: Vec<Identity> = Vec::new();
    identities.retain(|identity| {
        !seen.contains(identity) && {
            seen.push(identity.clone());
            true
        }
    });
    identities
}

fn asks_identity(when: &Match) -> bool {
    match when {
        Match::All(matches) | Match::Any(matches) => matches.iter().any(asks_identity),
        Match::Not(one) => asks_identity(one),
        Match::Percent(..) => true,
        Match::Test(..) => false,
    }
}

fn rule(group: &Group, plan: &Plan, around: &Around<'_>, about: &mut About<'_>) -> Option<Rule> {
    // A header that cannot be set was told.
    plan.variant(&group.tag)?;
    let mut matches = Vec::new();
    let mut never = group.conditions.is_empty();
    for condition in &group.conditions {
        match translate(condition, around) {
            Became::Match(one) => matches.push(one),
            Became::Never if group.any => {}
            Became::Never => never = true,
            Became::Lost(code, why) => {
                let rest = if group.any {
                    "the other conditions stand"
                } else {
                    "so the whole group is left out (without it more would match), and its requests go on to what comes behind it"
                };
                about.lost(condition.place, code, condition.path.as_str(), format!("{why}; {rest}"));
                if !group.any {
                    return None;
                }
            }
        }
    }
    if never || matches.is_empty() {
        about.note(group.place, "never", group.path.as_str(), "it never matches there, so it is left out");
        return None;
    }
    let when = if group.any { Match::any(matches) } else { Match::all(matches) };
    plan.rule(group_id(group), Some(when), &group.tag)
}

/// `conditionGroups[0]` as `group-1`.
fn group_id(group: &Group) -> String {
    let number = group.path.trim_matches(|letter: char| !letter.is_ascii_digit());
    format!("group-{}", number.parse::<usize>().map_or(0, |number| number.saturating_add(1)))
}

fn weigh(
    config: &Config,
    plan: &Plan,
    choices: &Choices,
    name: &str,
    rules: &mut Vec<Rule>,
    splits: &mut Vec<Split>,
    about: &mut About<'_>,
) {
    let weights: Vec<_> =
        config.weights.iter().filter(|weight| weight.percent > 0 && plan.variant(&weight.tag).is_some()).collect();
    let Some(first) = weights.first() else { return };
    if let [only] = weights.as_slice()
        && only.percent == 100
    {
        rules.extend(plan.rule("by-weight".to_owned(), None, &only.tag));
        return;
    }
    let before = rules.len();
    if plan.simple {
        let sum: u32 = weights.iter().map(|weight| weight.percent).sum();
        let mut shares: Vec<(String, u32)> = vec![(plan.default.clone(), 100_u32.saturating_sub(sum))];
        for weight in &weights {
            let variant = plan.variant(&weight.tag).unwrap_or_default();
            match shares.iter_mut().find(|(known, _)| known == variant) {
                Some((_, share)) => *share = share.saturating_add(weight.percent),
                None => shares.push((variant.to_owned(), weight.percent)),
            }
        }
        splits.push(Split { name: "weights".to_owned(), weights: shares });
        let then = Then::Split("weights".to_owned());
        rules.push(Rule { id: "by-weight".to_owned(), comment: None, when: None, then, set: None });
    } else {
        let mut from = 0_u32;
        for (at, weight) in weights.iter().enumerate() {
            let to = from.saturating_add(weight.percent);
            let when = Match::Percent(from, to, format!("{name}/weights"));
            rules.extend(plan.rule(format!("by-weight-{}", at.saturating_add(1)), Some(when), &weight.tag));
            from = to;
        }
    }
    let lacking = choices.identity.is_empty() && identities(config, choices).is_empty();
    if lacking {
        let says = "nothing is decided at random here: weights need an identity to go by, such as --identity cookie:NAME or \
                    --identity header:NAME, or afterwards `issueCookie` in spec.identity, which mints one; until there is \
                    one nobody gets a tag by weight";
        about.lost(first.place, "no-identity", "weightGroups", says);
        if let Some(rule) = rules.get_mut(before) {
            rule.comment = Some("Nobody gets a tag here until spec.identity says what to go by.".to_owned());
        }
    } else {
        let says = "drawn for each request there; here by identity, so that each keeps its own, and without an identity nobody gets \
                    a tag by weight";
        about.changed(first.place, "weight", "weightGroups", says);
    }
}

/// Where the tag is not the variant, the default has to be set by a rule.
fn default(config: &Config, plan: &Plan, rules: &mut Vec<Rule>) {
    let Some(tag) = config.default.as_ref().filter(|_| !plan.simple) else { return };
    if rules.last().is_none_or(|last| last.when.is_some()) {
        rules.extend(plan.rule("otherwise".to_owned(), None, tag));
    }
}

fn tell(config: &Config, plan: &Plan, about: &mut About<'_>) {
    let names: BTreeSet<&str> = plan.variants.iter().map(|(tag, _)| tag.name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let says = "a request that brings the header keeps its value there; here it is removed first, so that nobody chooses for \
                himself, and the filter's ownedHeaders must name it";
    about.changed(config.place, "existing-header", names.as_str(), says);
    if plan.simple && config.default.is_none() {
        let says = format!(
            "requests that get no tag there get {}: {} here; --default names it",
            plan.variant_header, plan.default
        );
        about.changed(config.place, "no-tag", names.as_str(), says);
    }
    if !plan.simple {
        let says = format!(
            "the tags are set by each rule, because they are several headers or no ids; {ELSEWHERE} carries the variant beside them, and must be owned as well"
        );
        about.note(config.place, "beside", names.as_str(), says);
    }
    for (tag, variant) in &plan.variants {
        let says = format!("where {}: {} routed to, the variant {variant} does now", tag.name, tag.value);
        about.note(config.place, "routes", format!("{}: {}", tag.name, tag.value), says);
    }
    for condition in config.groups.iter().flat_map(|group| &group.conditions).filter(|one| one.operator == "regex") {
        let says = "a search there, about the whole value here; in values beyond ASCII `.` and classes take a letter there and a byte \
                    here";
        about.note(condition.place, "pattern", condition.path.as_str(), says);
    }
    let percentages =
        config.groups.iter().flat_map(|group| &group.conditions).filter(|one| one.operator == "percentage");
    for condition in percentages {
        let says = "the same share of identities, by another hash: others than before";
        about.changed(condition.place, "hash", condition.path.as_str(), says);
    }
    for condition in config.groups.iter().flat_map(|group| &group.conditions) {
        let host =
            condition.kind == "header" && [":authority", "host"].contains(&condition.key.to_ascii_lowercase().as_str());
        if host {
            let says = "the host is compared without port, trailing dot and case here";
            about.changed(condition.place, "host", condition.path.as_str(), says);
        }
    }
}
