//! What is wrong, or odd.

use maud::{Markup, html};

use super::super::words::counted;
use crate::{
    finding::{Finding, one_line},
    namespace::Namespace,
};

/// So many are shown.
const SHOWN: usize = 50;

/// The part about it; empty where there is nothing.
pub fn part(namespace: &Namespace) -> Markup {
    let problems = namespace.problems();
    let more = problems.len().saturating_sub(SHOWN);
    html! {
        section #problems aria-label="Problems" {
            @if !problems.is_empty() {
                h2 { (counted(problems.len(), "problem")) }
                ul.problems { @for problem in problems.iter().take(SHOWN) { (item(problem)) } }
                @if more > 0 { p.quiet { (more) " more: see the status, /v1/namespaces/" (namespace.name) "/status." } }
            }
        }
    }
}

fn item(problem: &Finding) -> Markup {
    let severity = if problem.is_error() { "error" } else { "warning" };
    html! { li.(severity) { strong { (severity) } " " span.found { (one_line(&problem.to_string())) } } }
}
