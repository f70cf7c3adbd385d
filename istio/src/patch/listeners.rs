//! Patches of listeners, their filters and filter chains.

use prost_reflect::{DynamicMessage, Value};

use super::{Change, Panicked, Patching, http_filters, network_filters, ordered::Place, predicates, routes};
use crate::{
    envoy_filter::{ApplyTo, Operation},
    merge::merge_any,
    message,
    proxy::Context,
};

/// Applies everything that is about the listeners of one context.
pub(super) fn apply(patching: &mut Patching<'_>, listeners: &mut Vec<DynamicMessage>) {
    if patching.context == Context::SidecarInbound {
        // istiod patches these routes when it makes them, before they become part of a listener.
        listeners.iter_mut().for_each(|listener| inline_routes(patching, listener));
    }
    // What was done before a panic stays, what would have come after it does not come, and nothing is added or taken out.
    if let Ok(removed) = patch_all(patching, listeners) {
        add(patching, listeners);
        let mut at = 0_usize;
        listeners.retain(|_| {
            at = at.saturating_add(1);
            !removed.contains(&at)
        });
    }
}

/// The positions, from 1, of the listeners that are removed.
fn patch_all(patching: &mut Patching<'_>, listeners: &mut [DynamicMessage]) -> Result<Vec<usize>, Panicked> {
    let mut removed = Vec::new();
    for (at, listener) in listeners.iter_mut().enumerate() {
        if one(patching, listener)? {
            removed.push(at.saturating_add(1));
        }
    }
    Ok(removed)
}

/// Whether it is removed.
fn one(patching: &mut Patching<'_>, listener: &mut DynamicMessage) -> Result<bool, Panicked> {
    let name = message::text(listener, "name");
    for selected in patching.of(ApplyTo::Listener) {
        if !predicates::listener(listener, selected.patch) {
            continue;
        }
        if selected.patch.operation == Operation::Remove {
            patching.did(&selected, "listeners", Change::Removed(name));
            return Ok(true);
        }
        if selected.patch.operation.is_merge() {
            patching.merge(&selected, "listeners", &name, listener)?;
        }
    }
    listener_filters(patching, listener)?;
    chains(patching, listener)?;
    Ok(false)
}

fn add(patching: &mut Patching<'_>, listeners: &mut Vec<DynamicMessage>) {
    for selected in patching.of(ApplyTo::Listener) {
        let for_all = selected.patch.matching.context == Context::Any;
        let here = !for_all || matches!(patching.context, Context::SidecarOutbound | Context::Gateway);
        if let Some(value) =
            selected.patch.value.as_ref().filter(|_| here && selected.patch.effective() == Operation::Add)
        {
            let at = listeners.len();
            patching.insert(&selected, listeners, "listeners", at, value);
        }
    }
}

fn listener_filters(patching: &mut Patching<'_>, listener: &mut DynamicMessage) -> Result<(), Panicked> {
    let place = format!("listener {}", message::text(listener, "name"));
    let mut filters = message::messages(listener, "listener_filters");
    for selected in patching.of(ApplyTo::ListenerFilter) {
        let patch = selected.patch;
        if !predicates::listener(listener, patch) {
            continue;
        }
        let by_item = predicates::says_listener_filter(patch);
        if patch.operation == Operation::Merge && by_item {
            // Into all of them, whatever the name that the match has: istiod does not look at it.
            for filter in &mut filters {
                merge_listener_filter(patching, &selected, &place, filter)?;
            }
        } else {
            let meant = |filter: &DynamicMessage| predicates::listener_filter(filter, patch);
            patching.arrange(&selected, &mut filters, &Place { name: &place, by_item }, meant);
        }
    }
    message::set_messages(listener, "listener_filters", filters);
    Ok(())
}

fn merge_listener_filter(
    patching: &mut Patching<'_>,
    selected: &crate::select::Selected<'_>,
    place: &str,
    filter: &mut DynamicMessage,
) -> Result<(), Panicked> {
    let value = selected.patch.value.as_ref().and_then(|value| message::inner(value, "typed_config"));
    let (Some(there), Some(value)) = (message::inner(filter, "typed_config"), value) else { return Ok(()) };
    let merged = merge_any(&there, &value).map(|merged| {
        merged.into_iter().for_each(|merged| message::set(filter, "typed_config", Value::Message(merged)));
    });
    let name = message::text(filter, "name");
    patching.outcome(selected, place, &name, merged)
}

