//! What is published, and how far it came.

use graylane_store::{Freeze, Manifest, Overlay, SwitchedOff};
use jiff::Timestamp;
use maud::{Markup, html};

use super::super::words::{count, counted, duration, time};
use crate::{clock::Moment, namespace::Namespace, nodes::Tally, publication::Publication, revisions};

/// The part about it.
pub fn part(namespace: &Namespace, published: Option<&Publication>, now: Moment) -> Markup {
    let manifest = published.and_then(|published| published.manifest.as_ref());
    html! {
        section #standing aria-labelledby="revision" {
            @if let Some(manifest) = manifest { (switches(&manifest.overlay, now.wall)) }
            @match published {
                Some(published) => {
                    h1 #revision { "Revision " (revision(&published.revision.to_string())) }
                    (origin(published, manifest, now.wall))
                    (spread(namespace, now))
                }
                None => {
                    h1 #revision { "Nothing is published" }
                    p { "Envoys decide by the rules embedded in their own configuration, or not at all." }
                    (spread(namespace, now))
                }
            }
        }
    }
}

/// A revision, which may be broken behind its epoch.
pub fn revision(text: &str) -> Markup {
    let (epoch, number) = text.split_once('.').unwrap_or(("", text));
    html! { span.data.revision { span.epoch { (epoch) "." } wbr; (number) } }
}

/// What stands above the documents: whoever looks for why nothing happens is to see it first.
fn switches(overlay: &Overlay, now: Timestamp) -> Markup {
    html! {
        @for SwitchedOff { rule_set, actor, at, reason } in &overlay.off {
            p.banner.off {
                strong { @match rule_set { Some(name) => { (name) " is off" } None => { "All rule sets are off" } } }
                ": everybody has the default variant, whatever the rules say. " (actor) ", " (time(now, *at)) ": " q { (reason) }
            }
        }
        @for Freeze { rule_set, actor, at, reason } in &overlay.frozen {
            p.banner.frozen {
                strong { @match rule_set { Some(name) => { (name) " is frozen" } None => { "Everything is frozen" } } }
                ": no changes. " (actor) ", " (time(now, *at)) ": " q { (reason) }
            }
        }
        @if !overlay.switches.is_empty() {
            p.banner { strong { "Switches are overridden" } ": " span.data { (overlay.switches) } }
        }
    }
}

fn origin(published: &Publication, manifest: Option<&Manifest>, now: Timestamp) -> Markup {
    html! {
        @match manifest {
            Some(manifest) => {
                p.origin {
                    (revisions::words_of(manifest)) " by " strong { (manifest.actor) } ", "
                    (time(now, manifest.at)) ": " q { (manifest.reason) }
                }
                p.links { a href={ "/history/" (published.revision) } { "What it changed" } }
            }
            None => {
                p.origin { "From a directory, " (time(now, published.at.wall)) ". A directory does not say who changed it, nor why." }
            }
        }
    }
}

fn spread(namespace: &Namespace, now: Moment) -> Markup {
    let nodes = namespace.nodes();
    let (tally, effects) = (nodes.tally(now.steady), nodes.effects());
    let Tally { nodes: envoys, workers, current, stale, refusing, silent } = tally;
    let took = effects.last.filter(|_| effects.awaited().is_none()).map(|took| duration(took.as_secs_f64()));
    let full = workers > 0 && current == workers;
    html! {
        @if workers > 0 {
            div.spread.full[full] {
                (progress(current, workers))
                p.tally {
                    strong { (current) " of " (count(workers, "worker")) }
                    " of " (count(envoys, "Envoy")) " " @if current == 1 { "runs" } @else { "run" } " it"
                    @if let Some(took) = took.filter(|_| full) { "; the last change took " (took) " to the last of them" }
                    "."
                }
            }
        }
        @if stale > 0 || refusing > 0 || silent > 0 {
            ul.wrong {
                @if refusing > 0 { li { (count(refusing, "worker")) " refusing" } }
                @if stale > 0 { li { (count(stale, "worker")) " behind for more than a second" } }
                @if silent > 0 { li { (count(silent, "Envoy")) " silent for more than a minute" } }
            }
        }
        @let waiting = namespace.waiting();
        @if waiting > 0 { p.quiet { (counted(waiting, "Envoy")) " waiting for news." } }
    }
}

fn progress(current: u64, workers: u64) -> Markup {
    // Both are at most 100,000.
    let permille = current.saturating_mul(1_000).checked_div(workers).unwrap_or(0);
    html! {
        svg.progress viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.done x="0" y="0" width=(permille) height="10" {}
        }
    }
}
