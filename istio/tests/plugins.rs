//! WasmPlugins, TrafficExtensions and what the agent makes of them (after `convert_test.go` and `extensions_test.go`).
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;

use common::{document, json};
use graylane_istio::{
    Message, Plugin, Proxy, Resources,
    agent::{self, Converted, Wanted},
    api,
    fixture::built_in,
    message,
    plugin::{self, Written},
    proxy::Kind,
    report::Report,
};
use serde_json::{Value, json};

fn plugin(written: Written, spec: &str) -> Plugin {
    let text = format!("metadata: {{name: gray, namespace: shop, resourceVersion: '7'}}\nspec: {spec}");
    let mut report = Report::default();
    let plugin = Plugin::read(&document(&text), written, &mut report);
    let problems = report.into_problems();
    assert!(problems.is_empty(), "{problems:?}");
    plugin.unwrap()
}

fn wasm_plugin(spec: &str) -> Plugin {
    plugin(Written::WasmPlugin, &format!("{{url: 'oci://registry.example.com/gray:1'{spec}}}"))
}

#[test]
fn names_changed_twice() {
    let names: Vec<_> = [25, 26, 29, 30].map(|minor| wasm_plugin("").resource_name(minor)).into();
    assert_eq!(
        names,
        [
            "extenstions.istio.io/wasmplugin/shop.gray",
            "extensions.istio.io/wasmplugin/shop.gray",
            "extensions.istio.io/wasmplugin/shop.gray",
            "extensions.istio.io/trafficextension/shop.gray~istio-translated-wasmplugin",
        ]
    );
    let extension = plugin(Written::TrafficExtension, "{wasm: {url: gray}}");
    assert_eq!(extension.resource_name(30), "extensions.istio.io/trafficextension/shop.gray");
    let name = |minor| json(&wasm_plugin("").extension(minor).unwrap())["typed_config"]["config"]["name"].clone();
    assert_eq!([name(29), name(31)], ["shop.gray", "shop.gray~istio-translated-wasmplugin"]);
}

fn config(plugin: &Plugin) -> Value {
    json(&plugin.extension(31).unwrap())["typed_config"]["config"].clone()
}

