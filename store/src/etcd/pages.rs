//! Reading many keys: in pages, because an answer of megabytes may come to nothing.

use std::sync::Arc;

use super::{
    calls::{Calls, Care},
    failure::Failure,
    keys,
    wire::{Bytes, Kv, Range, RangeAnswer},
};

/// How many keys a page has at most: a member reads the values as well, even where only keys are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Values {
    /// Of some kilobytes each.
    Small,
    /// Of half a megabyte, some of them.
    Large,
}

impl Values {
    fn page(self) -> u64 {
        match self {
            Self::Small => 1000,
            Self::Large => 100,
        }
    }
}

/// Some keys, and the revision of etcd at which the first of them were read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) kvs: Vec<Kv>,
    pub(super) revision: u64,
}

/// All keys that begin with `prefix`, in order, with their values or without.
pub(super) async fn all(calls: &Arc<Calls>, prefix: &str, values: Values, keys_only: bool) -> Result<Found, Failure> {
    between(calls, (prefix.into(), keys::behind(prefix)), values, keys_only).await
}

/// All keys from `first` to before `end`, in order.
pub(super) async fn between(
    calls: &Arc<Calls>,
    (first, end): (Vec<u8>, Vec<u8>),
    values: Values,
    keys_only: bool,
) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut range = Range { key: Bytes(first), range_end: Some(Bytes(end)), limit: values.page(), keys_only };
    loop {
        let page: RangeAnswer = calls.call("/v3/kv/range", &range, Care::Reads).await?;
        if found.revision == 0 {
            found.revision = page.header.revision;
        }
        let last = page.kvs.last().map(|kv| kv.key.0.clone());
        found.kvs.extend(page.kvs);
        match last {
            Some(mut next) if page.more => {
                next.push(0);
                range.key = Bytes(next);
            }
            _ => return Ok(found),
        }
    }
}
