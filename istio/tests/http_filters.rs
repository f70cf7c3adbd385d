//! HTTP filters: where each operation puts them, and which filters it finds (after `listener_patch_test.go`).
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;

use common::{apply, messages, names};
use graylane_istio::{Message, Resources, api, message, patch::Change, proxy::Kind};

const BUFFER: &str = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer";

/// A gateway with one listener of the filters `one`, `two` and the router, all but the router buffers of 10 bytes.
fn gateway() -> Resources {
    let buffer = |name| format!("{{name: {name}, typed_config: {{\"@type\": {BUFFER}, max_request_bytes: 10}}}}");
    let router = "{name: envoy.filters.http.router, typed_config: \
                  {\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}";
    let text = format!(
        "- name: 0.0.0.0_80
  address: {{socket_address: {{address: 0.0.0.0, port_value: 80}}}}
  filter_chains:
    - name: plain
      filters:
        - name: envoy.filters.network.http_connection_manager
          typed_config:
            \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            http_filters: [{}, {}, {{name: later, config_discovery: {{config_source: {{ads: {{}}}}}}}}, {router}]
",
        buffer("one"),
        buffer("two")
    );
    Resources { listeners: messages("envoy.config.listener.v3.Listener", &text), ..Resources::default() }
}

fn filters(resources: &Resources) -> Vec<Message> {
    let chain = &message::messages(&resources.listeners[0], "filter_chains")[0];
    let manager =
        api::unpack(&message::inner(&message::messages(chain, "filters")[0], "typed_config").unwrap()).unwrap();
    message::messages(&manager, "http_filters")
}

fn patch(operation: &str, sub_filter: Option<&str>, value: &str) -> String {
    let sub_filter = sub_filter.map(|name| format!(", subFilter: {{name: {name}}}")).unwrap_or_default();
    let filter = format!("{{name: envoy.filters.network.http_connection_manager{sub_filter}}}");
    let value = if value.is_empty() { String::new() } else { format!(", value: {value}") };
    format!(
        "- applyTo: HTTP_FILTER\n  match: {{context: GATEWAY, listener: {{filterChain: {{filter: {filter}}}}}}}\n  \
         patch: {{operation: {operation}{value}}}\n"
    )
}

fn order(patches: &str) -> String {
    let mut resources = gateway();
    apply(Kind::Gateway, patches, &mut resources);
    names(&filters(&resources)).join(" ").replace("envoy.filters.http.", "")
}

#[test]
fn each_operation_has_its_place() {
    let cases = [
        // Behind the router, whatever it says it looks for.
        ("ADD", None, "one two later router new"),
        ("ADD", Some("one"), "one two later router new"),
        ("INSERT_FIRST", None, "new one two later router"),
        ("INSERT_FIRST", Some("two"), "new one two later router"),
        ("INSERT_FIRST", Some("nowhere"), "new one two later router"),
        ("INSERT_BEFORE", Some("two"), "one new two later router"),
        ("INSERT_BEFORE", None, "new one two later router"),
        ("INSERT_BEFORE", Some("nowhere"), "one two later router"),
        ("INSERT_AFTER", Some("two"), "one two new later router"),
        ("INSERT_AFTER", None, "one two later router new"),
        ("INSERT_AFTER", Some("nowhere"), "one two later router"),
        ("REPLACE", Some("two"), "one new later router"),
        ("REPLACE", None, "one two later router"),
        ("REPLACE", Some("nowhere"), "one two later router"),
        ("MERGE_AND_REPLACE_LIST", Some("two"), "one two later router"),
    ];
    for (operation, sub_filter, expected) in cases {
        let found = order(&patch(operation, sub_filter, "{name: new}"));
        assert_eq!(found, expected, "{operation} {sub_filter:?}");
    }
    assert_eq!(order(&patch("REMOVE", Some("two"), "")), "one later router");
    assert_eq!(order(&patch("REMOVE", None, "")), "one two later router");
}