fn chains(patching: &mut Patching<'_>, listener: &mut DynamicMessage) -> Result<(), Panicked> {
    let of_listener = listener.clone();
    let place = format!("listener {}", message::text(listener, "name"));
    let mut chains = message::messages(listener, "filter_chains");
    let mut kept = Vec::new();
    let mut panicked = false;
    for mut chain in chains.drain(..) {
        // What follows a panic stays as it is.
        let emptied = !panicked
            && has_filters(&chain)
            && match one_chain(patching, &of_listener, &mut chain) {
                Ok(removed) => removed,
                Err(Panicked) => {
                    panicked = true;
                    false
                }
            };
        if panicked || (!emptied && has_filters(&chain)) {
            kept.push(chain);
        }
    }
    if let Some(mut chain) =
        message::inner(listener, "default_filter_chain").filter(|chain| !panicked && has_filters(chain))
    {
        match one_chain(patching, &of_listener, &mut chain) {
            Ok(true) => listener.clear_field_by_name("default_filter_chain"),
            Ok(false) => message::set(listener, "default_filter_chain", Value::Message(chain)),
            Err(Panicked) => panicked = true,
        }
    }
    if !panicked {
        for selected in patching.of(ApplyTo::FilterChain) {
            let adds =
                selected.patch.effective() == Operation::Add && predicates::listener(&of_listener, selected.patch);
            if let Some(value) = selected.patch.value.as_ref().filter(|_| adds) {
                let at = kept.len();
                patching.insert(&selected, &mut kept, &place, at, value);
            }
        }
    }
    message::set_messages(listener, "filter_chains", kept);
    if panicked { Err(Panicked) } else { Ok(()) }
}

fn has_filters(chain: &DynamicMessage) -> bool {
    !message::list(chain, "filters").is_empty()
}

/// Whether it is removed.
fn one_chain(
    patching: &mut Patching<'_>,
    listener: &DynamicMessage,
    chain: &mut DynamicMessage,
) -> Result<bool, Panicked> {
    let place = format!("listener {}", message::text(listener, "name"));
    let name = message::text(chain, "name");
    for selected in patching.of(ApplyTo::FilterChain) {
        if !predicates::listener(listener, selected.patch) || !predicates::chain(listener, chain, selected.patch) {
            continue;
        }
        if selected.patch.operation == Operation::Remove {
            patching.did(&selected, &place, Change::Removed(name));
            return Ok(true);
        }
        if selected.patch.operation.is_merge() {
            merge_chain(patching, &selected, &place, chain)?;
        }
    }
    network_filters::apply(patching, listener, chain)?;
    Ok(false)
}

/// A transport socket of the same name is merged at its own level, and nothing else of the value is.
fn merge_chain(
    patching: &mut Patching<'_>,
    selected: &crate::select::Selected<'_>,
    place: &str,
    chain: &mut DynamicMessage,
) -> Result<(), Panicked> {
    let name = message::text(chain, "name");
    let value = selected.patch.value.as_ref().and_then(|value| message::inner(value, "transport_socket"));
    let there = message::inner(chain, "transport_socket");
    let (Some(value), Some(mut there)) = (value, there) else { return patching.merge(selected, place, &name, chain) };
    if message::text(&value, "name") != message::text(&there, "name") {
        return patching.merge(selected, place, &name, chain);
    }
    let typed = (message::inner(&there, "typed_config"), message::inner(&value, "typed_config"));
    let (Some(old), Some(new)) = typed else { return Ok(()) };
    let merged = merge_any(&old, &new).map(|merged| {
        if let Some(merged) = merged {
            message::set(&mut there, "typed_config", Value::Message(merged));
            message::set(chain, "transport_socket", Value::Message(there));
        }
    });
    patching.outcome(selected, place, &name, merged)
}

fn inline_routes(patching: &mut Patching<'_>, listener: &mut DynamicMessage) {
    let mut chains = message::messages(listener, "filter_chains");
    for chain in &mut chains {
        let mut filters = message::messages(chain, "filters");
        for filter in &mut filters {
            if let Some(mut manager) = http_filters::manager(filter)
                && let Some(routes) = message::inner(&manager, "route_config")
            {
                let mut configurations = vec![routes];
                routes::apply(patching, &mut configurations);
                configurations
                    .into_iter()
                    .for_each(|one| message::set(&mut manager, "route_config", Value::Message(one)));
                message::set_packed(filter, "typed_config", &manager);
            }
        }
        message::set_messages(chain, "filters", filters);
    }
    message::set_messages(listener, "filter_chains", chains);
}
