//! One rule set: the shares it gives, its rules, its lock in short, and its document.

use axum::{extract::Path, http::StatusCode, response::Response};
use graylane_rules::{
    Outline,
    allocation::Allocation,
    nearest,
    outline::{LockOutline, RuleOutline, RuleSetOutline, ThenOutline},
};
use maud::{Markup, html};

use super::{
    layout::{self, Place},
    observed::{Answered, Rates},
    overview::revision,
    read::Read,
    reader::Reader,
    shares,
    words::{counted, part, percent},
};

/// The most bytes of a document on a page.
const SHOWN: usize = 512 << 10;

/// So many rules are in the table.
const RULES: usize = 200;

/// The page of one rule set.
pub async fn show(Reader(namespace): Reader, Path(name): Path<String>) -> Response {
    let Some(published) = namespace.published() else {
        let detail = "found nothing published, expected rule sets";
        return layout::failure(&namespace, StatusCode::NOT_FOUND, detail);
    };
    let read = match namespace.page.read(namespace.revisions.as_deref(), &published).await {
        Ok(read) => read,
        Err(why) => return layout::failure(&namespace, StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
    };
    let Some(rule_set) = read.outline.rule_set(&name) else {
        let near = nearest(&name, read.outline.rule_sets.iter().map(|rule_set| rule_set.name.as_str()));
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let detail = format!("found no rule set {name:?} in what is published, expected one of it{near}");
        return layout::failure(&namespace, StatusCode::NOT_FOUND, &detail);
    };
    let observed = match &namespace.page.observed {
        Some(observed) => Some(observed.latest().await),
        None => None,
    };
    let observed = observed.as_ref();
    let content = html! {
        h1 { "Rule set " span.data { (name) } }
        p.quiet { "As published in revision " (revision(&published.revision.to_string())) "." }
        (splits(&read.outline, rule_set, observed))
        (rules(rule_set, observed.and_then(|observed| observed.as_ref().ok())))
        @if let Some(lock) = read.outline.lock(&name) { (locked(lock)) }
        (document(&read, rule_set.source))
    };
    layout::page(&namespace, Place::Elsewhere, &format!("Rule set {name}"), &content)
}

fn splits(outline: &Outline, rule_set: &RuleSetOutline, observed: Option<&Answered>) -> Markup {
    html! {
        @if !rule_set.splits.is_empty() {
            h2 { "Shares" }
            (shares::note(observed))
            @for split in &rule_set.splits { (shares::split(outline, rule_set, split, observed)) }
        }
    }
}

fn rules(rule_set: &RuleSetOutline, rates: Option<&Rates>) -> Markup {
    let more = rule_set.rules.len().saturating_sub(RULES);
    let seen = |rule: &str| rates.map(|rates| observed(rates, &rule_set.name, rule));
    html! {
        h2 { "Rules" }
        p.quiet { "From the top down; the first that matches decides." }
        table {
            caption.hidden { "Rules in their order, and what each decides" }
            thead {
                tr {
                    th scope="col" { "Rule" } th scope="col" { "Decides" } th scope="col" { "Of" }
                    @if rates.is_some() { th scope="col" { "Observed" } }
                }
            }
            tbody {
                @for rule in rule_set.rules.iter().take(RULES) { (row(rule, seen(&rule.id))) }
                @for (rule, what) in BESIDES {
                    @if let Some(seen) = seen(rule).filter(|seen| !seen.is_empty()) {
                        tr { th.quiet scope="row" colspan="3" { (what) } td { (seen) } }
                    }
                }
            }
        }
        @if more > 0 { p.quiet { (counted(more, "more rule")) "." } }
    }
}

/// What decides where no rule does, as metrics name it.
const BESIDES: [(&str, &str); 3] = [
    ("_default", "no rule matched"),
    ("_inherited", "kept the variant it came with"),
    ("_off", "the rule set was off"),
];

/// What a rule gave in the last five minutes.
fn observed(rates: &Rates, rule_set: &str, rule: &str) -> String {
    let given = rates.of(rule_set, rule).into_iter().flatten().filter(|(_, rate)| **rate > 0.0);
    given.map(|(variant, rate)| format!("{variant} {}", shares::rate(*rate))).collect::<Vec<_>>().join(", ")
}

fn row(rule: &RuleOutline, seen: Option<String>) -> Markup {
    let percents = rule.percents.iter().map(|one| percent(part(one.to.saturating_sub(one.from))));
    let audiences = rule.audiences.iter().map(|name| format!("audience {name}"));
    let of: Vec<_> = percents.chain(audiences).collect();
    html! {
        tr {
            th.data scope="row" { (rule.id) }
            td {
                @match &rule.then {
                    ThenOutline::Variant(variant) => { span.data { (variant) } }
                    ThenOutline::Split(split) => { "split " span.data { (split) } }
                }
            }
            td { (of.join(", ")) }
            @if let Some(seen) = seen { td { (seen) } }
        }
    }
}

fn locked(lock: &LockOutline) -> Markup {
    html! {
        h2 { "Lock" }
        p.quiet { "What is remembered of who is where, so that a change of weights moves only as many as it has to." }
        ul { @for (split, allocation) in &lock.splits { li { (remembered(split, allocation)) } } }
    }
}

fn remembered(split: &str, allocation: &Allocation) -> Markup {
    let counts = allocation.counts();
    let counts: Vec<_> = counts.iter().map(|(name, slots)| format!("{name} {}", percent(part(*slots)))).collect();
    html! { "split " span.data { (split) } ": " (counted(allocation.ranges().len(), "range")) ", " (counts.join(", ")) }
}

fn document(read: &Read, source: usize) -> Markup {
    let document = read.documents().get(source);
    html! {
        @if let Some(document) = document {
            @let text = String::from_utf8_lossy(&document.text);
            @let cut = text.floor_char_boundary(SHOWN);
            h2 { "Document" }
            p.quiet.data { (document.file) }
            pre tabindex="0" { (text.get(..cut).unwrap_or_default()) }
            @if cut < text.len() { p.quiet { "Cut here: it is longer." } }
        }
    }
}
