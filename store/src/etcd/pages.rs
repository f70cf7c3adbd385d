//! Reading many keys: in pages, because an answer of megabytes may come to nothing.

use std::sync::Arc;

use super::{
    calls::{Calls, Care},
    failure::Failure,
    keys,
    wire::{Bytes, Kv, Range, RangeAnswer},
};

/// The most keys of a page. A member reads the values as well, even where only keys are asked for, and these may have half a
/// megabyte each.
const PAGE: u64 = 100;

/// Some keys, and the revision of etcd at which the first of them were read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) kvs: Vec<Kv>,
    pub(super) revision: u64,
}

/// All keys that begin with `prefix`, in order, with their values or without.
pub(super) async fn all(calls: &Arc<Calls>, prefix: &str, keys_only: bool) -> Result<Found, Failure> {
    between(calls, prefix.into(), keys::behind(prefix), keys_only).await
}

/// All keys from `first` to before `end`, in order.
pub(super) async fn between(
    calls: &Arc<Calls>,
    first: Vec<u8>,
    end: Vec<u8>,
    keys_only: bool,
) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut range = Range { key: Bytes(first), range_end: Some(Bytes(end)), limit: PAGE, keys_only };
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
