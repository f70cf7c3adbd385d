//! Patches of HTTP filters: first all that change which there are, then all merges.

use prost_reflect::DynamicMessage;

use super::{Panicked, Patching, network_filters::merge_filter, ordered::Place, predicates};
use crate::{
    api,
    envoy_filter::{ApplyTo, Operation},
    message,
};

/// Applies what is about the HTTP filters of the connection manager `filter`; one whose configuration is discovered is not
/// looked into.
pub(super) fn apply(
    patching: &mut Patching<'_>,
    listener: &DynamicMessage,
    chain: &DynamicMessage,
    place: &str,
    filter: &mut DynamicMessage,
) -> Result<(), Panicked> {
    let Some(mut manager) = manager(filter) else { return Ok(()) };
    let mut filters = message::messages(&manager, "http_filters");
    let of_manager = filter.clone();
    let meant = |patch: &crate::envoy_filter::Patch| {
        predicates::listener(listener, patch)
            && predicates::chain(listener, chain, patch)
            && predicates::network_filter(&of_manager, patch)
    };
    for selected in patching.of(ApplyTo::HttpFilter) {
        let patch = selected.patch;
        if meant(patch) {
            let by_item = predicates::says_http_filter(patch);
            let same = |filter: &DynamicMessage| predicates::http_filter(filter, patch);
            patching.arrange(&selected, &mut filters, &Place { name: place, by_item }, same);
        }
    }
    let merges =
        patching.of(ApplyTo::HttpFilter).filter(|one| one.patch.operation == Operation::Merge && meant(one.patch));
    let merges: Vec<_> = merges.collect();
    for filter in &mut filters {
        for selected in &merges {
            let patch = selected.patch;
            // One whose configuration is discovered is passed by.
            if predicates::http_filter(filter, patch) && message::inner(filter, "typed_config").is_some() {
                let name = message::text(filter, "name");
                let merged = patch.value.as_ref().map_or(Ok(()), |value| merge_filter(filter, value));
                patching.outcome(selected, place, &name, merged)?;
            }
        }
    }
    message::set_messages(&mut manager, "http_filters", filters);
    message::set_packed(filter, "typed_config", &manager);
    Ok(())
}

/// The connection manager in a network filter.
pub(crate) fn manager(filter: &DynamicMessage) -> Option<DynamicMessage> {
    let named = message::text(filter, "name") == predicates::CONNECTION_MANAGER;
    let any = message::inner(filter, "typed_config").filter(|_| named)?;
    let is_manager = message::text(&any, "type_url").ends_with(".http_connection_manager.v3.HttpConnectionManager");
    api::unpack(&any).filter(|_| is_manager)
}

/// Where in a listener a filter of this name is: the filter chain in words, the position, and what stands behind it.
pub(crate) fn discovered_places(listener: &DynamicMessage, name: &str) -> Vec<(String, usize, String)> {
    let mut places = Vec::new();
    for chain in message::messages(listener, "filter_chains") {
        for filter in message::messages(&chain, "filters") {
            let filters = manager(&filter).map(|one| message::messages(&one, "http_filters")).unwrap_or_default();
            let names: Vec<_> = filters.iter().map(|filter| message::text(filter, "name")).collect();
            if let Some(at) = names.iter().position(|one| one == name) {
                let next = names.get(at.saturating_add(1)).cloned().unwrap_or_default();
                places.push((super::place_of(listener, &chain), at, next));
            }
        }
    }
    places
}

/// The names of the HTTP filters of a listener whose configuration is discovered.
pub(super) fn discovered(listener: &DynamicMessage) -> Vec<String> {
    let chains = message::messages(listener, "filter_chains").into_iter();
    let chains = chains.chain(message::inner(listener, "default_filter_chain"));
    let filters = chains.flat_map(|chain| message::messages(&chain, "filters"));
    let inner = filters.filter_map(|filter| manager(&filter)).flat_map(|one| message::messages(&one, "http_filters"));
    let found = inner.filter(|filter| message::inner(filter, "config_discovery").is_some());
    found.map(|filter| message::text(&filter, "name")).collect()
}
