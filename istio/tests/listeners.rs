//! Listeners, their filters, filter chains and network filters (after `listener_patch_test.go`).
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;

use common::{apply, json, messages, names};
use graylane_istio::{Message, Resources, message, proxy::Kind};

const REDIS: &str = "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy";
const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

fn sidecar() -> Resources {
    let text = format!(
        "- name: 0.0.0.0_12345
  traffic_direction: OUTBOUND
  address: {{socket_address: {{address: 0.0.0.0, port_value: 12345}}}}
  listener_filters:
    - {{name: inspector, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}}}
    - {{name: other}}
  filter_chains:
    - name: first
      filter_chain_match: {{server_names: [a.example.com, b.example.com], transport_protocol: tls, application_protocols: [h2, http/1.1]}}
      transport_socket: {{name: tls, typed_config: {{\"@type\": {TLS}, require_sni: true}}}}
      filters: [{{name: filter1}}, {{name: filter2}}]
    - name: second
      filters: [{{name: redis, typed_config: {{\"@type\": {REDIS}, stat_prefix: redis, settings: {{op_timeout: 5s, enable_hashtagging: true}}}}}}]
  default_filter_chain: {{name: rest, filters: [{{name: filter1}}]}}
- name: virtualInbound
  traffic_direction: INBOUND
  address: {{socket_address: {{address: 0.0.0.0, port_value: 15006}}}}
  filter_chains:
    - {{name: app, filter_chain_match: {{destination_port: 8080}}, filters: [{{name: filter1}}]}}
    - {{name: admin, filter_chain_match: {{destination_port: 9090}}, filters: [{{name: filter1}}]}}
"
    );
    Resources { listeners: messages("envoy.config.listener.v3.Listener", &text), ..Resources::default() }
}

fn patched(patches: &str) -> Vec<Message> {
    let mut resources = sidecar();
    apply(Kind::Sidecar, patches, &mut resources);
    resources.listeners
}

fn listener(listeners: &[Message], name: &str) -> Message {
    listeners
        .iter()
        .find(|one| message::text(one, "name") == name)
        .cloned()
        .unwrap_or_else(|| panic!("found no {name}"))
}

/// `chain: filter filter, …` of a listener.
fn chains(listener: &Message) -> String {
    let chains = message::messages(listener, "filter_chains")
        .into_iter()
        .chain(message::inner(listener, "default_filter_chain"));
    let chains = chains.map(|chain| {
        format!("{}: {}", message::text(&chain, "name"), names(&message::messages(&chain, "filters")).join(" "))
    });
    chains.collect::<Vec<_>>().join(", ")
}

fn network(operation: &str, matching: &str, value: &str) -> String {
    let value = if value.is_empty() { String::new() } else { format!(", value: {value}") };
    format!("- applyTo: NETWORK_FILTER\n  match: {matching}\n  patch: {{operation: {operation}{value}}}\n")
}

#[test]
fn network_filters_are_arranged_in_every_chain_that_is_meant() {
    let outbound = |operation: &str, matching: &str, value: &str| {
        chains(&listener(&patched(&network(operation, matching, value)), "0.0.0.0_12345"))
    };
    let one = "{context: SIDECAR_OUTBOUND, listener: {portNumber: 12345, filterChain: {filter: {name: filter1}}}}";
    let untouched = "first: filter1 filter2, second: redis, rest: filter1";
    assert_eq!(
        outbound("INSERT_BEFORE", one, "{name: new}"),
        "first: new filter1 filter2, second: redis, rest: new filter1"
    );
    assert_eq!(
        outbound("INSERT_AFTER", one, "{name: new}"),
        "first: filter1 new filter2, second: redis, rest: filter1 new"
    );
    assert_eq!(
        outbound("INSERT_FIRST", one, "{name: new}"),
        "first: new filter1 filter2, second: new redis, rest: new filter1"
    );
    assert_eq!(outbound("ADD", one, "{name: new}"), "first: filter1 filter2 new, second: redis new, rest: filter1 new");
    assert_eq!(outbound("REPLACE", one, "{name: new}"), "first: new filter2, second: redis, rest: new");
    assert_eq!(outbound("REMOVE", "{context: SIDECAR_OUTBOUND}", ""), untouched);
    let second = "{listener: {filterChain: {filter: {name: filter2}}}}";
    assert_eq!(outbound("REMOVE", second, ""), "first: filter1, second: redis, rest: filter1");
    assert_eq!(
        outbound("REMOVE", "{listener: {portNumber: 1, filterChain: {filter: {name: filter2}}}}", ""),
        untouched
    );
}

#[test]
fn predicates_of_filter_chains() {
    let changed = |chain: &str| {
        let matching = format!("{{context: SIDECAR_OUTBOUND, listener: {{filterChain: {chain}}}}}");
        let found = chains(&listener(&patched(&network("INSERT_FIRST", &matching, "{name: new}")), "0.0.0.0_12345"));
        found.split(", ").filter(|chain| chain.contains("new")).map(|chain| chain[..1].to_owned()).collect::<String>()
    };
    assert_eq!(changed("{}"), "fsr");
    assert_eq!(changed("{name: second}"), "s");
    assert_eq!(changed("{sni: b.example.com}"), "f");
    assert_eq!(changed("{sni: c.example.com}"), "");
    assert_eq!(changed("{transportProtocol: tls}"), "f");
    assert_eq!(changed("{applicationProtocols: 'http/1.1,h2'}"), "f");
    assert_eq!(changed("{applicationProtocols: 'h2,h3'}"), "");
    assert_eq!(changed("{destinationPort: 8080}"), "");
}

#[test]
fn a_port_means_the_chains_of_a_virtual_listener_but_itself_where_it_is_about_the_listener() {
    let matching = "{context: SIDECAR_INBOUND, listener: {portNumber: 8080}}";
    let found = patched(&network("INSERT_FIRST", matching, "{name: new}"));
    assert_eq!(chains(&listener(&found, "virtualInbound")), "app: new filter1, admin: filter1");
    let remove = |port| {
        format!("- applyTo: LISTENER\n  match: {{listener: {{portNumber: {port}}}}}\n  patch: {{operation: REMOVE}}\n")
    };
    assert_eq!(names(&patched(&remove(8080))).len(), 2);
    assert_eq!(names(&patched(&remove(15006))), ["0.0.0.0_12345"]);
}

#[test]
fn a_network_filter_is_merged_at_its_own_level() {
    let value =
        format!("{{typed_config: {{\"@type\": {REDIS}, settings: {{op_timeout: 0.2s, enable_hashtagging: false}}}}}}");
    let found = patched(&network("MERGE", "{listener: {filterChain: {filter: {name: redis}}}}", &value));
    let chain = &message::messages(&listener(&found, "0.0.0.0_12345"), "filter_chains")[1];
    let redis = json(&message::unpacked(&message::messages(chain, "filters")[0], "typed_config").unwrap());
    // A duration is replaced whole; false is as if it were not there.
    assert_eq!(redis["settings"], serde_json::json!({"op_timeout": "0.200s", "enable_hashtagging": true}));
    assert_eq!(redis["stat_prefix"], "redis");
}

#[test]
fn chains_are_removed_added_and_merged() {
    let chain = |operation: &str, chain: &str, value: &str| {
        let value = if value.is_empty() { String::new() } else { format!(", value: {value}") };
        let text = format!(
            "- applyTo: FILTER_CHAIN\n  match: {{context: SIDECAR_OUTBOUND, listener: {{filterChain: {chain}}}}}\n  \
             patch: {{operation: {operation}{value}}}\n"
        );
        listener(&patched(&text), "0.0.0.0_12345")
    };
    assert_eq!(chains(&chain("REMOVE", "{transportProtocol: tls}", "")), "second: redis, rest: filter1");
    assert_eq!(chains(&chain("REMOVE", "{name: rest}", "")), "first: filter1 filter2, second: redis");
    let added = chain("ADD", "{}", "{name: new, filters: [{name: x}]}");
    assert_eq!(chains(&added), "first: filter1 filter2, second: redis, new: x, rest: filter1");
    // A transport socket of the same name is merged at its own level, and nothing else of the value is.
    let socket = format!(
        "{{name: renamed, transport_socket: {{name: tls, typed_config: {{\"@type\": {TLS}, session_timeout: 5s}}}}}}"
    );
    let merged = json(&chain("MERGE", "{name: first}", &socket));
    let first = &merged["filter_chains"][0];
    assert_eq!(first["name"], "first");
    assert_eq!(first["transport_socket"]["typed_config"]["require_sni"], true);
    assert_eq!(first["transport_socket"]["typed_config"]["session_timeout"], "5s");
    // Of another name it is merged like everything else: name over name, and what is in the Any over what was in it.
    let other =
        format!("{{transport_socket: {{name: other, typed_config: {{\"@type\": {TLS}, session_timeout: 5s}}}}}}");
    let merged = json(&chain("MERGE", "{name: first}", &other));
    assert_eq!(merged["filter_chains"][0]["transport_socket"]["typed_config"].get("require_sni"), None);
}

#[test]
fn listener_filters_are_merged_whatever_name_is_looked_for() {
    let value = "{name: renamed, typed_config: {\"@type\": \
                 type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector, initial_read_buffer_size: 8192}}";
    let merge = |named: &str| {
        let text = format!(
            "- applyTo: LISTENER_FILTER\n  match: {{context: SIDECAR_OUTBOUND, listener: {{{named}}}}}\n  \
             patch: {{operation: MERGE, value: {value}}}\n"
        );
        json(&listener(&patched(&text), "0.0.0.0_12345"))["listener_filters"].clone()
    };
    assert_eq!(merge("")[0]["typed_config"].get("initial_read_buffer_size"), None);
    let merged = merge("listenerFilter: any-name");
    assert_eq!(merged[0]["typed_config"]["initial_read_buffer_size"], 8192);
    assert_eq!(merged[0]["name"], "inspector", "its name stays");
}

#[test]
fn an_added_listener_without_a_context_is_outbound() {
    let add = |context: &str| {
        let text =
            format!("- applyTo: LISTENER\n  match: {{{context}}}\n  patch: {{operation: ADD, value: {{name: new}}}}\n");
        names(&patched(&text)).iter().filter(|name| *name == "new").count()
    };
    assert_eq!(
        [add(""), add("context: SIDECAR_OUTBOUND"), add("context: SIDECAR_INBOUND"), add("context: GATEWAY")],
        [1, 1, 1, 0]
    );
}
