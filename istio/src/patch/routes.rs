//! Patches of route configurations, virtual hosts and routes.

use std::collections::BTreeSet;

use prost_reflect::DynamicMessage;

use super::{Change, Panicked, Patching, ordered::Place};
use crate::{
    envoy_filter::{Action, ApplyTo, Operation, Patch},
    message,
    proxy::Context,
};

/// Applies what is about route configurations to each of them.
pub(super) fn apply(patching: &mut Patching<'_>, configurations: &mut [DynamicMessage]) {
    for configuration in configurations {
        // A panic ends the patches of this configuration alone; what was done by then stays.
        let _ = one(patching, configuration);
    }
}

fn one(patching: &mut Patching<'_>, configuration: &mut DynamicMessage) -> Result<(), Panicked> {
    let name = message::text(configuration, "name");
    for selected in patching.of(ApplyTo::RouteConfiguration) {
        if selected.patch.operation.is_merge() && is_meant(configuration, selected.patch, patching.context) {
            patching.merge(&selected, "route configurations", &name, configuration)?;
        }
    }
    let mut hosts = message::messages(configuration, "virtual_hosts");
    let mut removed = BTreeSet::new();
    let mut outcome = Ok(());
    for host in &mut hosts {
        if outcome.is_err() {
            break;
        }
        match virtual_host(patching, configuration, host) {
            Ok(true) => drop(removed.insert(message::text(host, "name"))),
            Ok(false) => {}
            Err(panicked) => outcome = Err(panicked),
        }
    }
    if outcome.is_ok() {
        let place = format!("route configuration {name}");
        for selected in patching.of(ApplyTo::VirtualHost) {
            let meant = is_meant(configuration, selected.patch, patching.context);
            if let Some(value) =
                selected.patch.value.as_ref().filter(|_| meant && selected.patch.effective() == Operation::Add)
            {
                let at = hosts.len();
                patching.insert(&selected, &mut hosts, &place, at, value);
            }
        }
        hosts.retain(|host| !removed.contains(&message::text(host, "name")));
    }
    message::set_messages(configuration, "virtual_hosts", hosts);
    outcome
}

/// Whether it is removed, and with it all of its name.
fn virtual_host(
    patching: &mut Patching<'_>,
    configuration: &DynamicMessage,
    host: &mut DynamicMessage,
) -> Result<bool, Panicked> {
    let place = format!("route configuration {}", message::text(configuration, "name"));
    for selected in patching.of(ApplyTo::VirtualHost) {
        let patch = selected.patch;
        if !is_meant(configuration, patch, patching.context) || !is_meant_host(host, patch) {
            continue;
        }
        let name = message::text(host, "name");
        match (patch.operation, &patch.value) {
            (Operation::Remove, _) => {
                patching.did(&selected, &place, Change::Removed(name));
                return Ok(true);
            }
            (Operation::Replace, Some(value)) => {
                *host = value.clone();
                patching.did(&selected, &place, Change::Changed(name));
            }
            (operation, _) if operation.is_merge() => patching.merge(&selected, &place, &name, host)?,
            _ => {}
        }
    }
    routes(patching, configuration, host)?;
    Ok(false)
}

fn routes(
    patching: &mut Patching<'_>,
    configuration: &DynamicMessage,
    host: &mut DynamicMessage,
) -> Result<(), Panicked> {
    let place = format!(
        "route configuration {}, virtual host {}",
        message::text(configuration, "name"),
        message::text(host, "name")
    );
    let mut kept = Vec::new();
    let mut outcome = Ok(());
    for mut route in message::messages(host, "routes") {
        if outcome.is_ok() {
            match one_route(patching, configuration, host, &place, &mut route) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(panicked) => outcome = Err(panicked),
            }
        }
        kept.push(route);
    }
    if outcome.is_ok() {
        for selected in patching.of(ApplyTo::HttpRoute) {
            let patch = selected.patch;
            let adds = patch.operation == Operation::Add || patch.operation.is_insert();
            if !adds || !is_meant(configuration, patch, patching.context) || !is_meant_host(host, patch) {
                continue;
            }
            let by_item = says_route(patch);
            // INSERT_FIRST with a route that is not there does nothing; with one that is there it goes to the top.
            let missing = by_item && !kept.iter().any(|route| is_meant_route(route, patch));
            if patch.operation != Operation::InsertFirst || !missing {
                let meant = |route: &DynamicMessage| is_meant_route(route, patch);
                patching.arrange(&selected, &mut kept, &Place { name: &place, by_item }, meant);
            }
        }
    }
    message::set_messages(host, "routes", kept);
    outcome
}

