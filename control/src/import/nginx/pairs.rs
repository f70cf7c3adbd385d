//! Which routes of which canary stand beside which of a main Ingress: equal host, path and path type.

use std::collections::{BTreeMap, BTreeSet};

use super::ingress::{Ingress, PathKind, Route};
use crate::import::report::{About, Report};

/// What becomes one rule set: a canary's routes of which every host has the same paths, compared the same way.
pub struct Set<'a> {
    /// The canary.
    pub canary: &'a Ingress,
    /// The main Ingress of the first route.
    pub main: &'a Ingress,
    /// The hosts; one that is empty stands for any.
    pub hosts: Vec<String>,
    /// The paths.
    pub paths: Vec<String>,
    /// Whether only these paths themselves have a canary, not what is below them.
    pub exact: bool,
    /// For each route the main's and the canary's.
    pub routes: Vec<(Route, Route)>,
    /// What is within these hosts and paths and has no canary.
    pub elsewhere: Vec<Elsewhere>,
}

/// A place within a scope to which the canary does not belong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elsewhere {
    /// The host, where that is what distinguishes it; `*.` as in scopes.
    pub host: Option<String>,
    /// The path and whether it is the path alone, where that distinguishes it.
    pub path: Option<(String, bool)>,
}

type Key = (String, String, PathKind);

fn key(route: &Route) -> Key {
    (route.host.clone(), route.path.clone(), route.kind)
}

/// Pairs the routes; what stands alone is told.
pub fn pair<'a>(mains: &'a [Ingress], canaries: &'a [Ingress], prefix: &str, report: &mut Report) -> Vec<Set<'a>> {
    let all: Vec<(&Ingress, &Route)> =
        mains.iter().flat_map(|ingress| ingress.routes.iter().map(move |route| (ingress, route))).collect();
    let mut paired: BTreeMap<Key, &Ingress> = BTreeMap::new();
    let mut sets = Vec::new();
    for canary in canaries {
        let mut about = About { file: &canary.file, report };
        let mut routes = Vec::new();
        for route in &canary.routes {
            let title = format!("{}, {}", canary.title(), shown(route));
            let Some((main, of_main)) = all.iter().find(|(_, main)| key(main) == key(route)) else {
                let says = "no main Ingress among the files has this host, path and path type, so it has no effect";
                about.lost(route.place, "no-main", title, says);
                continue;
            };
            if of_main.backend == route.backend {
                about.note(
                    route.place,
                    "same-service",
                    title,
                    "its Service is the main one's: no canary there, nor here",
                );
            } else if let Some(other) = paired.get(&key(route)) {
                let says =
                    format!("{} is the canary of it already, and one is all that ingress-nginx uses", other.title());
                about.lost(route.place, "second-canary", title, says);
            } else if let Some(why) = unusable(&route.path, main, prefix) {
                about.lost(route.place, "path", title, why);
            } else {
                paired.insert(key(route), canary);
                routes.push((*main, (*of_main).clone(), route.clone()));
            }
        }
        tell_shared_services(&routes, &all, canary, &mut about);
        sets.extend(grouped(canary, routes));
    }
    for set in &mut sets {
        set.elsewhere = elsewhere(set, &all, &paired);
        let mut about = About { file: &set.canary.file, report };
        tell_patterns(set, &all, &mut about);
    }
    sets
}

/// `HOST PATH`.
pub fn shown(route: &Route) -> String {
    format!("{} {}", if route.host.is_empty() { "any host" } else { &route.host }, route.path)
}

/// Why a path cannot be a scope.
fn unusable(path: &str, main: &Ingress, prefix: &str) -> Option<String> {
    let regex = |name| main.annotation(prefix, name).is_some();
    if (regex("use-regex") || regex("rewrite-target")) && !is_literal(path) {
        return Some("a path that is a regular expression; scopes have plain prefixes".to_owned());
    }
    let plain = path.starts_with('/') && !path.contains(['?', '#']) && !path.contains("//");
    (!plain)
        .then(|| "no path that a scope can have: it begins with '/', without '?', '#' and empty segments".to_owned())
}

/// Whether a path means itself where it is read as a regular expression.
fn is_literal(path: &str) -> bool {
    !path.contains(['(', '[', '*', '+', '?', '|', '^', '$', '\\', '{'])
}

