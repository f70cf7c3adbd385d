//! Patches of clusters.

use prost_reflect::{DynamicMessage, Value};

use super::{Change, Panicked, Patching};
use crate::{
    envoy_filter::{ApplyTo, Operation, Patch},
    merge::merge_any,
    message,
    proxy::Context,
    select::Selected,
};

const PLACE: &str = "clusters";

/// Applies what is about the clusters of one context.
pub(super) fn apply(patching: &mut Patching<'_>, clusters: &mut Vec<DynamicMessage>) {
    let mut kept = Vec::new();
    for mut cluster in clusters.drain(..) {
        // A panic ends the patches of this cluster alone; what was done by then stays.
        if !matches!(one(patching, &mut cluster), Ok(true)) {
            kept.push(cluster);
        }
    }
    *clusters = kept;
    for selected in patching.of(ApplyTo::Cluster) {
        let for_all = selected.patch.matching.context == Context::Any;
        let here = !for_all || matches!(patching.context, Context::SidecarOutbound | Context::Gateway);
        if let Some(value) =
            selected.patch.value.as_ref().filter(|_| here && selected.patch.effective() == Operation::Add)
        {
            let at = clusters.len();
            patching.insert(&selected, clusters, PLACE, at, value);
        }
    }
}

/// Whether it is removed.
fn one(patching: &mut Patching<'_>, cluster: &mut DynamicMessage) -> Result<bool, Panicked> {
    let name = message::text(cluster, "name");
    for selected in patching.of(ApplyTo::Cluster) {
        if !is_meant(cluster, selected.patch) {
            continue;
        }
        if selected.patch.operation == Operation::Remove {
            patching.did(&selected, PLACE, Change::Removed(name));
            return Ok(true);
        }
        if selected.patch.operation.is_merge() && !merge_transport_socket(patching, &selected, cluster)? {
            patching.merge(&selected, PLACE, &name, cluster)?;
        }
    }
    Ok(false)
}

fn is_meant(cluster: &DynamicMessage, patch: &Patch) -> bool {
    let Some(wanted) = patch.matching.cluster() else { return true };
    let name = message::text(cluster, "name");
    if let Some(wanted) = &wanted.name {
        return *wanted == name;
    }
    // `outbound|PORT|SUBSET|HOST`
    let mut parts = name.splitn(4, '|').skip(1);
    let (port, subset, host) = (parts.next(), parts.next(), parts.next());
    wanted.subset.as_ref().is_none_or(|wanted| subset == Some(wanted.as_str()))
        && wanted.service.as_ref().is_none_or(|wanted| host == Some(wanted.as_str()))
        && wanted.port.is_none_or(|wanted| port.and_then(|port| port.parse().ok()) == Some(wanted))
}

/// A value with a transport socket is about that alone: it is merged into one of the same name, also among
/// `transport_socket_matches`, and else stands in the place of the cluster's own. Whether this was all there is to do.
fn merge_transport_socket(
    patching: &mut Patching<'_>,
    selected: &Selected<'_>,
    cluster: &mut DynamicMessage,
) -> Result<bool, Panicked> {
    let value = selected.patch.value.as_ref().and_then(|value| message::inner(value, "transport_socket"));
    let Some(value) = value else { return Ok(false) };
    let name = message::text(cluster, "name");
    let wanted = message::text(&value, "name");
    let mut matches = message::messages(cluster, "transport_socket_matches");
    if matches.is_empty() {
        let merged =
            match message::inner(cluster, "transport_socket").filter(|own| message::text(own, "name") == wanted) {
                Some(own) => merge_socket(&own, &value),
                None => Ok(Some(value)),
            };
        let set = merged.map(|merged| {
            merged.into_iter().for_each(|merged| message::set(cluster, "transport_socket", Value::Message(merged)));
        });
        return patching.outcome(selected, PLACE, &name, set).map(|()| true);
    }
    let same = |one: &&mut DynamicMessage| {
        message::inner(one, "transport_socket").is_some_and(|own| message::text(&own, "name") == wanted)
    };
    // None of that name: a cluster may not have both, so istiod drops the patch.
    let Some(found) = matches.iter_mut().find(same) else { return Ok(true) };
    let own = message::inner(found, "transport_socket");
    let merged = own.map_or(Ok(None), |own| merge_socket(&own, &value)).map(|merged| {
        merged.into_iter().for_each(|merged| message::set(found, "transport_socket", Value::Message(merged)));
    });
    message::set_messages(cluster, "transport_socket_matches", matches);
    patching.outcome(selected, PLACE, &name, merged).map(|()| true)
}

fn merge_socket(
    own: &DynamicMessage,
    value: &DynamicMessage,
) -> Result<Option<DynamicMessage>, crate::merge::TypeMismatch> {
    let (Some(old), Some(new)) = (message::inner(own, "typed_config"), message::inner(value, "typed_config")) else {
        return Ok(None);
    };
    let merged = merge_any(&old, &new)?;
    Ok(merged.map(|merged| {
        let mut own = own.clone();
        message::set(&mut own, "typed_config", Value::Message(merged));
        own
    }))
}
