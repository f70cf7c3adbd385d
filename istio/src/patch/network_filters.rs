//! Patches of network filters.

use prost_reflect::{DynamicMessage, Value};

use super::{Panicked, Patching, http_filters, ordered::Place, predicates};
use crate::{
    envoy_filter::{ApplyTo, Operation},
    merge::{TypeMismatch, merge_any},
    message,
};

/// Applies what is about the network filters of `chain`, and about the HTTP filters within them.
pub(super) fn apply(
    patching: &mut Patching<'_>,
    listener: &DynamicMessage,
    chain: &mut DynamicMessage,
) -> Result<(), Panicked> {
    let place = super::place_of(listener, chain);
    let of_chain = chain.clone();
    let mut filters = message::messages(chain, "filters");
    for selected in patching.of(ApplyTo::NetworkFilter) {
        let patch = selected.patch;
        if predicates::listener(listener, patch) && predicates::chain(listener, &of_chain, patch) {
            let by_item = predicates::says_network_filter(patch);
            let meant = |filter: &DynamicMessage| predicates::network_filter(filter, patch);
            patching.arrange(&selected, &mut filters, &Place { name: &place, by_item }, meant);
        }
    }
    let mut outcome = Ok(());
    for filter in &mut filters {
        if outcome.is_ok() {
            outcome = one(patching, listener, &of_chain, &place, filter);
        }
    }
    message::set_messages(chain, "filters", filters);
    outcome
}

fn one(
    patching: &mut Patching<'_>,
    listener: &DynamicMessage,
    chain: &DynamicMessage,
    place: &str,
    filter: &mut DynamicMessage,
) -> Result<(), Panicked> {
    for selected in patching.of(ApplyTo::NetworkFilter) {
        let patch = selected.patch;
        let meant = predicates::listener(listener, patch)
            && predicates::chain(listener, chain, patch)
            && predicates::network_filter(filter, patch);
        if meant && patch.operation == Operation::Merge && message::inner(filter, "typed_config").is_some() {
            let name = message::text(filter, "name");
            let merged = patch.value.as_ref().map_or(Ok(()), |value| merge_filter(filter, value));
            patching.outcome(&selected, place, &name, merged)?;
        }
    }
    if message::text(filter, "name") == predicates::CONNECTION_MANAGER {
        http_filters::apply(patching, listener, chain, place, filter)?;
    }
    Ok(())
}

/// Merges a filter into one that has a typed configuration: name over name, what is in one Any into what is in the other.
pub(super) fn merge_filter(there: &mut DynamicMessage, value: &DynamicMessage) -> Result<(), TypeMismatch> {
    if let (Some(old), Some(new)) = (message::inner(there, "typed_config"), message::inner(value, "typed_config"))
        && let Some(merged) = merge_any(&old, &new)?
    {
        message::set(there, "typed_config", Value::Message(merged));
    }
    let name = message::text(value, "name");
    if !name.is_empty() {
        message::set(there, "name", Value::String(name));
    }
    Ok(())
}
