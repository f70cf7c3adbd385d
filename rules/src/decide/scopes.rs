//! Which scope includes a request: one after the other where there are few, by their order where there are many.

use std::cmp::Ordering;

use crate::{
    Attributes,
    document::HOST_LIMIT,
    request::Asked,
    snapshot::{
        Root,
        records::{Scope, host},
        scope_order::{host_key, path_key},
        tables::equal_range,
    },
};

/// So many scopes are walked as quickly as one is found among them.
const FEW: usize = 16;

/// The most specific scope that includes the request: the first of `scopes` that does.
#[inline(never)]
pub(super) fn find<'s, A: Attributes>(root: &Root<'s>, scopes: &'s [Scope], asked: &Asked<'_, A>) -> Option<&'s Scope> {
    if scopes.len() <= FEW {
        return scopes.iter().find(|scope| includes(root, scope, asked));
    }
    let host = asked.host().unwrap_or_default();
    // A wildcard stands for one label at least: so what is left begins with a dot, and something stands before it. None is longer
    // than its limit, however long the host is.
    let ends = host.len().saturating_sub(HOST_LIMIT).max(1)..host.len();
    let labels =
        ends.filter_map(|at| host.get(at..)).filter(|end| end.starts_with(b".")).map(|end| (host::LABELS, end));
    let mut hosts = std::iter::once((host::EXACT, host)).chain(labels).chain([(host::ANY, &b""[..])]);
    hosts.find_map(|wanted| by_path(root, equal_range(scopes, |scope| by_host(root, scope, wanted)), asked.path()))
}

/// The scope of the longest prefix of `path`, among those of one host.
fn by_path<'s>(root: &Root<'s>, scopes: &'s [Scope], path: Option<&[u8]>) -> Option<&'s Scope> {
    let longest = scopes.first().map_or(0, |scope| scope.path_prefix.length.get() as usize);
    let path = path.unwrap_or_default();
    let lengths = (0..=path.len().min(longest)).rev().filter(|&length| ends_segment(path, length));
    let mut prefixes = lengths.filter_map(|length| path.get(..length));
    let order = |scope: &Scope, prefix| path_key(root.text(scope.path_prefix)).cmp(&path_key(prefix));
    prefixes.find_map(|prefix| equal_range(scopes, |scope| order(scope, prefix)).first())
}

/// How the host of a scope, which is in lower case, stands to one in any case.
fn by_host(root: &Root<'_>, scope: &Scope, (kind, wanted): (u8, &[u8])) -> Ordering {
    let host = root.text(scope.host);
    let texts = || host.iter().copied().cmp(wanted.iter().map(u8::to_ascii_lowercase));
    host_key(scope.host_kind, host).cmp(&host_key(kind, wanted)).then_with(texts)
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
    path.is_some_and(|path| path.starts_with(prefix) && ends_segment(path, prefix.len()))
}

/// Whether the first `length` bytes of `path` are whole segments; "/" and nothing are so of every path.
fn ends_segment(path: &[u8], length: usize) -> bool {
    length == 0 || path.get(..length) == Some(b"/") || path.get(length).is_none_or(|&next| next == b'/')
}
