//! What it takes to run a proxy's configuration on stock Envoy, and nothing else:
//!
//! - Istio's own filters, which stock Envoy does not have, become `header_mutation` without mutations; names and order stay.
//! - What comes by ADS comes from files.
//! - Listeners are reached on a port of loopback, not by redirected packets; the one that takes those is left out.
//! - Endpoints are those of the test. Where they speak mTLS, certificates stand in the configuration and do not come by SDS.
//! - The sidecar also takes the host of the test's requests for the service.

use std::path::Path;

use graylane_istio::{Message, Proxy, Resources, api, message, yaml};
use serde_json::{Map, Value, json};

use super::{MutualTls, Ports, message as descriptor};
use crate::{artefacts::root, rendering::kept_port};

const LISTENER: &str = "envoy.config.listener.v3.Listener";
const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
const ROUTES: &str = "envoy.config.route.v3.RouteConfiguration";
const ENDPOINTS: &str = "envoy.config.endpoint.v3.ClusterLoadAssignment";

/// A message as JSON with the names of the .proto files.
pub(super) fn json(message: &Message) -> Value {
    api::to_json(message)
}

/// The message that `value` is.
pub(super) fn message_of(name: &str, value: Value) -> Message {
    Message::deserialize(descriptor(name), value).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// Calls `change` with each object within `value`, the outer ones first.
pub(super) fn each(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|inner| each(inner, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, change)),
        _ => {}
    }
}

/// Writes the files that Envoy discovers its resources from, but for the extension.
pub(super) fn write(resources: &Resources, ports: Ports, mtls: Option<&MutualTls>, directory: &Path) {
    let named = |name: &str| resources.listeners.iter().find(|one| message::text(one, "name") == name).map(json);
    let port = if ports.listener == 0 { kept_port() } else { ports.listener };
    let mut listeners = vec![listener(named("0.0.0.0_8080").expect("the listener of the services"), port)];
    let inbound = mtls.and_then(|mtls| mtls.inbound.as_ref());
    listeners.extend(
        inbound.map(|(context, port, _)| self::inbound(named("virtualInbound").expect("a sidecar"), context, *port)),
    );
    file(directory, "lds.json", LISTENER, listeners);
    file(directory, "rds.json", ROUTES, resources.routes.iter().map(|one| routes(json(one))).collect());
    let mut clusters = Vec::new();
    for (number, one) in resources.clusters.iter().enumerate() {
        let mut value = cluster(one, &format!("eds-{number}.json"), ports, mtls, directory);
        if let (Some((.., application)), true) = (inbound, value["name"] == "inbound|8080||") {
            value = to_application(&value, *application);
        }
        clusters.push(value);
    }
    file(directory, "cds.json", CLUSTER, clusters);
}

/// The inbound listener on a port of its own, with certificates.
fn inbound(mut listener: Value, context: &Value, port: u16) -> Value {
    listener = self::listener(listener, port);
    listener.as_object_mut().expect("a map").remove("use_original_dst");
    let filters = listener["listener_filters"].as_array_mut().expect("listener filters");
    filters.retain(|filter| filter["name"] != "envoy.filters.listener.original_dst");
    for chain in listener["filter_chains"].as_array_mut().expect("filter chains") {
        if chain["filter_chain_match"]["destination_port"] == 8080 {
            chain["filter_chain_match"]["destination_port"] = json!(port);
        }
    }
    each(&mut listener, &mut |object| certify(object, context));
    listener
}

/// Puts certificates where the configuration says that they come by SDS.
fn certify(object: &mut Map<String, Value>, context: &Value) {
    if let Some(common) = object.get_mut("common_tls_context").and_then(Value::as_object_mut) {
        common.remove("tls_certificate_sds_secret_configs");
        common.remove("combined_validation_context");
        common.extend(context.as_object().expect("a context").clone());
    }
}

/// What the packets of a pod reach by themselves.
fn to_application(cluster: &Value, port: u16) -> Value {
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": address}}]}]);
    let name = &cluster["name"];
    let assignment = json!({"cluster_name": name, "endpoints": endpoints});
    json!({"name": name, "type": "STATIC", "connect_timeout": "10s", "load_assignment": assignment})
}

