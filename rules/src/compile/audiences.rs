//! Which audiences the rules ask for.

use std::collections::BTreeMap;

use crate::{
    document::{Audience, Match, Mention, RuleSet},
    report::{Path, Report, listed},
    tree::quote,
};

/// The audiences that rules ask for, sorted by name; the place of each is its number.
pub(super) struct Audiences<'d>(Vec<(&'d str, &'d Audience)>);

impl<'d> Audiences<'d> {
    /// Looks up each mention of an audience among `audiences`, and says which are unknown and which nobody asks for. What is
    /// unknown may be among those that could not be read, if there are any.
    pub(super) fn resolve(
        rule_sets: &[(usize, RuleSet)],
        audiences: &'d [(usize, Audience)],
        unread: bool,
        report: &mut Report,
    ) -> Self {
        let (mut known, mut asked) = (BTreeMap::new(), BTreeMap::new());
        for (_, audience) in audiences {
            known.insert(audience.name.text.as_str(), audience);
        }
        for (index, rule_set) in rule_sets {
            report.begin(*index);
            for mention in rule_set.rules.iter().filter_map(|rule| rule.when.as_ref()).flat_map(Match::mentions) {
                match known.get_key_value(mention.name.text.as_str()) {
                    Some((&name, &audience)) => _ = asked.insert(name, audience),
                    None if unread => {}
                    None => unknown(mention, &known, report),
                }
            }
        }
        for (index, audience) in audiences.iter().filter(|(_, audience)| !asked.contains_key(&*audience.name.text)) {
            report.begin(*index);
            unused(audience, report);
        }
        Self(asked.into_iter().collect())
    }

    /// The number of the one of this name.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let place = self.0.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        u32::try_from(place).ok()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &'d Audience> {
        self.0.iter().map(|(_, audience)| *audience)
    }
}

fn unknown(mention: &Mention, known: &BTreeMap<&str, &Audience>, report: &mut Report) {
    let names: Vec<String> = known.keys().map(|name| (*name).to_owned()).collect();
    let list = if names.is_empty() { "there are none".to_owned() } else { listed(names.iter()) };
    let expected = format!("the name of an audience among the documents: {list}");
    let expected = report.or_meant(expected, &mention.name.text, names.iter().map(String::as_str));
    let found = quote(&mention.name.text);
    report.error_at("unknown-audience", &mention.path, mention.name.span.clone(), found, &expected);
}

fn unused(audience: &Audience, report: &mut Report) {
    let path = Path::DOCUMENT;
    let path = path.field("metadata");
    let found = format!("the audience {}, which no rule asks for", quote(&audience.name.text));
    report.warning("audience-unused", &path.field("name"), audience.name.span.clone(), found, "a rule that does");
}
