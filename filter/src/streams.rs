//! Whose a stream is.
//!
//! A callback for the creation of streams would say so, and would cost every request as much as a fourth of a decision. So it is
//! not exported; the host tells the filters of a VM apart only where there are several, which is rare: listeners that are
//! configured differently, or an old configuration whose last streams have not ended.

use crate::{
    host::{self, Status},
    roots::{Filter, Root},
};

/// A filter, and whether it is certainly the one that the stream belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The filter.
    pub filter: &'a Filter,
    /// False where the host did not tell them apart: then it is the newest that can be meant.
    pub certain: bool,
}

/// Has streams of the root `id`, which is being configured, be known by [`owner`].
///
/// The entry of filter state that is named after it can be written only once by its streams; those of other roots can write it
/// as often as they like. Nothing else that depends on the root can be asked for in a stream, but for the plugin's name.
pub fn mark(id: u32) {
    if let Err(status) = host::declare_constant(&key(id)) {
        log::warn!("streams of this configuration are not told from others of a plugin of its name: {status:?}");
    }
}

/// The filter that the stream being asked about belongs to, of `roots`, oldest first; None where there is no filter.
#[inline]
pub fn owner(roots: &[Root]) -> Option<Owner<'_>> {
    let mut filters = roots.iter().filter_map(|root| Some((root.id, root.filter()?)));
    let (_, newest) = filters.next_back()?;
    match filters.next_back() {
        None => Some(Owner { filter: newest, certain: true }),
        Some(_) => tell_apart(roots),
    }
}

/// Asks for the plugin's name, and among filters of one name for the entry that each of them has made its own, the newest first.
#[cold]
fn tell_apart(roots: &[Root]) -> Option<Owner<'_>> {
    let filters = || roots.iter().rev().filter_map(|root| Some((root.id, root.filter()?)));
    // Where the host refuses to say, that is no name: least of all that of a plugin without one.
    let name = host::property("plugin_name").ok().filter(|name| filters().any(|(_, filter)| filter.plugin == *name));
    let unknown = name.is_none();
    let mut candidates = filters().filter(|(_, filter)| name.as_ref().is_none_or(|name| filter.plugin == *name));
    let (newest, others) = (candidates.next()?, candidates);
    let mut others = others.peekable();
    if !unknown && others.peek().is_none() {
        return Some(Owner { filter: newest.1, certain: true });
    }
    let mut possible = None;
    for (id, filter) in std::iter::once(newest).chain(others) {
        match write_twice(&key(id)) {
            (Ok(()), Err(Status::BadArgument)) => return Some(Owner { filter, certain: true }),
            // Written by a stream of that root, which is another filter of the same request.
            (Err(Status::BadArgument), _) => {}
            _ => possible = possible.or(Some(filter)),
        }
    }
    Some(Owner { filter: possible.unwrap_or(newest.1), certain: false })
}

fn write_twice(key: &str) -> (Result<(), Status>, Result<(), Status>) {
    let write = || host::set_filter_state(key, b"1");
    (write(), write())
}

fn key(id: u32) -> String {
    format!("graylane_root_{id}")
}
