//! The rule sets, and the shares that are meant.

use graylane_rules::outline::RuleSetOutline;
use graylane_store::Overlay;
use maud::{Markup, html};

use super::super::{observed::Answered, read::Read, shares, words::counted};

/// So many are shown.
const SHOWN: usize = 100;

/// The part about them. `read` is None where nothing is published.
pub fn part(read: Option<Result<&Read, &str>>, overlay: Option<&Overlay>, observed: Option<&Answered>) -> Markup {
    html! {
        section #rule-sets aria-labelledby="rule-sets-title" {
            h2 #rule-sets-title { "Rule sets" }
            @match read {
                None => { p.quiet { "None." } }
                Some(Err(why)) => { p.found { (why) } }
                Some(Ok(read)) => {
                    (shares::note(observed))
                    @let rule_sets = &read.outline.rule_sets;
                    ul.rule-sets { @for rule_set in rule_sets.iter().take(SHOWN) { li { (item(read, rule_set, overlay, observed)) } } }
                    @let more = rule_sets.len().saturating_sub(SHOWN);
                    @if more > 0 { p.quiet { (more) " more." } }
                }
            }
        }
    }
}

fn item(read: &Read, rule_set: &RuleSetOutline, overlay: Option<&Overlay>, observed: Option<&Answered>) -> Markup {
    let name = &rule_set.name;
    let stands = |found: bool, word: &'static str| found.then_some(word);
    let is = |of: &Option<String>| of.as_ref().is_none_or(|of| of == name);
    let off = overlay.is_some_and(|overlay| overlay.off.iter().any(|off| is(&off.rule_set)));
    let frozen = overlay.is_some_and(|overlay| overlay.frozen.iter().any(|freeze| is(&freeze.rule_set)));
    let lock = read.outline.lock(name).is_some();
    html! {
        h3 {
            a.data href={ "/rule-sets/" (name) } { (name) }
            @for word in [stands(off, "off"), stands(frozen, "frozen")].into_iter().flatten() { " " span.tag.(word) { (word) } }
        }
        p.quiet {
            (counted(rule_set.rules.len(), "rule")) ", " (counted(rule_set.splits.len(), "split"))
            @if lock { ", locked" }
        }
        @for split in &rule_set.splits { (shares::split(&read.outline, rule_set, split, observed)) }
    }
}