#[test]
fn a_plugin_becomes_a_filter_that_waits_and_an_extension_without_a_vm_id() {
    let plugin = wasm_plugin(
        ", sha256: abc, failStrategy: FAIL_RELOAD, pluginName: root, imagePullPolicy: Always, imagePullSecret: s, \
         pluginConfig: {number: 5, f: 0.5, list: [1]}, vmConfig: {env: [{name: A, value: b}, {name: H, valueFrom: HOST}]}",
    );
    let filter = json(&plugin.filter(31).unwrap());
    assert_eq!(
        filter["config_discovery"]["config_source"],
        json!({"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"})
    );
    let types: Vec<_> = filter["config_discovery"]["type_urls"].as_array().unwrap().clone();
    assert!(
        types[0].as_str().unwrap().ends_with("wasm.v3.Wasm") && types[1].as_str().unwrap().ends_with("rbac.v3.RBAC")
    );
    let config = config(&plugin);
    assert_eq!((&config["root_id"], &config["failure_policy"]), (&json!("root"), &json!("FAIL_RELOAD")));
    let value: Value = serde_json::from_str(config["configuration"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(value, json!({"number": 5, "f": 0.5, "list": [1]}));
    let vm = &config["vm_config"];
    assert_eq!((vm.get("vm_id"), &vm["runtime"]), (None, &json!("envoy.wasm.runtime.v8")));
    let remote = &vm["code"]["remote"];
    assert_eq!((&remote["sha256"], &remote["http_uri"]["timeout"]), (&json!("abc"), &json!("30s")));
    let variables = &vm["environment_variables"];
    assert_eq!(variables["host_env_keys"], json!(["H"]));
    assert_eq!(
        variables["key_values"],
        json!({
            "A": "b",
            "ISTIO_META_WASM_IMAGE_PULL_POLICY": "Always",
            "ISTIO_META_WASM_IMAGE_PULL_SECRET": "s",
            "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "7",
        })
    );
}

#[test]
fn defaults_and_other_places_of_code() {
    let plain = config(&wasm_plugin(""));
    assert_eq!((&plain["failure_policy"], plain.get("configuration")), (&json!("FAIL_CLOSED"), None));
    let code =
        |url: &str| config(&plugin(Written::WasmPlugin, &format!("{{url: '{url}'}}")))["vm_config"]["code"].clone();
    assert_eq!(code("file:///etc/x.wasm"), json!({"local": {"filename": "/etc/x.wasm"}}));
    assert_eq!(code("registry.example.com/x")["remote"]["http_uri"]["uri"], "oci://registry.example.com/x");
}

/// The names of the HTTP filters of each chain that has any, by the listener.
fn placed(kind: Kind, plugins: &[Plugin]) -> Vec<(String, Vec<String>)> {
    let (proxy, mut resources): (Proxy, Resources) = built_in(kind, "1.31.0").unwrap();
    let plugins: Vec<Plugin> =
        plugins.iter().cloned().map(|one| Plugin { namespace: proxy.namespace.clone(), ..one }).collect();
    plugin::insert(&plugins, &proxy, &mut resources);
    let mut found = Vec::new();
    for listener in &resources.listeners {
        for chain in message::messages(listener, "filter_chains") {
            let filters = message::messages(&chain, "filters");
            let manager = filters.iter().filter_map(|filter| message::unpacked(filter, "typed_config"));
            let names: Vec<String> = manager
                .flat_map(|manager| message::messages(&manager, "http_filters"))
                .map(|filter| message::text(&filter, "name"))
                .collect();
            if !names.is_empty() {
                found.push((message::text(listener, "name"), names));
            }
        }
    }
    found
}

#[test]
fn without_a_phase_it_stands_before_grpc_stats_and_priority_orders() {
    let named = |name: &str, spec: &str| Plugin { name: name.to_owned(), ..wasm_plugin(spec) };
    let plugins = [
        named("low", ", priority: 1"),
        named("none", ""),
        named("high", ", priority: 9"),
        named("authn", ", phase: AUTHN"),
    ];
    let (_, names) = placed(Kind::Gateway, &plugins).remove(0);
    let short: Vec<_> =
        names.iter().map(|name| name.rsplit(['.', '/']).next().unwrap().split('~').next().unwrap()).collect();
    assert_eq!(
        short,
        ["metadata_exchange", "authn", "high", "low", "none", "grpc_stats", "alpn", "fault", "cors", "stats", "router"]
    );
}

#[test]
fn modes_and_ports_choose_listeners() {
    let listeners = |spec: &str| {
        let found = placed(Kind::Sidecar, &[wasm_plugin(spec)]);
        let has = |(listener, names): &(String, Vec<String>)| {
            names.iter().any(|name| name.contains("shop.gray")).then(|| listener.clone())
        };
        found.iter().filter_map(has).collect::<Vec<_>>()
    };
    assert_eq!(listeners(", match: [{mode: CLIENT}]"), ["0.0.0.0_8080"]);
    assert_eq!(listeners(", match: [{mode: SERVER, ports: [{number: 8080}]}]"), ["virtualInbound", "virtualInbound"]);
    assert_eq!(listeners(", match: [{mode: CLIENT, ports: [{number: 9090}]}]").len(), 0);
    assert_eq!(listeners("").len(), 4);
    assert_eq!(listeners(", selector: {matchLabels: {app: other}}").len(), 0);
}

fn converted(spec: &str, fetched: Result<String, String>) -> (Converted, Message, Option<Wanted>) {
    let mut extension = wasm_plugin(spec).extension(31).unwrap();
    let mut wanted = None;
    let outcome = agent::convert(&mut extension, |asked| {
        wanted = Some(asked.clone());
        fetched
    });
    (outcome, extension, wanted)
}

#[test]
fn the_agent_makes_remote_code_a_file_and_takes_its_own_variables_out() {
    let (outcome, extension, wanted) =
        converted(", sha256: abc, imagePullPolicy: Always", Ok("/var/x.wasm".to_owned()));
    assert_eq!(outcome, Converted::ToFile);
    assert_eq!(wanted, Some(Wanted { uri: "oci://registry.example.com/gray:1".to_owned(), sha256: "abc".to_owned() }));
    let vm = json(&extension)["typed_config"]["config"]["vm_config"].clone();
    assert_eq!(vm["code"], json!({"local": {"filename": "/var/x.wasm"}}));
    assert_eq!(vm.get("environment_variables"), None);
    let (_, extension, _) = converted(", vmConfig: {env: [{name: A, value: b}]}", Ok(String::new()));
    let variables = json(&extension)["typed_config"]["config"]["vm_config"]["environment_variables"].clone();
    assert_eq!(variables, json!({"key_values": {"A": "b"}}));
}

#[test]
fn what_cannot_be_fetched_lets_pass_or_denies() {
    let failed = || Err("no such image".to_owned());
    for (strategy, expected, rules) in [
        ("", Converted::ToDeny, true),
        (", failStrategy: FAIL_CLOSE", Converted::ToDeny, true),
        (", failStrategy: FAIL_RELOAD", Converted::ToDeny, true),
        (", failStrategy: FAIL_OPEN", Converted::ToAllow, false),
    ] {
        let (outcome, extension, _) = converted(strategy, failed());
        assert_eq!(outcome, expected, "{strategy}");
        let rbac = json(&extension)["typed_config"].clone();
        assert!(rbac["@type"].as_str().unwrap().ends_with("rbac.v3.RBAC"));
        assert_eq!(rbac.get("rules").is_some(), rules, "{strategy}");
    }
}

#[test]
fn what_is_local_or_no_wasm_passes_as_it_is() {
    let mut local = plugin(Written::WasmPlugin, "{url: 'file:///x.wasm'}").extension(31).unwrap();
    let before = json(&local);
    assert_eq!(agent::convert(&mut local, |_| panic!("nothing to fetch")), Converted::Untouched);
    assert_eq!(json(&local), before, "the variable with the object's version stays in the VM");
    let text = "{name: x, typed_config: {\"@type\": type.googleapis.com/udpa.type.v1.TypedStruct, type_url: \
                type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, value: {config: {vm_config: {code: {remote: \
                {http_uri: {uri: 'https://example.com/x.wasm', cluster: _, timeout: 5s}}}}}}}}";
    let mut typed_struct =
        common::messages("envoy.config.core.v3.TypedExtensionConfig", &format!("[{text}]")).remove(0);
    assert_eq!(agent::convert(&mut typed_struct, |_| Ok("/x".to_owned())), Converted::ToFile);
    assert!(api::unpack(&message::inner(&typed_struct, "typed_config").unwrap()).is_some());
}

#[test]
fn a_gateway_is_targeted_by_its_group_and_in_its_namespace() {
    let placed = |namespace: &str, reference: &str| {
        let (mut proxy, mut resources): (Proxy, Resources) = built_in(Kind::Gateway, "1.31.0").unwrap();
        proxy.labels.insert("gateway.networking.k8s.io/gateway-name".to_owned(), "gw".to_owned());
        let plugin = wasm_plugin(&format!(", targetRefs: [{reference}]"));
        let plugin = Plugin { namespace: namespace.to_owned(), ..plugin };
        plugin::insert(&[plugin], &proxy, &mut resources).len()
    };
    let whole = "{group: gateway.networking.k8s.io, kind: Gateway, name: gw}";
    assert_eq!(placed("istio-ingress", whole), 1);
    assert_eq!(placed("istio-system", whole), 0);
    assert_eq!(placed("istio-ingress", "{kind: Gateway, name: gw}"), 0, "one of the core there is not");
    assert_eq!(placed("istio-ingress", "{group: gateway.networking.k8s.io, kind: Gateway, name: other}"), 0);
}
