//! The Istio files: they parse, they fit each other, and Envoy accepts what is in them and refuses altered copies.
//!
//! What Istio itself does with them (selection, position, its agent) is not executed here.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use graylane_integration::{artefact, root};
use serde_json::{Value, json};

const FILTERS: [&str; 2] = ["sidecar.yaml", "gateway.yaml"];

/// Where the Wasm configuration is within the ECDS resource, and the fetcher's within the bootstrap.
const FILTER: &str = "/typed_config/config";
const FETCHER: &str = "/bootstrap_extensions/0/typed_config/config";

#[test]
fn the_filters_use_only_what_istio_implements() {
    for (file, context) in FILTERS.into_iter().zip(["SIDECAR_OUTBOUND", "GATEWAY"]) {
        let [filter] = &documents(file)[..] else { panic!("{file} should be one document") };
        assert_eq!(text(filter, "/kind"), "EnvoyFilter", "{file}");
        assert_eq!(keys(filter, "/spec"), ["configPatches", "priority", "workloadSelector"], "{file}");
        for patch in patches(filter) {
            assert_eq!(keys(patch, ""), ["applyTo", "match", "patch"], "{file}");
            assert_eq!(keys(patch, "/patch"), ["operation", "value"], "{file}");
            let guard = text(patch, "/match/proxy/proxyVersion");
            assert!(guard.starts_with('^') && guard.ends_with(r"\."), "{file}: {guard} also matches other versions");
        }
        let kinds: Vec<_> =
            patches(filter).iter().map(|patch| (text(patch, "/applyTo"), text(patch, "/patch/operation"))).collect();
        assert_eq!(kinds, [("EXTENSION_CONFIG", "ADD"), ("HTTP_FILTER", "INSERT_BEFORE")], "{file}");
        let inserted = &patches(filter)[1]["match"];
        assert_eq!(text(inserted, "/context"), context, "{file}");
        let at = &inserted["listener"]["filterChain"]["filter"];
        assert_eq!(text(at, "/name"), "envoy.filters.network.http_connection_manager", "{file}");
        assert_eq!(text(at, "/subFilter/name"), "envoy.filters.http.grpc_stats", "{file}");
    }
}

#[test]
fn filter_fetcher_and_routes_fit_each_other() {
    let fetcher: Value = serde_saphyr::from_str(&bootstrap()).expect("custom_bootstrap.json is YAML");
    let fetcher = fetcher.pointer(FETCHER).expect("a fetcher");
    let routes = documents("routes.yaml");
    let kinds: BTreeSet<_> = routes.iter().map(|document| text(document, "/kind")).collect();
    assert_eq!(kinds, BTreeSet::from(["DestinationRule", "VirtualService"]));
    for file in FILTERS {
        let (resource, inserted) = filter(file);
        assert_eq!(resource["name"], inserted["name"], "{file}: the filter is found by its name");
        let filter = resource.pointer(FILTER).expect("a Wasm filter");
        for shared in ["/vm_config/vm_id", "/vm_config/code/local/filename"] {
            assert_eq!(text(filter, shared), text(fetcher, shared), "{file}");
        }
        assert_ne!(filter.pointer("/vm_config/configuration"), fetcher.pointer("/vm_config/configuration"), "{file}");
        let plugin: Value = serde_json::from_str(text(filter, "/configuration/value")).expect("JSON for the plugin");
        let matched = keys(&routes[1], "/spec/http/0/match/0/headers");
        assert!(
            plugin["ownedHeaders"].as_array().unwrap().contains(&json!(matched[0])),
            "{file}: routes use {matched:?}"
        );
    }
}

