//! VirtualService, DestinationRule and HTTPRoute as routes and clusters, as far as routing on a header needs it.
//!
//! What istiod would do and this does not is refused: weights, mirrors, rewrites, faults, and matches on anything but headers and
//! paths.

mod http_route;
mod virtual_service;

use prost_reflect::{DynamicMessage, Value};
use serde_json::json;

use crate::{
    api, message,
    patch::Resources,
    proxy::Proxy,
    yaml::{Node, quoted},
};

/// Something that is not implemented, or refers to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unroutable {
    /// The bytes of the file it is about.
    pub span: std::ops::Range<usize>,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

impl Unroutable {
    fn at(node: &Node, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { span: node.span.clone(), found: found.into(), expected: expected.into() }
    }
}

/// Applies `documents`, of which those of other kinds are passed by, to the routes and clusters of `proxy`: subsets first.
///
/// # Errors
/// The first thing that istiod would do and this does not, or a destination that there is not.
pub fn apply(documents: &[Node], proxy: &Proxy, resources: &mut Resources) -> Result<(), Unroutable> {
    for document in of_kind(documents, "DestinationRule") {
        subsets(document, resources)?;
    }
    for document in of_kind(documents, "VirtualService") {
        virtual_service::apply(document, proxy, resources)?;
    }
    for document in of_kind(documents, "HTTPRoute") {
        http_route::apply(document, proxy, resources)?;
    }
    Ok(())
}

fn of_kind<'n>(documents: &'n [Node], kind: &'static str) -> impl Iterator<Item = &'n Node> {
    documents.iter().filter(move |document| document.field("kind").and_then(Node::text) == Some(kind))
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.field(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// A field that is demanded.
fn demanded<'n>(node: &'n Node, path: &[&str]) -> Result<&'n Node, Unroutable> {
    node.at(path).ok_or_else(|| Unroutable::at(node, format!("no {}", path.join(".")), "that field"))
}

/// Refuses every field but `known`.
fn only(node: &Node, known: &[&str]) -> Result<(), Unroutable> {
    match node.entries().iter().find(|entry| !known.contains(&entry.key.as_str())) {
        None => Ok(()),
        Some(entry) => {
            let expected = format!("one of {}: nothing else is implemented here", known.join(", "));
            Err(Unroutable { span: entry.key_span.clone(), found: quoted(&entry.key), expected })
        }
    }
}

/// Adds a cluster for each subset, beside the service's own.
fn subsets(rule: &Node, resources: &mut Resources) -> Result<(), Unroutable> {
    let host = demanded(rule, &["spec", "host"])?;
    let name = host.text().unwrap_or_default();
    let own: Vec<_> = resources.clusters.iter().filter(|cluster| is_service(cluster, name)).cloned().collect();
    if own.is_empty() {
        return Err(Unroutable::at(host, quoted(name), "the host of a service that the proxy knows"));
    }
    for subset in rule.at(&["spec", "subsets"]).map(Node::items).unwrap_or_default() {
        let subset = demanded(subset, &["name"])?.text().unwrap_or_default();
        for cluster in &own {
            let mut cluster = cluster.clone();
            let port = port_of(&cluster);
            let name = format!("outbound|{port}|{subset}|{name}");
            message::set(&mut cluster, "alt_stat_name", Value::String(format!("{name};")));
            if let Some(mut eds) = message::inner(&cluster, "eds_cluster_config") {
                message::set(&mut eds, "service_name", Value::String(name.clone()));
                message::set(&mut cluster, "eds_cluster_config", Value::Message(eds));
            }
            message::set(&mut cluster, "name", Value::String(name));
            resources.clusters.push(cluster);
        }
    }
    Ok(())
}

/// Whether it is the cluster of a service as a whole: `outbound|PORT||HOST`.
fn is_service(cluster: &DynamicMessage, host: &str) -> bool {
    let name = message::text(cluster, "name");
    let parts: Vec<_> = name.split('|').collect();
    matches!(parts[..], ["outbound", _, "", of] if of == host)
}

fn port_of(cluster: &DynamicMessage) -> String {
    message::text(cluster, "name").split('|').nth(1).unwrap_or_default().to_owned()
}

/// The cluster of a destination; without a port the service must have just one.
fn cluster(
    resources: &Resources,
    node: &Node,
    host: &str,
    subset: &str,
    port: Option<&str>,
) -> Result<String, Unroutable> {
    let service: Vec<_> = resources.clusters.iter().filter(|cluster| is_service(cluster, host)).map(port_of).collect();
    let port = match (port, &service[..]) {
        (Some(port), _) => port.to_owned(),
        (None, [port]) => port.clone(),
        (None, ports) => {
            let found = format!("{host} with {} ports", ports.len());
            return Err(Unroutable::at(node, found, "a service that the proxy knows, and its port if it has several"));
        }
    };
    let name = format!("outbound|{port}|{subset}|{host}");
    if resources.clusters.iter().any(|cluster| message::text(cluster, "name") == name) {
        return Ok(name);
    }
    Err(Unroutable::at(node, quoted(&name), "a cluster of the proxy: a service, and a subset of a DestinationRule"))
}

/// A route like `like`, which is there without a match of its own, with other matches and another cluster.
fn route(like: &DynamicMessage, name: &str, matches: serde_json::Value, cluster: &str) -> Option<DynamicMessage> {
    let mut route = like.clone();
    let matching = DynamicMessage::deserialize(api::message("envoy.config.route.v3.RouteMatch")?, matches).ok()?;
    message::set(&mut route, "match", Value::Message(matching));
    message::set(&mut route, "name", Value::String(name.to_owned()));
    let mut action = message::inner(&route, "route")?;
    message::set(&mut action, "cluster", Value::String(cluster.to_owned()));
    message::set(&mut route, "route", Value::Message(action));
    Some(route)
}

/// A header that must be equal, as Envoy has it.
fn header(name: &str, value: &str) -> serde_json::Value {
    json!({"name": name, "string_match": {"exact": value}})
}

/// Replaces the routes of the virtual hosts for which `is_meant` holds by those that `make` makes of the first of them.
fn replace(
    resources: &mut Resources,
    is_meant: impl Fn(&DynamicMessage) -> bool,
    make: impl Fn(&DynamicMessage) -> Vec<DynamicMessage>,
) -> usize {
    let mut replaced = 0_usize;
    for configuration in &mut resources.routes {
        let mut hosts = message::messages(configuration, "virtual_hosts");
        for host in hosts.iter_mut().filter(|host| is_meant(host)) {
            if let Some(like) = message::messages(host, "routes").first() {
                message::set_messages(host, "routes", make(like));
                replaced = replaced.saturating_add(1);
            }
        }
        message::set_messages(configuration, "virtual_hosts", hosts);
    }
    replaced
}
