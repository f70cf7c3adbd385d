//! Envoys around the control plane: its own sidecar, and callers with the filter and the fetcher of `envoy/istio`.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::{artefact, root};

/// Who the control plane is in the mesh.
pub const CONTROL: &str = "spiffe://cluster.local/ns/graylane/sa/graylane-control";

/// A cluster of the one host at `address`; `tls` is a `CommonTlsContext`.
pub fn cluster(name: &str, address: SocketAddr, tls: Option<Value>) -> Value {
    let host = json!({"endpoint": {"address": socket(address)}});
    let mut cluster = json!({"name": name, "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [host]}]}});
    if let Some(tls) = tls {
        cluster["transport_socket"] = socket_of("UpstreamTlsContext", json!({"common_tls_context": tls}));
    }
    cluster
}

/// The sidecar of the control plane at `control`: TLS by the `CommonTlsContext` `tls` with certificates alone, as STRICT
/// has it, then the filter `rbac`.
pub fn sidecar(control: SocketAddr, rbac: &Value, tls: Value) -> Value {
    let tls = json!({"require_client_certificate": true, "common_tls_context": tls});
    let routes = json!([{"match": {"prefix": "/"}, "route": {"cluster": "inbound|8460||", "timeout": "0s"}}]);
    let mut listener = listener("virtualInbound", http("inbound_0.0.0.0_8460;", &[rbac], &routes));
    listener["filter_chains"][0]["transport_socket"] = socket_of("DownstreamTlsContext", tls);
    bootstrap(&[listener], &[cluster("inbound|8460||", control, None)])
}

/// A proxy that passes bytes on from a listener called `NAME` to the cluster called the same.
pub fn passing(clusters: &[Value]) -> Value {
    let listeners: Vec<_> = clusters
        .iter()
        .map(|cluster| {
            let name = cluster["name"].as_str().expect("a name");
            let proxy = json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": name, "cluster": name}});
            listener(name, proxy)
        })
        .collect();
    bootstrap(&listeners, clusters)
}

/// A caller: the filter of `sidecar.yaml` and the fetcher of `bootstrap.yaml` as they are, which reach the control plane by the cluster
/// `control`, and routes on the variant to `stable` and `canary`. It calls itself `node`.
pub fn caller(node: &str, control: Value, stable: SocketAddr, canary: SocketAddr) -> Value {
    let filter = istio("sidecar.yaml")["spec"]["configPatches"][0]["patch"]["value"].clone();
    let header = json!([{"name": "x-gray-variant", "string_match": {"exact": "canary"}}]);
    let routes = json!([
        {"match": {"prefix": "/", "headers": header}, "route": {"cluster": "canary"}},
        {"match": {"prefix": "/"}, "route": {"cluster": "stable"}},
    ]);
    let clusters = [control, cluster("stable", stable, None), cluster("canary", canary, None)];
    let mut bootstrap =
        bootstrap(&[listener("0.0.0.0_8080", http("outbound_0.0.0.0_8080;", &[&filter], &routes))], &clusters);
    // What Istio's agent has Envoy merge.
    let text = istio("bootstrap.yaml")["data"]["custom_bootstrap.json"].as_str().expect("a bootstrap").to_owned();
    let custom: Value = serde_saphyr::from_str(&text).expect("YAML");
    for (field, value) in custom.as_object().expect("a map") {
        bootstrap[field] = value.clone();
    }
    bootstrap["node"] = json!({"id": node, "cluster": "frontend.shop"});
    let wasm = artefact("dist/graylane.wasm");
    let text =
        bootstrap.to_string().replace("/etc/graylane/graylane.wasm", wasm.to_str().expect("a path that is text"));
    serde_json::from_str(&text).expect("JSON")
}

/// The first document of a file of `envoy/istio`.
pub fn istio(file: &str) -> Value {
    let text = std::fs::read_to_string(root().join("envoy/istio").join(file)).expect("a file of envoy/istio");
    serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn bootstrap(listeners: &[Value], clusters: &[Value]) -> Value {
    let anywhere = socket(SocketAddr::from(([127, 0, 0, 1], 0)));
    json!({"admin": {"address": anywhere}, "static_resources": {"listeners": listeners, "clusters": clusters}})
}

fn listener(name: &str, filter: Value) -> Value {
    let anywhere = socket(SocketAddr::from(([127, 0, 0, 1], 0)));
    json!({"name": name, "address": anywhere, "filter_chains": [{"filters": [filter]}]})
}

fn http(stat_prefix: &str, filters: &[&Value], routes: &Value) -> Value {
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let filters: Vec<_> = filters.iter().copied().chain([&router]).collect();
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": stat_prefix,
        // As Istio sets it.
        "normalize_path": true,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": filters}})
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn socket_of(context: &str, mut config: Value) -> Value {
    config["@type"] = json!(format!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{context}"));
    json!({"name": "envoy.transport_sockets.tls", "typed_config": config})
}