#[test]
fn whoever_fetches_is_told_the_same() {
    let fetcher: Value = serde_saphyr::from_str(&bootstrap()).expect("custom_bootstrap.json is YAML");
    let fetcher: Value =
        serde_json::from_str(text(&fetcher, &format!("{FETCHER}/configuration/value"))).expect("JSON for the fetcher");
    assert!(fetcher["control"].is_array(), "{fetcher}");
    for file in FILTERS {
        let (resource, _) = filter(file);
        let plugin = text(&resource, &format!("{FILTER}/configuration/value"));
        let plugin: Value = serde_json::from_str(plugin).expect("JSON for the plugin");
        assert_eq!(plugin["fetcher"], fetcher, "{file}: who is elected asks as the fetcher did, with its keys");
    }
    assert_eq!(wasm_plugin()["spec"]["pluginConfig"]["fetcher"], fetcher, "wasmplugin.yaml");
}

#[test]
fn the_wasm_plugin_uses_only_what_istio_implements_and_fits_the_routes() {
    let plugin = wasm_plugin();
    assert_eq!(keys(&plugin, "/spec"), ["failStrategy", "match", "pluginConfig", "selector", "url"]);
    assert_eq!(text(&plugin, "/spec/failStrategy"), "FAIL_RELOAD");
    assert!(text(&plugin, "/spec/url").starts_with("oci://"), "a file:// makes new VMs with every change");
    let routes = documents("routes.yaml");
    let matched = keys(&routes[1], "/spec/http/0/match/0/headers");
    let owned = plugin["spec"]["pluginConfig"]["ownedHeaders"].as_array().expect("owned headers");
    assert!(owned.contains(&json!(matched[0])), "routes use {matched:?}");
}

