//! Plugins put into a proxy's listeners, as istiod does when it builds them: before any EnvoyFilter has a say.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, Value};

use super::{Mode, Phase, Plugin, minor};
use crate::{
    message,
    patch::{Resources, listener_direction, manager},
    proxy::{Context, Kind, Proxy},
};

/// Puts the filters of the plugins that are for `proxy` into its listeners, and their configurations among its extensions.
/// The indexes of the plugins that are in some listener.
pub fn insert(plugins: &[Plugin], proxy: &Proxy, resources: &mut Resources) -> BTreeSet<usize> {
    let minor = proxy.version.as_deref().and_then(minor).unwrap_or(u32::MAX);
    let is_for = |plugin: &Plugin| proxy.is_meant(&plugin.namespace, &plugin.targets, &plugin.selector);
    let mut chosen: Vec<_> = plugins.iter().enumerate().filter(|(_, plugin)| is_for(plugin)).collect();
    // The highest priority first; then those of the proxy's namespace; then the oldest.
    chosen.sort_by_cached_key(|(_, plugin)| {
        let elsewhere = plugin.namespace != proxy.namespace;
        let rank = std::cmp::Reverse(plugin.priority.map_or(i64::MIN, i64::from));
        (plugin.phase, rank, elsewhere, plugin.created.is_empty(), plugin.created.clone(), plugin.name.clone())
    });
    let mut placed = BTreeSet::new();
    for listener in &mut resources.listeners {
        let context = match proxy.kind {
            Kind::Gateway => Context::Gateway,
            Kind::Sidecar | Kind::Waypoint => listener_direction(listener),
        };
        into_listener(listener, context, &chosen, minor, &mut placed);
    }
    let used = chosen.iter().filter(|(at, _)| placed.contains(at));
    resources.extensions.extend(used.filter_map(|(_, plugin)| plugin.extension(minor)));
    placed
}

fn into_listener(
    listener: &mut DynamicMessage,
    context: Context,
    chosen: &[(usize, &Plugin)],
    minor: u32,
    placed: &mut BTreeSet<usize>,
) {
    let port = message::at(listener, &["address", "socket_address"]);
    let port = port.and_then(|address| message::number(&address, "port_value")).unwrap_or(0);
    let mut chains = message::messages(listener, "filter_chains");
    for chain in &mut chains {
        let target = message::inner(chain, "filter_chain_match");
        let target = target.and_then(|there| message::number(&there, "destination_port")).unwrap_or(port);
        let fitting: Vec<_> = chosen.iter().filter(|(_, plugin)| applies(plugin, context, target)).collect();
        let mut filters = message::messages(chain, "filters");
        for filter in &mut filters {
            let Some(mut manager) = manager(filter) else { continue };
            let mut inner = message::messages(&manager, "http_filters");
            for (at, plugin) in &fitting {
                if let Some(new) = plugin.filter(minor) {
                    inner.insert(position(&inner, plugin.phase), new);
                    placed.insert(*at);
                }
            }
            message::set_messages(&mut manager, "http_filters", inner);
            message::set_packed(filter, "typed_config", &manager);
        }
        message::set_messages(chain, "filters", filters);
    }
    message::set(listener, "filter_chains", Value::List(chains.into_iter().map(Value::Message).collect()));
}

fn applies(plugin: &Plugin, context: Context, port: u32) -> bool {
    let mode = if context == Context::SidecarInbound { Mode::Server } else { Mode::Client };
    plugin.matches.is_empty()
        || plugin.matches.iter().any(|one| {
            [mode, Mode::ClientAndServer].contains(&one.mode) && (one.ports.is_empty() || one.ports.contains(&port))
        })
}

/// Before which of istiod's own filters a phase stands: the first of these that is there.
fn position(filters: &[DynamicMessage], phase: Phase) -> usize {
    const AUTHN: [&str; 2] = ["envoy.filters.http.jwt_authn", "istio_authn"];
    const AUTHZ: [&str; 1] = ["envoy.filters.http.rbac"];
    const REST: [&str; 2] = ["envoy.filters.http.grpc_web", "envoy.filters.http.grpc_stats"];
    let before = |name: &str| match phase {
        Phase::Authn => AUTHN.contains(&name) || AUTHZ.contains(&name) || REST.contains(&name),
        Phase::Authz => AUTHZ.contains(&name) || REST.contains(&name),
        Phase::Stats | Phase::Unspecified => REST.contains(&name),
    };
    filters.iter().position(|filter| before(&message::text(filter, "name"))).unwrap_or(0)
}
