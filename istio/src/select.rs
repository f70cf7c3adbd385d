//! Which patches a proxy gets, and in which order.

use std::collections::BTreeMap;

use crate::{
    envoy_filter::{EnvoyFilter, Patch},
    proxy::Proxy,
};

/// A patch, and whose it is: the index of its filter among those that were given, and of the patch within it.
#[derive(Clone, Copy, Debug)]
pub struct Selected<'f> {
    /// The index of the EnvoyFilter.
    pub filter: usize,
    /// The index of the patch among those of the filter.
    pub index: usize,
    /// The patch.
    pub patch: &'f Patch,
}

/// The patches of `filters` that are for `proxy`, in istiod's order: by priority, those of the root namespace first, the oldest
/// first, by name and namespace; within a filter as they are written.
pub fn select<'f>(filters: &'f [EnvoyFilter], proxy: &Proxy) -> Vec<Selected<'f>> {
    let mut chosen: Vec<_> = filters.iter().enumerate().filter(|(_, filter)| is_for(filter, proxy)).collect();
    chosen.sort_by_cached_key(|(_, filter)| {
        let elsewhere = filter.namespace != proxy.root_namespace;
        let uncreated = filter.created.is_empty();
        let name = format!("{}.{}", filter.name, filter.namespace);
        (filter.priority, elsewhere, uncreated, filter.created.clone(), name)
    });
    let patches = chosen.into_iter().flat_map(|(filter, of)| {
        of.patches.iter().enumerate().map(move |(index, patch)| Selected { filter, index, patch })
    });
    patches.filter(|selected| suits(selected.patch, proxy)).collect()
}

/// Whether the filter is for this proxy's workload.
pub fn is_for(filter: &EnvoyFilter, proxy: &Proxy) -> bool {
    let everybody = BTreeMap::new();
    proxy.is_meant(&filter.namespace, &filter.targets, filter.selector.as_ref().unwrap_or(&everybody))
}

/// Whether the patch is for a proxy of this version and metadata.
pub fn suits(patch: &Patch, proxy: &Proxy) -> bool {
    let version = patch.matching.version.as_ref();
    let version = version.is_none_or(|wanted| match (&wanted.regex, &proxy.version) {
        (Some(regex), Some(version)) => regex.is_match(version),
        _ => false,
    });
    version && patch.matching.metadata.iter().all(|(name, value)| proxy.metadata.get(name) == Some(value))
}
