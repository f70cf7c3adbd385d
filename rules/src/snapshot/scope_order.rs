//! The order of the scopes of an output: the most specific first, in which a request's is looked up.

use std::cmp::Reverse;

use super::{
    Root,
    records::{Scope, host},
};

/// The order of scopes by their hosts, before that of the texts: exact ones, then labels, the longest first, then none.
pub(crate) fn host_key(kind: u8, host: &[u8]) -> (u8, Reverse<usize>) {
    match kind {
        host::EXACT => (0, Reverse(0)),
        host::LABELS => (1, Reverse(host.len())),
        _ => (2, Reverse(0)),
    }
}

/// The order of scopes of one host: the longest prefix first.
pub(crate) fn path_key(prefix: &[u8]) -> (Reverse<usize>, &[u8]) {
    (Reverse(prefix.len()), prefix)
}

/// Whether scopes are in the order in which they are looked up.
pub(crate) fn are_in_order(root: &Root<'_>, scopes: &[Scope]) -> bool {
    scopes.is_sorted_by_key(|scope| {
        let host = root.text(scope.host);
        (host_key(scope.host_kind, host), host, path_key(root.text(scope.path_prefix)))
    })
}