#[test]
fn of_several_of_one_name_the_first_is_replaced_and_all_are_removed() {
    let twice = patch("INSERT_FIRST", None, "{name: two}");
    assert_eq!(order(&format!("{twice}{}", patch("REPLACE", Some("two"), "{name: new}"))), "new one two later router");
    assert_eq!(
        order(&format!("{twice}{}", patch("INSERT_BEFORE", Some("two"), "{name: new}"))),
        "new two one two later router"
    );
    assert_eq!(order(&format!("{twice}{}", patch("REMOVE", Some("two"), ""))), "one later router");
}

#[test]
fn merges_come_after_everything_else_and_pass_by_what_is_discovered() {
    let merge = |sub_filter: &str| {
        patch(
            "MERGE",
            Some(sub_filter),
            &format!("{{name: renamed, typed_config: {{\"@type\": {BUFFER}, max_request_bytes: 20}}}}"),
        )
    };
    let add = patch(
        "INSERT_FIRST",
        None,
        &format!("{{name: new, typed_config: {{\"@type\": {BUFFER}, max_request_bytes: 5}}}}"),
    );
    let mut resources = gateway();
    apply(Kind::Gateway, &format!("{}{}{add}", merge("new"), merge("later")), &mut resources);
    let filters = filters(&resources);
    assert_eq!(names(&filters), ["renamed", "one", "two", "later", "envoy.filters.http.router"]);
    let buffer = message::unpacked(&filters[0], "typed_config").unwrap();
    assert_eq!(message::number(&buffer, "max_request_bytes"), Some(20));
}

#[test]
fn a_merge_into_another_type_ends_the_patches_of_all_listeners() {
    let merge = patch("MERGE", None, &format!("{{typed_config: {{\"@type\": {BUFFER}, max_request_bytes: 20}}}}"));
    let add = "- applyTo: LISTENER\n  match: {context: GATEWAY}\n  patch: {operation: ADD, value: {name: new}}\n";
    let mut resources = gateway();
    let effects = apply(Kind::Gateway, &format!("{merge}{add}"), &mut resources);
    assert!(
        matches!(&effects.last().unwrap().change, Change::Panicked(name, _) if name == "envoy.filters.http.router")
    );
    assert_eq!(names(&resources.listeners), ["0.0.0.0_80"], "what would have come later does not come");
    // The connection manager was to be packed again when all was done.
    let buffer = message::unpacked(&filters(&resources)[0], "typed_config").unwrap();
    assert_eq!(message::number(&buffer, "max_request_bytes"), Some(10));
}

#[test]
fn only_what_the_match_says_is_looked_into() {
    let changed = |matching: &str| {
        let patch = format!(
            "- applyTo: HTTP_FILTER\n  match: {matching}\n  patch: {{operation: INSERT_FIRST, value: {{name: new}}}}\n"
        );
        order(&patch).starts_with("new")
    };
    assert!(changed("{context: GATEWAY}"));
    assert!(changed("{}"));
    assert!(!changed("{context: SIDECAR_OUTBOUND}"));
    assert!(!changed("{context: SIDECAR_INBOUND}"));
    assert!(changed("{listener: {portNumber: 80}}"));
    assert!(!changed("{listener: {portNumber: 81}}"));
    assert!(changed("{listener: {name: 0.0.0.0_80}}"));
    assert!(!changed("{listener: {name: 0.0.0.0_81}}"));
    assert!(changed("{listener: {filterChain: {name: plain}}}"));
    assert!(!changed("{listener: {filterChain: {name: other}}}"));
    assert!(!changed("{listener: {filterChain: {sni: a.example.com}}}"));
    assert!(!changed("{listener: {filterChain: {filter: {name: other}}}}"));
    assert!(changed("{proxy: {proxyVersion: '1.3'}}"));
    assert!(!changed("{proxy: {proxyVersion: '^1\\.3$'}}"));
}
