//! One Envoy with two listeners that differ in one thing: whose rules choose header and upstream.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};

use super::ways::Way;
use crate::{artefact, root};

/// Where everything is that Envoy talks to.
pub(super) struct Places<'a> {
    pub(super) control: SocketAddr,
    pub(super) stable: SocketAddr,
    pub(super) canary: SocketAddr,
    /// The route configuration.
    pub(super) routes: &'a Path,
    /// Whether Envoy is told to watch the directory that the file is in, and not the file.
    pub(super) watch_directory: bool,
}

pub(super) fn bootstrap(places: &Places) -> Value {
    json!({
        // An id of its own for the table of control; the rest as shipped.
        "node": {"id": "race", "cluster": "race"},
        "admin": {"address": free_port()},
        "bootstrap_extensions": [{"name": "envoy.bootstrap.wasm", "typed_config": fetcher()}],
        "static_resources": {
            "listeners": Way::ALL.map(|way| listener(way, places)),
            "clusters": [
                cluster("stable", places.stable),
                cluster("canary", places.canary),
                cluster("graylane_control", places.control),
            ],
        },
        "stats_config": stats_tags(),
    })
}

/// The labels of Graylane's counters.
pub(crate) fn stats_tags() -> Value {
    json!({"stats_tags": [
        {"tag_name": "rule", "regex": r"(rule=\.=(.*?);\.;)"},
        {"tag_name": "variant", "regex": r"(variant=\.=(.*?);\.;)"},
    ]})
}

/// The address of a listener on a port that the kernel chooses.
pub(crate) fn free_port() -> Value {
    address(SocketAddr::from(([127, 0, 0, 1], 0)))
}

/// The bootstrap fetcher, as shipped.
pub(crate) fn fetcher() -> Value {
    let mut config = plugin("graylane_fetcher", &shipped_configuration("{\"namespace\":"));
    // A VM of its own, as shipped.
    config["vm_config"]["configuration"] = text("fetcher");
    json!({
        "@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService",
        "singleton": true,
        "config": config,
    })
}

fn listener(way: Way, places: &Places) -> Value {
    let (name, router) = (way.name(), router());
    let mut manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "common_http_protocol_options": {"idle_timeout": "3600s"},
    });
    match way {
        Way::Graylane => {
            manager["http_filters"] = json!([filter(), router]);
            manager["route_config"] = by_variant();
        }
        Way::Rds => {
            manager["http_filters"] = json!([router]);
            manager["rds"] = rds(places);
        }
    }
    json!({
        "name": name,
        "stat_prefix": name,
        "address": free_port(),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

/// The last of all HTTP filters.
pub(crate) fn router() -> Value {
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    })
}

/// The HTTP filter, as shipped.
pub(crate) fn filter() -> Value {
    let mut config = plugin("graylane", &shipped_configuration("{\"ownedHeaders\":"));
    config["failure_policy"] = json!("FAIL_RELOAD");
    json!({
        "name": "graylane",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": config,
        },
    })
}

fn plugin(root_id: &str, configuration: &str) -> Value {
    let code = json!({"local": {"filename": artefact("dist/graylane.wasm")}});
    json!({
        "name": root_id,
        "root_id": root_id,
        "configuration": text(configuration),
        "vm_config": {"vm_id": "graylane", "runtime": "envoy.wasm.runtime.v8", "code": code},
    })
}

fn text(value: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": value})
}

/// The one line of the shipped `envoy.yaml` that begins so.
fn shipped_configuration(begin: &str) -> String {
    let shipped = fs::read_to_string(root().join("envoy/envoy.yaml")).expect("envoy/envoy.yaml");
    let found: Vec<_> = shipped.lines().map(str::trim).filter(|line| line.starts_with(begin)).collect();
    let [line] = found[..] else { panic!("found {found:?} in envoy.yaml, expected one line beginning with {begin}") };
    line.to_owned()
}

fn by_variant() -> Value {
    let canary = json!({"name": "x-gray-variant", "string_match": {"exact": "canary"}});
    let routes = json!([
        {"match": {"prefix": "/", "headers": [canary]}, "route": {"cluster": "canary"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "stable"}},
    ]);
    json!({"name": "graylane", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]})
}

fn rds(places: &Places) -> Value {
    let mut source = json!({"path": places.routes});
    if places.watch_directory {
        source["watched_directory"] = json!({"path": places.routes.parent()});
    }
    json!({
        "route_config_name": "rds",
        "config_source": {"resource_api_version": "V3", "path_config_source": source},
    })
}

/// A cluster of one endpoint.
pub(crate) fn cluster(name: &str, at: SocketAddr) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(at)}}]}],
        },
    })
}

fn address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}