#[test]
fn cookies_reach_the_client_as_in_the_configuration_that_is_tested() {
    let [filter] = &documents("cookies.yaml")[..] else { panic!("cookies.yaml should be one document") };
    assert_eq!(text(filter, "/kind"), "EnvoyFilter");
    let [patch] = patches(filter) else { panic!("cookies.yaml should have one patch") };
    assert_eq!((text(patch, "/applyTo"), text(patch, "/patch/operation")), ("ROUTE_CONFIGURATION", "MERGE"));
    let shipped = std::fs::read_to_string(root().join("envoy/envoy.yaml")).expect("envoy.yaml");
    let shipped: Value = serde_saphyr::from_str(&shipped).expect("envoy.yaml is YAML");
    let manager = &shipped["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let added = &manager["route_config"]["response_headers_to_add"];
    assert!(added.is_array() && patch["patch"]["value"] == json!({"response_headers_to_add": added}), "{patch}");
}

#[test]
fn the_fetcher_is_brought_into_each_namespace_of_the_filters() {
    let text_of = std::fs::read_to_string(root().join("envoy/istio/bootstrap.yaml")).expect("bootstrap.yaml");
    let commands: BTreeSet<_> = text_of.lines().map(|line| line.trim_start_matches(['#', ' '])).collect();
    let map = documents("bootstrap.yaml").remove(0);
    assert_eq!(keys(&map, "/metadata"), ["name"], "a namespace there would contradict -n");
    for file in FILTERS {
        let namespace = text(&documents(file)[0], "/metadata/namespace").to_owned();
        for command in [
            format!("kubectl apply -n {namespace} -f envoy/istio/bootstrap.yaml"),
            format!("kubectl create configmap graylane-wasm -n {namespace} --from-file=dist/graylane.wasm"),
        ] {
            assert!(commands.contains(command.as_str()), "bootstrap.yaml lacks `{command}`, which {file} needs");
        }
    }
}

#[test]
fn envoy_accepts_them() {
    for file in FILTERS {
        let (resource, inserted) = filter(file);
        accepted(&validate(&resource, &inserted, &bootstrap()), file);
    }
    accepted(&validate(&fetcher_as_filter(), &filter(FILTERS[0]).1, &bootstrap()), "the fetcher's own configuration");
    accepted(&validate(&wasm_plugin_as_filter(), &filter(FILTERS[0]).1, &bootstrap()), "wasmplugin.yaml");
}

#[test]
fn envoy_refuses_altered_filters() {
    let alterations = [
        ("/typed_config/config/rootId2", json!("graylane"), "no such"),
        ("/typed_config/@type", json!("type.googleapis.com/envoy.Nothing"), "could not find @type"),
        ("/typed_config/config/failure_policy", json!("FAIL_SOMEHOW"), "FAIL_SOMEHOW"),
        ("/typed_config/config/configuration/value", json!(r#"{"ownedHeader": []}"#), "graylane failed to load"),
        ("/typed_config/config/configuration/value", json!(r#"{"ownedHeaders": ["host"]}"#), "graylane failed to load"),
        ("/typed_config/config/configuration/value", json!("ownedHeaders: []"), "graylane failed to load"),
    ];
    for (at, value, why) in alterations {
        let (mut resource, inserted) = filter(FILTERS[0]);
        alter(&mut resource, at, value.clone());
        refused(&validate(&resource, &inserted, &bootstrap()), why, &format!("{at} = {value}"));
    }
    let (resource, mut inserted) = filter(FILTERS[0]);
    alter(&mut inserted, "/config_discovery/default_config/@type", json!("type.googleapis.com/envoy.Nothing"));
    refused(&validate(&resource, &inserted, &bootstrap()), "could not find @type", "default_config");
}

#[test]
fn envoy_refuses_an_altered_fetcher() {
    let inserted = filter(FILTERS[0]).1;
    for value in
        [r#"{"namespaces": "default"}"#, r#"{"namespace": "default", "control": "graylane"}"#, "namespace: default"]
    {
        let mut fetcher = fetcher_as_filter();
        alter(&mut fetcher, "/typed_config/config/configuration/value", json!(value));
        refused(&validate(&fetcher, &inserted, &bootstrap()), "graylane_fetcher failed to load", value);
    }
    let misspelt = bootstrap().replace("singleton:", "singelton:");
    refused(&validate(&filter(FILTERS[0]).0, &inserted, &misspelt), "singelton", "singelton");
}

// ---- what the files say

fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("envoy/istio").join(file)).expect("a file of envoy/istio");
    let parse = |document| serde_saphyr::from_str(document).unwrap_or_else(|why| panic!("{file}: {why}"));
    text.split("\n---\n").map(parse).collect()
}

fn patches(filter: &Value) -> &[Value] {
    filter.pointer("/spec/configPatches").and_then(Value::as_array).expect("configPatches")
}

/// The ECDS resource and the HTTP filter of an EnvoyFilter, in the way Istio hands them out.
fn filter(file: &str) -> (Value, Value) {
    let filter = documents(file).remove(0);
    let value = |kind| {
        patches(&filter).iter().find(|patch| patch["applyTo"] == kind).map(|patch| patch["patch"]["value"].clone())
    };
    (value("EXTENSION_CONFIG").expect("a resource"), value("HTTP_FILTER").expect("a filter"))
}

/// What Istio's agent gives to Envoy's `--config-yaml`.
fn bootstrap() -> String {
    let [map] = &documents("bootstrap.yaml")[..] else { panic!("bootstrap.yaml should be one document") };
    assert_eq!(text(map, "/kind"), "ConfigMap");
    text(map, "/data/custom_bootstrap.json").to_owned()
}

/// Validation starts no bootstrap extension, but it configures HTTP filters: there the fetcher's configuration is read.
fn fetcher_as_filter() -> Value {
    let bootstrap: Value = serde_saphyr::from_str(&bootstrap()).expect("custom_bootstrap.json is YAML");
    let (mut resource, _) = filter(FILTERS[0]);
    alter(&mut resource, FILTER, bootstrap.pointer(FETCHER).expect("a fetcher").clone());
    resource
}

fn wasm_plugin() -> Value {
    let [plugin] = &documents("wasmplugin.yaml")[..] else { panic!("wasmplugin.yaml should be one document") };
    assert_eq!(text(plugin, "/kind"), "WasmPlugin");
    plugin.clone()
}

/// As Istio translates it: the plugin's configuration as a text of JSON, no vm_id, no root_id.
fn wasm_plugin_as_filter() -> Value {
    let (mut resource, _) = filter(FILTERS[0]);
    let configuration = wasm_plugin()["spec"]["pluginConfig"].to_string();
    alter(&mut resource, "/typed_config/config/configuration/value", json!(configuration));
    let config = resource.pointer_mut(FILTER).and_then(Value::as_object_mut).expect("a Wasm filter");
    config.remove("root_id");
    config["vm_config"].as_object_mut().expect("a vm_config").remove("vm_id").expect("a vm_id in the EnvoyFilter");
    resource
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("expected text at {at} of {value}"))
}

fn keys<'a>(value: &'a Value, at: &str) -> Vec<&'a str> {
    let object = value.pointer(at).and_then(Value::as_object).unwrap_or_else(|| panic!("expected an object at {at}"));
    object.keys().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

fn alter(value: &mut Value, at: &str, to: Value) {
    let (parent, key) = at.rsplit_once('/').expect("a pointer");
    value.pointer_mut(parent).expect("a place to alter")[key] = to;
}

// ---- what Envoy says

/// Has Envoy validate `resource`, `inserted` and `bootstrap`; gives whether they passed, and what Envoy said.
fn validate(resource: &Value, inserted: &Value, bootstrap: &str) -> (bool, String) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let (filters, discovery) = (scratch.path().join("envoy.json"), scratch.path().join("ecds.json"));
    // Delivered by ADS in Istio, by a file here: nothing is fetched while validating.
    std::fs::write(&discovery, json!({ "resources": [] }).to_string()).expect("ecds.json");
    let mut inserted = inserted.clone();
    let source = &mut inserted["config_discovery"]["config_source"];
    source.as_object_mut().expect("a config_source").remove("ads").expect("delivery by ADS");
    source["path_config_source"] = json!({ "path": discovery });
    std::fs::write(&filters, here(&listener(&[resource, &inserted]).to_string())).expect("envoy.json");
    let said = Command::new(envoy())
        .args(["--mode", "validate", "--config-path"])
        .arg(&filters)
        .args(["--config-yaml", &here(bootstrap)])
        .output()
        .expect("Envoy runs");
    // Protobuf's messages have one or more spaces, by chance, so that nobody compares them whole.
    let words = [said.stderr, said.stdout].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (said.status.success(), words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn accepted((passed, said): &(bool, String), what: &str) {
    assert!(*passed, "Envoy refused {what}:\n{said}");
}

fn refused((passed, said): &(bool, String), why: &str, what: &str) {
    assert!(!passed, "Envoy accepted {what}");
    assert!(said.contains(why), "expected Envoy to refuse {what} for {why:?}:\n{said}");
}

/// A bootstrap with one listener, whose requests pass `filters`.
fn listener(filters: &[&Value]) -> Value {
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let mut chain: Vec<Value> = filters.iter().map(|&filter| filter.clone()).collect();
    chain.push(router);
    json!({"node": {"id": "sidecar~127.0.0.1~frontend.shop~shop.svc.cluster.local", "cluster": "frontend.shop"},
        "static_resources": {"listeners": [{
        "name": "0.0.0.0_8080",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "outbound_0.0.0.0_8080;",
            "route_config": {"virtual_hosts": []},
            "http_filters": chain}}]}]}]}})
}

/// `configuration` with the .wasm of this tree in place of the pod's.
fn here(configuration: &str) -> String {
    let wasm = artefact("dist/graylane.wasm");
    configuration.replace("/etc/graylane/graylane.wasm", wasm.to_str().expect("a path that is text"))
}

fn envoy() -> PathBuf {
    if let Some(chosen) = std::env::var_os("ENVOY_BIN") {
        return chosen.into();
    }
    let versions = std::fs::read_dir(root().join(".tools/venv/lib")).expect("`make tools` to have been run");
    let binary = |library: &Path| library.join("site-packages/envoy/_bin/envoy");
    let found = versions.map(|version| binary(&version.expect("a directory").path())).find(|path| path.is_file());
    found.expect("Envoy in .tools/venv: run `make tools`")
}