/// Whether it is removed.
fn one_route(
    patching: &mut Patching<'_>,
    configuration: &DynamicMessage,
    host: &DynamicMessage,
    place: &str,
    route: &mut DynamicMessage,
) -> Result<bool, Panicked> {
    for selected in patching.of(ApplyTo::HttpRoute) {
        let patch = selected.patch;
        let meant = is_meant(configuration, patch, patching.context)
            && is_meant_host(host, patch)
            && is_meant_route(route, patch);
        if !meant {
            continue;
        }
        let name = message::text(route, "name");
        if patch.operation == Operation::Remove {
            patching.did(&selected, place, Change::Removed(name));
            return Ok(true);
        }
        if patch.operation.is_merge() {
            patching.merge(&selected, place, &name, route)?;
        }
    }
    Ok(false)
}

fn is_meant(configuration: &DynamicMessage, patch: &Patch, context: Context) -> bool {
    let Some(wanted) = patch.matching.route() else { return true };
    let name = message::text(configuration, "name");
    if wanted.name.as_ref().is_some_and(|wanted| *wanted != name) {
        return false;
    }
    if context != Context::Gateway {
        return wanted.port.is_none_or(|port| sidecar_port(&name) == Some(port));
    }
    let (port, port_name, gateway) = gateway_name(&name);
    wanted.port_name.as_ref().is_none_or(|wanted| Some(wanted.as_str()) == port_name)
        && wanted.gateway.as_ref().is_none_or(|wanted| gateway.as_ref() == Some(wanted))
        && wanted.port.is_none_or(|wanted| port == Some(wanted))
}

/// The port in the name of a sidecar's routes: `8080`, `inbound|8080||`. Sniffed ones, `HOST:8080`, have none for istiod.
fn sidecar_port(name: &str) -> Option<u32> {
    let inbound = name.strip_prefix("inbound|").and_then(|rest| rest.split('|').next());
    inbound.unwrap_or(name).parse().ok()
}

/// Port, port name and `namespace/name` of a gateway's routes: `http.8080`, `https.443.PORT_NAME.GATEWAY.NAMESPACE`.
fn gateway_name(name: &str) -> (Option<u32>, Option<&str>, Option<String>) {
    let parts: Vec<_> = name.split('.').collect();
    match parts[..] {
        ["http", port, ..] => (port.parse().ok(), None, None),
        ["https", port, port_name, gateway, namespace] => {
            (port.parse().ok(), Some(port_name), Some(format!("{namespace}/{gateway}")))
        }
        _ => (None, None, None),
    }
}

fn is_meant_host(host: &DynamicMessage, patch: &Patch) -> bool {
    let Some(wanted) = patch.matching.route().and_then(|route| route.vhost.as_ref()) else { return true };
    wanted.name.as_ref().is_none_or(|name| *name == message::text(host, "name"))
        && wanted.domain.as_ref().is_none_or(|domain| message::texts(host, "domains").contains(domain))
}

fn says_route(patch: &Patch) -> bool {
    patch.matching.route().and_then(|route| route.vhost.as_ref()).is_some_and(|host| host.route.is_some())
}

fn is_meant_route(route: &DynamicMessage, patch: &Patch) -> bool {
    let wanted = patch.matching.route().and_then(|route| route.vhost.as_ref()).and_then(|host| host.route.as_ref());
    let Some((name, action)) = wanted else { return true };
    if name.as_ref().is_some_and(|name| *name != message::text(route, "name")) {
        return false;
    }
    let does = |field| message::inner(route, field).is_some();
    // What does none of the three (a weighted redirect to nowhere, say) passes for any.
    match (does("route"), does("redirect"), does("direct_response")) {
        _ if *action == Action::Any => true,
        (true, ..) => *action == Action::Route,
        (_, true, _) => *action == Action::Redirect,
        (.., true) => *action == Action::DirectResponse,
        _ => true,
    }
}
