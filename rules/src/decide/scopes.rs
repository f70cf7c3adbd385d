//! Which scope includes a request: one after the other where there are few, by their order where there are many.

use std::cmp::{Ordering, Reverse};

use crate::{
    Attributes,
    document::HOST_LIMIT,
    request::Asked,
    snapshot::{
        Root,
        records::{Scope, host},
    },
};

/// So many scopes are walked as quickly as one is found among them.
const FEW: usize = 16;

/// The most specific scope that includes the request: the first of `scopes` that does.
#[inline(never)]
pub(super) fn find<'s, A: Attributes>(root: &Root<'s>, scopes: &'s [Scope], asked: &Asked<'_, A>) -> Option<&'s Scope> {
    let mut lower = [0; HOST_LIMIT];
    let host = lowered(asked.host().unwrap_or_default(), &mut lower).filter(|_| scopes.len() > FEW);
    let Some(host) = host else { return scopes.iter().find(|scope| includes(root, scope, asked)) };
    // A wildcard stands for one label at least: so what is left begins with a dot, and something stands before it.
    let ends = (1..host.len()).filter_map(|at| host.get(at..)).filter(|end| end.starts_with(b"."));
    let labels = ends.map(|end| (host::LABELS, end));
    let mut hosts = std::iter::once((host::EXACT, host)).chain(labels).chain([(host::ANY, &b""[..])]);
    hosts.find_map(|wanted| {
        let of_host = equal_range(scopes, |scope| by_host(root, scope).cmp(&host_key(wanted)));
        by_path(root, of_host, asked.path())
    })
}

/// The scope of the longest prefix of `path`, among those of one host.
fn by_path<'s>(root: &Root<'s>, scopes: &'s [Scope], path: Option<&[u8]>) -> Option<&'s Scope> {
    let longest = scopes.first().map_or(0, |scope| scope.path_prefix.length.get() as usize);
    let path = path.unwrap_or_default();
    // Each prefix ends where the path does or where a segment begins, but for "/", which all paths begin with.
    let ends = |length: &usize| *length <= 1 || path.get(*length).is_none_or(|&next| next == b'/');
    let prefixes = (0..=path.len().min(longest)).rev().filter(ends).filter_map(|length| path.get(..length));
    let at = |prefix: &[u8]| {
        let same = equal_range(scopes, |scope| by_prefix(root.text(scope.path_prefix)).cmp(&by_prefix(prefix)));
        same.first().filter(|_| has_prefix(Some(path), prefix) || prefix.is_empty())
    };
    if scopes.is_empty() { None } else { { prefixes }.find_map(at) }
}

/// Those of `scopes`, which are in order, that are `Equal`.
fn equal_range(scopes: &[Scope], order: impl Fn(&Scope) -> Ordering) -> &[Scope] {
    let first = scopes.partition_point(|scope| order(scope) == Ordering::Less);
    let rest = scopes.get(first..).unwrap_or_default();
    let count = rest.partition_point(|scope| order(scope) == Ordering::Equal);
    rest.get(..count).unwrap_or_default()
}

/// The order of scopes by their hosts: exact ones, then labels, the longest first, then none.
type HostKey<'h> = (u8, Reverse<usize>, &'h [u8]);

fn host_key((kind, text): (u8, &[u8])) -> HostKey<'_> {
    match kind {
        host::EXACT => (0, Reverse(0), text),
        host::LABELS => (1, Reverse(text.len()), text),
        _ => (2, Reverse(0), b""),
    }
}

fn by_host<'s>(root: &Root<'s>, scope: &Scope) -> HostKey<'s> {
    host_key((scope.host_kind, root.text(scope.host)))
}

/// The order of scopes of one host: the longest prefix first.
fn by_prefix(prefix: &[u8]) -> (Reverse<usize>, &[u8]) {
    (Reverse(prefix.len()), prefix)
}

/// Whether scopes are in the order in which they are looked up.
pub(crate) fn are_in_order(root: &Root<'_>, scopes: &[Scope]) -> bool {
    scopes.is_sorted_by_key(|scope| (by_host(root, scope), by_prefix(root.text(scope.path_prefix))))
}

/// A copy in lower case; None where it is too long.
fn lowered<'c>(host: &[u8], copy: &'c mut [u8; HOST_LIMIT]) -> Option<&'c [u8]> {
    let lower = copy.get_mut(..host.len())?;
    lower.copy_from_slice(host);
    lower.make_ascii_lowercase();
    Some(lower)
}

/// Whether a scope includes the request.
pub(crate) fn includes<A: Attributes>(root: &Root<'_>, scope: &Scope, asked: &Asked<'_, A>) -> bool {
    (scope.host_kind == host::ANY || is_host(asked.host(), scope.host_kind, root.text(scope.host)))
        && (scope.path_prefix.length.get() == 0 || has_prefix(asked.path(), root.text(scope.path_prefix)))
}

/// Whether `host` is the one of `pattern`, or has its labels.
fn is_host(host: Option<&[u8]>, kind: u8, pattern: &[u8]) -> bool {
    let host = host.unwrap_or_default();
    if kind == host::EXACT {
        return host.eq_ignore_ascii_case(pattern);
    }
    // The pattern begins with its dot, so at least one label stands in front of it.
    let start = host.len().checked_sub(pattern.len()).filter(|&start| start > 0);
    start.and_then(|start| host.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(pattern))
}

/// Whether `path` begins with `prefix` and ends there or goes on with another segment.
fn has_prefix(path: Option<&[u8]>, prefix: &[u8]) -> bool {
    let rest = path.and_then(|path| path.strip_prefix(prefix));
    let ends = |rest: &[u8]| prefix == b"/" || rest.first().is_none_or(|&next| next == b'/');
    rest.is_some_and(ends)
}
