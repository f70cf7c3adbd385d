//! The same walk as the decision, telling why.

mod identity;
mod inherit;
mod words;

use std::fmt;

use crate::{
    Attributes, Decision, Reason, Snapshot,
    decide::{most_specific, scopes::includes},
    decision::split_of,
    request::{Asked, Known},
    slot::SLOTS,
    snapshot::{
        OpenOutput, Opened,
        records::{Rule, flag},
        section::Section,
    },
};
use words::{Shown, test_in_words, what_was_found};

/// Why a request gets what it gets, for one variant header.
///
/// Displayed as indented lines: the scope that won, the identity, each rule with the tests that
/// were asked, the decision. Scopes and rules are walked in order here, and looked up where requests are decided; that both find
/// the same is tested, and the tests of a rule are asked by one loop.
#[derive(Clone, Debug)]
pub struct Explanation {
    lines: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Snapshot {
    /// Explains the decision for each variant header of the namespace, also where no scope
    /// includes the request.
    pub fn explain<'s, A: Attributes>(&'s self, request: &'s A) -> Vec<Explanation> {
        let opened = self.opened();
        let asked = Asked::new(request, Some(&opened.root.audiences));
        opened.outputs.iter().map(|output| explain(opened, output, &asked)).collect()
    }
}

fn explain<'s, A: Attributes>(opened: &'s Opened<'s>, output: &OpenOutput<'s>, asked: &Asked<'s, A>) -> Explanation {
    let mut lines = vec![format!("{}", Shown(output.header))];
    lines.extend(scopes(opened, output, asked));
    match most_specific(opened, output, asked) {
        Some(section) => rule_set(section, asked, &mut lines),
        None => {
            lines.push("  decision    none: no scope includes the request; the header is stripped, not set".to_owned())
        }
    }
    Explanation { lines }
}

/// Each scope in the order in which they are tried, up to the first that includes the request.
fn scopes<A: Attributes>(opened: &Opened<'_>, output: &OpenOutput<'_>, asked: &Asked<'_, A>) -> Vec<String> {
    let root = &opened.root;
    let mut lines = Vec::new();
    for scope in output.scopes {
        let included = includes(root, scope, asked);
        let name = opened.section(scope.section.get()).map_or(&b""[..], |section| section.text(section.header.name));
        let (mark, why) = if included { ("✓", "most specific") } else { ("✗", "not this request") };
        let scope = words::scope_in_words(root, scope);
        lines.push(format!("  rule set  {mark} {:<20} {scope}: {why}", Shown(name).to_string()));
        if included {
            break;
        }
    }
    lines
}

fn rule_set<'s, A: Attributes>(section: &'s Section<'s>, asked: &Asked<'s, A>, lines: &mut Vec<String>) {
    let known = Known::default();
    let decision = section.decide(asked);
    lines.extend(inherit::lines(section, asked));
    if decision.reason == Reason::Inherited {
        lines.push(format!("  rules       {}, not asked: the variant is inherited", section.rules().len()));
        return lines.extend(decision_lines(section, &decision));
    }
    // Nothing is asked, not even who it is: to say that there is no identity would look like the reason.
    if decision.reason == Reason::Disabled {
        return lines.extend(decision_lines(section, &decision));
    }
    lines.extend(identity::lines(section, asked, &known));
    for (number, rule) in (0u32..).zip(section.rules()) {
        if rule_lines(section, rule, asked, &known, lines) {
            let behind = section.rules().len().saturating_sub(number as usize).saturating_sub(1);
            if behind > 0 {
                lines.push(format!("  rules       {behind} more, not asked: the first that matches decides"));
            }
            break;
        }
    }
    lines.extend(decision_lines(section, &decision));
    lines.extend(decision.cookies(asked.request()).iter().map(|cookie| format!("  set-cookie  {cookie}")));
}

/// Writes what was asked of one rule; whether it matched.
fn rule_lines<'s, A: Attributes>(
    section: &Section<'s>,
    rule: &'s Rule,
    asked: &Asked<'s, A>,
    known: &Known<'s>,
    lines: &mut Vec<String>,
) -> bool {
    let mut tests = Vec::new();
    let matched = section.matches(rule, asked, known, |test, holds| {
        let negated = test.flags & flag::NEGATED != 0;
        let mark = if holds != negated { "✓" } else { "✗" };
        let found = what_was_found(section, test, asked, known);
        tests.push(format!("              {mark} {}: {found}", test_in_words(section, test)));
    });
    let mark = if matched { "✓" } else { "✗" };
    let always = if rule.tests.get() == 0 { " (every request)" } else { "" };
    lines.push(format!("  rule      {mark} {}{always}", Shown(section.rule_id(rule))));
    lines.append(&mut tests);
    matched
}

fn decision_lines(section: &Section<'_>, decision: &Decision<'_>) -> Vec<String> {
    let why = match decision.reason {
        Reason::TargetingMatch => "the rule names it".to_owned(),
        Reason::Default => "no rule matched".to_owned(),
        Reason::NoIdentity => "the rule's split needs an identity, and there is none".to_owned(),
        Reason::Inherited => "the request came with it, and its sender is trusted".to_owned(),
        Reason::Disabled => "the rule set is switched off".to_owned(),
        Reason::Split => split_in_words(section, decision),
    };
    let mut lines = vec![format!("  decision    {} {}: {why}", Shown(decision.variant()), decision.reason.name())];
    if let Some(experiment) = decision.experiment() {
        lines.push(format!("  experiment  {}", Shown(experiment)));
    }
    lines.extend(decision.set().map(|(name, value)| format!("  set         {}: {}", Shown(name), Shown(value))));
    let switches = decision.switches().map(|text| format!("  switches    {}", String::from_utf8_lossy(text)));
    lines.extend(switches);
    let evaluated_at = decision.evaluated_at_header();
    lines.extend(evaluated_at.map(|name| format!("  set         {}: the time of the decision", Shown(name))));
    lines
}

fn split_in_words(section: &Section<'_>, decision: &Decision<'_>) -> String {
    let split = decision.matched.and_then(|(_, rule)| split_of(section, rule));
    let name = split.map(|split| section.text(split.name)).unwrap_or_default();
    let slot = decision.slot.unwrap_or(0);
    format!("slot {slot} of {SLOTS} in split {}", Shown(name))
}