fn file(directory: &Path, name: &str, kind: &str, mut resources: Vec<Value>) {
    let source = |file: &str| json!({"path": directory.join(file)});
    for resource in &mut resources {
        resource["@type"] = json!(format!("{}{kind}", api::TYPE_PREFIX));
        each(resource, &mut |object| {
            // Of a connection manager's routes, or of a filter's configuration.
            let file = if object.contains_key("route_config_name") { "rds.json" } else { "ecds.json" };
            if let Some(found) = object.get_mut("config_source").and_then(Value::as_object_mut)
                && found.remove("ads").is_some()
            {
                found.insert("path_config_source".to_owned(), source(file));
            }
        });
    }
    let response = json!({"version_info": "1", "resources": resources});
    std::fs::write(directory.join(name), response.to_string()).expect("a file is written");
}

fn listener(mut listener: Value, port: u16) -> Value {
    listener["address"]["socket_address"] = json!({"address": "127.0.0.1", "port_value": port});
    listener.as_object_mut().expect("a map").remove("bind_to_port");
    let placeholder = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";
    each(&mut listener, &mut |object| {
        let istios = object.get("type_url").and_then(Value::as_str).is_some_and(|url| !url.contains("/envoy."));
        if istios {
            *object = Map::from_iter([("@type".to_owned(), json!(placeholder))]);
        }
    });
    listener
}

fn routes(mut routes: Value) -> Value {
    for host in routes["virtual_hosts"].as_array_mut().expect("virtual hosts") {
        if host["name"].as_str().is_some_and(|name| name.starts_with("checkout.")) {
            host["domains"].as_array_mut().expect("domains").push(json!("shop.example.com"));
        }
    }
    routes
}

/// A cluster whose endpoints come from a file of its own, since Envoy takes no other from one.
fn cluster(cluster: &Message, name: &str, ports: Ports, mtls: Option<&MutualTls>, directory: &Path) -> Value {
    let mut value = json(cluster);
    let upstream = mtls.and_then(|mtls| mtls.upstream.as_ref());
    if let Some(matches) = value.get_mut("transport_socket_matches").and_then(Value::as_array_mut) {
        matches.retain(|one| upstream.is_some() || one["name"] == "tlsMode-disabled");
    }
    if let Some(context) = upstream {
        each(&mut value, &mut |object| certify(object, context));
    }
    let Some(eds) = value.get_mut("eds_cluster_config") else { return value };
    let service = eds["service_name"].as_str().expect("the name of a service").to_owned();
    eds["eds_config"] = json!({"path_config_source": {"path": directory.join(name)}, "resource_api_version": "V3"});
    let port = match service.as_str() {
        service if service.contains("graylane-control") => ports.control,
        service if service.contains("|canary|") || service.contains("checkout-canary") => ports.canary,
        _ => ports.stable,
    };
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let mut endpoint = json!({"endpoint": {"address": address}});
    if upstream.is_some() && port != ports.control {
        endpoint["metadata"] = json!({"filter_metadata": {"envoy.transport_socket_match": {"tlsMode": "istio"}}});
    }
    let endpoints = json!([{"lb_endpoints": [endpoint]}]);
    file(directory, name, ENDPOINTS, vec![json!({"cluster_name": service, "endpoints": endpoints})]);
    value
}

/// What the agent starts Envoy with; `tags` are labels of metrics besides Istio's own.
pub(super) fn bootstrap(proxy: &Proxy, version: &str, tags: &[String], ports: Ports, directory: &Path) -> String {
    let text = std::fs::read_to_string(root().join("istio/fixtures/bootstrap.yaml")).expect("a bootstrap");
    let mut value = yaml::read(&text).expect("YAML").remove(0).to_json();
    value["node"]["metadata"]["ISTIO_VERSION"] = json!(version);
    value["node"]["metadata"]["LABELS"] = json!(proxy.labels);
    value["admin"]["address"]["socket_address"]["port_value"] = json!(ports.admin);
    for (key, file) in [("lds_config", "lds.json"), ("cds_config", "cds.json")] {
        let path = directory.join(file);
        value["dynamic_resources"][key] = json!({"path_config_source": {"path": path}, "resource_api_version": "V3"});
    }
    let known = value["stats_config"]["stats_tags"].as_array_mut().expect("tags");
    known.extend(tags.iter().map(|name| json!({"tag_name": name, "regex": format!("({name}=\\.=(.*?);\\.;)")})));
    value.to_string()
}