/// Locations that nginx finds by a regular expression come before the canary's prefixes, and no rule can say where.
fn tell_patterns(set: &Set<'_>, all: &[(&Ingress, &Route)], about: &mut About<'_>) {
    for (main, route) in all.iter().filter(|(_, route)| !is_literal(&route.path) && set.hosts.contains(&route.host)) {
        let says = format!(
            "{} has {}, a regular expression: what it takes has no canary there, and here it has this one",
            main.title(),
            shown(route)
        );
        about.changed(set.canary.place, "pattern-beside", set.canary.title(), says);
    }
}

/// ingress-nginx hangs a canary on the main Service, wherever that is routed to.
fn tell_shared_services(
    routes: &[(&Ingress, Route, Route)],
    all: &[(&Ingress, &Route)],
    canary: &Ingress,
    about: &mut About<'_>,
) {
    for (_, main, of_canary) in routes {
        let is_ours = |route: &Route| canary.routes.iter().any(|of_canary| key(of_canary) == key(route));
        let others = all.iter().filter(|(_, route)| route.backend == main.backend && !is_ours(route));
        let others: Vec<_> = others.map(|(_, route)| shown(route)).collect();
        if !others.is_empty() {
            let says = format!(
                "Service {} is routed to by {} as well, and ingress-nginx sends these to the canary, too; here only {} has it",
                main.backend,
                others.join(" and "),
                shown(of_canary)
            );
            about.changed(of_canary.place, "shared-service", canary.title(), says);
        }
    }
}

/// Routes by host, and then hosts by what paths they have.
fn grouped<'a>(canary: &'a Ingress, routes: Vec<(&'a Ingress, Route, Route)>) -> Vec<Set<'a>> {
    let mut by_host: BTreeMap<(bool, String), BTreeSet<String>> = BTreeMap::new();
    for (_, _, route) in &routes {
        let exact = route.kind == PathKind::Exact;
        by_host.entry((exact, route.host.clone())).or_default().insert(route.path.clone());
    }
    let mut by_paths: BTreeMap<(bool, BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for ((exact, host), paths) in by_host {
        by_paths.entry((exact, paths)).or_default().push(host);
    }
    let mut sets = Vec::new();
    for ((exact, paths), hosts) in by_paths {
        let within = |route: &Route| {
            (route.kind == PathKind::Exact) == exact && hosts.contains(&route.host) && paths.contains(&route.path)
        };
        let mut of_set = routes.iter().filter(|(_, _, route)| within(route));
        let Some((main, ..)) = of_set.clone().next() else { continue };
        let routes = of_set.by_ref().map(|(_, main, canary)| (main.clone(), canary.clone())).collect();
        let paths = paths.into_iter().collect();
        sets.push(Set { canary, main, hosts, paths, exact, routes, elsewhere: Vec::new() });
    }
    sets
}

/// The main routes that nginx prefers to those of the set, and that have no rule set of their own.
fn elsewhere(set: &Set<'_>, all: &[(&Ingress, &Route)], paired: &BTreeMap<Key, &Ingress>) -> Vec<Elsewhere> {
    if set.exact {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    for (_, route) in all.iter().filter(|(_, route)| !paired.contains_key(&key(route)) && is_literal(&route.path)) {
        if set.hosts.contains(&route.host) {
            let exact = route.kind == PathKind::Exact;
            let below = |path: &String| {
                is_below(&route.path, path) && (exact || route.path.trim_end_matches('/') != path.trim_end_matches('/'))
            };
            if set.paths.iter().any(below) {
                let host = (set.hosts.len() > 1).then(|| route.host.clone());
                found.insert(Elsewhere { host, path: Some((route.path.clone(), exact)) });
            }
        }
    }
    // A host that has a server of its own in nginx never gets to the server of a wildcard, or of none.
    for (_, route) in all {
        let covered = |host: &String| *host != route.host && covers(host, &route.host);
        if !set.hosts.contains(&route.host) && set.hosts.iter().any(covered) {
            found.insert(Elsewhere { host: Some(route.host.clone()), path: None });
        }
    }
    found.into_iter().collect()
}

/// Whether `path` is `above` or below it, segment by segment.
fn is_below(path: &str, above: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether requests for `host` are within a scope of `wide`.
fn covers(wide: &str, host: &str) -> bool {
    wide.is_empty()
        || wide.strip_prefix('*').is_some_and(|suffix| host.trim_start_matches('*').ends_with(suffix) && host != wide)
}
