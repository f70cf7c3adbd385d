//! Whether a patch means a listener, a filter chain or a filter.

use prost_reflect::DynamicMessage;

use crate::{
    envoy_filter::{ApplyTo, Patch},
    message,
};

/// The network filter that HTTP filters are in; nothing else is looked into.
pub(super) const CONNECTION_MANAGER: &str = "envoy.filters.network.http_connection_manager";

/// The two listeners that stand for many ports, which their filter chains tell apart.
fn is_virtual(listener: &DynamicMessage) -> bool {
    ["virtualInbound", "virtualOutbound"].contains(&message::text(listener, "name").as_str())
}

pub(super) fn listener(listener: &DynamicMessage, patch: &Patch) -> bool {
    let Some(wanted) = patch.matching.listener() else { return true };
    if wanted.name.as_ref().is_some_and(|name| *name != message::text(listener, "name")) {
        return false;
    }
    if patch.apply_to != ApplyTo::Listener && is_virtual(listener) {
        return true;
    }
    let port = message::at(listener, &["address", "socket_address"]);
    let port = port.and_then(|address| message::number(&address, "port_value"));
    wanted.port.is_none_or(|wanted| port == Some(wanted))
}

pub(super) fn chain(listener: &DynamicMessage, chain: &DynamicMessage, patch: &Patch) -> bool {
    let Some(of_listener) = patch.matching.listener() else { return true };
    let there = message::inner(chain, "filter_chain_match");
    let port = there.as_ref().and_then(|there| message::number(there, "destination_port")).unwrap_or(0);
    if is_virtual(listener) && of_listener.port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    let Some(wanted) = &of_listener.chain else { return true };
    let list = |field| there.as_ref().map(|there| message::texts(there, field)).unwrap_or_default();
    let protocol = there.as_ref().map(|there| message::text(there, "transport_protocol"));
    let protocols = list("application_protocols");
    wanted.name.as_ref().is_none_or(|name| *name == message::text(chain, "name"))
        && wanted.sni.as_ref().is_none_or(|sni| list("server_names").contains(sni))
        && wanted.transport_protocol.as_ref().is_none_or(|wanted| protocol.as_ref() == Some(wanted))
        && wanted.application_protocols.as_ref().is_none_or(|wanted| {
            there.is_some() && wanted.split(',').all(|wanted| protocols.iter().any(|there| there == wanted))
        })
        && wanted.destination_port.is_none_or(|wanted| wanted == port)
}

/// Whether the patch says which network filter.
pub(super) fn says_network_filter(patch: &Patch) -> bool {
    patch.matching.chain().is_some_and(|chain| chain.filter.is_some())
}

pub(super) fn network_filter(filter: &DynamicMessage, patch: &Patch) -> bool {
    let wanted = patch.matching.chain().and_then(|chain| chain.filter.as_ref());
    wanted.is_none_or(|wanted| *wanted == message::text(filter, "name"))
}

/// Whether the patch says which HTTP filter.
pub(super) fn says_http_filter(patch: &Patch) -> bool {
    patch.matching.chain().is_some_and(|chain| chain.sub_filter.is_some())
}

pub(super) fn http_filter(filter: &DynamicMessage, patch: &Patch) -> bool {
    let wanted = patch.matching.chain().and_then(|chain| chain.sub_filter.as_ref());
    wanted.is_none_or(|wanted| *wanted == message::text(filter, "name"))
}

/// Whether the patch says which listener filter.
pub(super) fn says_listener_filter(patch: &Patch) -> bool {
    patch.matching.listener().is_some_and(|listener| listener.listener_filter.is_some())
}

pub(super) fn listener_filter(filter: &DynamicMessage, patch: &Patch) -> bool {
    let wanted = patch.matching.listener().and_then(|listener| listener.listener_filter.as_ref());
    wanted.is_none_or(|wanted| *wanted == message::text(filter, "name"))
}
