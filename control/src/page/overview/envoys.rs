//! Who runs what: each Envoy, each of its workers, since when, and what it refuses.

use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    super::words::{count, counted, time},
    standing::revision,
};
use crate::{
    clock::Moment,
    finding::one_line,
    namespace::Namespace,
    nodes::{Fetcher, Role},
    status::{NodeStatus, WorkerStatus},
};

/// So many Envoys are shown, those that are not well first.
const ENVOYS: usize = 100;

/// So many VMs of one Envoy are.
const WORKERS: usize = 64;

/// The part about them.
pub fn part(namespace: &Namespace, now: Moment) -> Markup {
    let (envoys, all) = shown(namespace, now);
    let more = all.saturating_sub(envoys.len());
    html! {
        section #envoys aria-labelledby="envoys-title" {
            h2 #envoys-title { "Envoys" }
            @if envoys.is_empty() {
                p.quiet { "No Envoy has reported." }
            } @else {
                table.envoys {
                    caption.hidden { "Each worker of each Envoy, what it runs, and since when" }
                    thead { tr { th scope="col" { "Worker" } th scope="col" { "Runs" } th scope="col" { "Since" } } }
                    @for envoy in &envoys { (group(envoy, now.wall)) }
                }
            }
            @if more > 0 { p.quiet { (counted(more, "more Envoy")) ", all well or not shown: `graylane status` has each." } }
        }
    }
}

/// The Envoys to show, and how many there are.
fn shown(namespace: &Namespace, now: Moment) -> (Vec<NodeStatus>, usize) {
    let nodes = namespace.nodes();
    // In the order of their ids; what is asked of each is cheap.
    let mut ranked: Vec<_> = nodes.iter(now.steady).collect();
    let well = |(_, node): &(&str, &crate::nodes::Node)| {
        let serving = || node.serving();
        let quick = node.trouble.is_none() && !node.is_silent(now.steady) && !node.twins.stand(now.steady);
        quick
            && serving().next().is_some()
            && serving().all(|known| !known.worker.refuses() && !nodes.is_stale(known, now.steady))
    };
    let all = ranked.len();
    if all > ENVOYS {
        ranked.sort_by_key(well);
    }
    (ranked.into_iter().take(ENVOYS).map(|(id, node)| NodeStatus::of(id, node, &nodes, now)).collect(), all)
}

fn group(envoy: &NodeStatus, now: Timestamp) -> Markup {
    let more = envoy.workers.len().saturating_sub(WORKERS);
    let id = if envoy.id.is_empty() { "-".to_owned() } else { one_line(&envoy.id) };
    html! {
        tbody {
            tr.envoy {
                th colspan="3" scope="rowgroup" {
                    span.data { (id) }
                    span.quiet {
                        @if !envoy.cluster.is_empty() { " of " (one_line(&envoy.cluster)) }
                        @match envoy.fetcher {
                            Some(Fetcher::Elected) => { ", a worker fetches" }
                            Some(Fetcher::Bootstrap) | None => {}
                        }
                        ", heard " (time(now, envoy.last_report))
                    }
                    @if envoy.silent { " " span.tag.stale { "silent" } }
                    @if envoy.shared { " " span.tag.refusing { "shares its id" } }
                    @if let Some(why) = &envoy.trouble { p.says { (one_line(why)) } }
                    @if !envoy.workers.iter().any(|worker| Role::serves(worker.role)) {
                        p.says { "no worker: is there a filter of the fetcher's vm_id?" }
                    }
                }
            }
            @for worker in envoy.workers.iter().take(WORKERS) { (row(worker, now)) }
            @if more > 0 { tr { td.quiet colspan="3" { (counted(more, "more worker")) } } }
        }
    }
}

fn row(worker: &WorkerStatus, now: Timestamp) -> Markup {
    let refuses = worker.error.is_some() || worker.refused.is_some();
    let runs = worker.revision.as_deref();
    let state = match (refuses, worker.stale, worker.behind_seconds) {
        (true, ..) => "refusing",
        (_, true, _) => "stale",
        (_, _, Some(_)) => "behind",
        _ => "current",
    };
    let short: String = worker.id.chars().take(8).collect();
    html! {
        // The script marks a row whose state is another one than before.
        tr.worker.(state) data-key=(worker.id) data-state={ (runs.unwrap_or_default()) " " (state) } {
            th scope="row" {
                span.data title=(worker.id) { (short) }
                @if !Role::serves(worker.role) { " " span.quiet { "main" } }
            }
            td { @match runs { Some(runs) => { (revision(runs)) } None => { "nothing" } } (tag(worker, state)) }
            td { (time(now, worker.since)) }
        }
        @if refuses {
            tr.why { td colspan="3" { (refusal(worker)) } }
        }
    }
}

fn tag(worker: &WorkerStatus, state: &str) -> Markup {
    html! {
        @match (state, worker.behind) {
            ("current", _) => {}
            ("refusing", _) => { " " span.tag.refusing { "refusing" } }
            (_, Some(behind)) if behind > 0 => { " " span.tag.(state) { (count(behind, "revision")) " behind" } }
            _ => { " " span.tag.(state) { (state) } }
        }
    }
}

fn refusal(worker: &WorkerStatus) -> Markup {
    html! {
        p.says {
            @match &worker.refused {
                Some(refused) => { "refuses " (revision(refused)) ": " }
                None => { "cannot use its own everywhere: " }
            }
            (one_line(worker.error.as_deref().unwrap_or("it does not say why")))
        }
    }
}
