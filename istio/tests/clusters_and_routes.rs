//! Clusters and routes (after `cluster_patch_test.go` and `rc_patch_test.go`).
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
use graylane_istio::{Resources, message, proxy::Kind};
use serde_json::json;

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

fn clusters() -> Resources {
    let text = format!(
        "- name: outbound|443||a.example.com
- name: outbound|9443|v1|b.example.com
  connect_timeout: 10s
  dns_lookup_family: V4_ONLY
  transport_socket_matches:
    - {{name: m, match: {{}}, transport_socket: {{name: tls, typed_config: {{\"@type\": {TLS}, sni: b}}}}}}
- name: inbound|8080||
  transport_socket: {{name: tls, typed_config: {{\"@type\": {TLS}, sni: c}}}}
- name: InboundPassthroughCluster
- name: BlackHoleCluster
"
    );
    Resources { clusters: messages("envoy.config.cluster.v3.Cluster", &text), ..Resources::default() }
}

fn cluster(operation: &str, matching: &str, value: &str) -> String {
    let value = if value.is_empty() { String::new() } else { format!(", value: {value}") };
    format!("- applyTo: CLUSTER\n  match: {matching}\n  patch: {{operation: {operation}{value}}}\n")
}

fn removed(matching: &str) -> usize {
    let mut resources = clusters();
    apply(Kind::Sidecar, &cluster("REMOVE", matching, ""), &mut resources);
    5 - resources.clusters.len()
}

#[test]
fn clusters_are_found_by_name_or_by_what_is_in_their_names() {
    assert_eq!(removed("{cluster: {name: 'outbound|443||a.example.com', portNumber: 1}}"), 1);
    assert_eq!(removed("{cluster: {name: other, service: a.example.com}}"), 0, "with a name nothing else counts");
    assert_eq!(removed("{cluster: {subset: v1}}"), 1);
    assert_eq!(removed("{cluster: {service: b.example.com, portNumber: 9443}}"), 1);
    assert_eq!(removed("{cluster: {service: b.example.com, portNumber: 443}}"), 0);
    assert_eq!(removed("{cluster: {portNumber: 8080}}"), 1);
    assert_eq!(removed("{context: SIDECAR_INBOUND}"), 2);
    assert_eq!(removed("{context: SIDECAR_OUTBOUND}"), 3);
    assert_eq!(removed("{}"), 5);
}

#[test]
fn clusters_are_added_where_the_context_says_and_else_outbound_alone() {
    let added = |kind, context: &str| {
        let mut resources = Resources::default();
        apply(kind, &cluster("INSERT_FIRST", &format!("{{{context}}}"), "{name: new}"), &mut resources);
        resources.clusters.len()
    };
    assert_eq!([added(Kind::Sidecar, ""), added(Kind::Gateway, ""), added(Kind::Waypoint, "")], [1, 1, 0]);
    assert_eq!(
        [added(Kind::Sidecar, "context: SIDECAR_INBOUND"), added(Kind::Gateway, "context: SIDECAR_INBOUND")],
        [1, 0]
    );
    // No check of names: two of one name are both sent.
    let mut resources = clusters();
    apply(Kind::Sidecar, &cluster("ADD", "{}", "{name: BlackHoleCluster}"), &mut resources);
    assert_eq!(names(&resources.clusters).iter().filter(|name| *name == "BlackHoleCluster").count(), 2);
}

#[test]
fn clusters_are_merged_and_their_transport_sockets_at_their_own_level() {
    let merged = |name: &str, value: &str| {
        let mut resources = clusters();
        apply(Kind::Sidecar, &cluster("MERGE", &format!("{{cluster: {{name: '{name}'}}}}"), value), &mut resources);
        json(resources.clusters.iter().find(|one| message::text(one, "name") == name).unwrap())
    };
    let (b, c) = ("outbound|9443|v1|b.example.com", "inbound|8080||");
    let timeouts = merged(b, "{connect_timeout: 0.25s, dns_lookup_family: AUTO}");
    assert_eq!((&timeouts["connect_timeout"], &timeouts["dns_lookup_family"]), (&json!("0.250s"), &json!("V4_ONLY")));
    let socket = |name: &str| {
        format!(
            "{{alt_stat_name: x, transport_socket: {{name: {name}, typed_config: {{\"@type\": {TLS}, max_session_keys: 5}}}}}}"
        )
    };
    let there = merged(b, &socket("tls"));
    let typed = &there["transport_socket_matches"][0]["transport_socket"]["typed_config"];
    assert_eq!((&typed["sni"], &typed["max_session_keys"]), (&json!("b"), &json!(5)));
    assert_eq!(there.get("alt_stat_name"), None, "a value with a transport socket is about that alone");
    // None of that name among the matches: dropped, since a cluster may not have both.
    assert_eq!(merged(b, &socket("other")), merged(b, "{}"));
    assert_eq!(merged(c, &socket("tls"))["transport_socket"]["typed_config"]["sni"], "c");
    let replaced = merged(c, &socket("other"));
    assert_eq!(
        (&replaced["transport_socket"]["name"], replaced["transport_socket"]["typed_config"].get("sni")),
        (&json!("other"), None)
    );
}

fn routes(name: &str) -> Resources {
    let text = format!(
        "- name: '{name}'
  virtual_hosts:
    - name: a:80
      domains: [a, a.default]
      routes:
        - {{name: first, match: {{prefix: /a}}, route: {{cluster: a}}}}
        - {{name: second, match: {{prefix: /b}}, redirect: {{host_redirect: b}}}}
        - {{name: third, match: {{prefix: /c}}, direct_response: {{status: 200}}}}
    - {{name: b:80, domains: [b]}}
"
    );
    Resources { routes: messages("envoy.config.route.v3.RouteConfiguration", &text), ..Resources::default() }
}

/// The virtual hosts, each with its routes.
fn hosts(kind: Kind, name: &str, patches: &str) -> String {
    let mut resources = routes(name);
    apply(kind, patches, &mut resources);
    let hosts = message::messages(&resources.routes[0], "virtual_hosts");
    let written = hosts.iter().map(|host| {
        format!("{} [{}]", message::text(host, "name"), names(&message::messages(host, "routes")).join(" "))
    });
    written.collect::<Vec<_>>().join(" ")
}

fn on(apply_to: &str, operation: &str, matching: &str, value: &str) -> String {
    let value = if value.is_empty() { String::new() } else { format!(", value: {value}") };
    format!(
        "- applyTo: {apply_to}\n  match: {{routeConfiguration: {matching}}}\n  patch: {{operation: {operation}{value}}}\n"
    )
}

#[test]
fn route_configurations_are_found_by_name_port_and_gateway() {
    let changed = |kind, name: &str, matching: &str| {
        hosts(kind, name, &on("VIRTUAL_HOST", "ADD", matching, "{name: new}")).ends_with("new []")
    };
    assert!(changed(Kind::Sidecar, "80", "{}"));
    assert!(changed(Kind::Sidecar, "80", "{portNumber: 80}"));
    assert!(!changed(Kind::Sidecar, "80", "{portNumber: 81}"));
    assert!(!changed(Kind::Sidecar, "a.example.com:80", "{portNumber: 80}"), "a sniffed port has no number for istiod");
    assert!(changed(Kind::Sidecar, "80", "{gateway: ns1/gw1}"), "sidecars have no gateways to be told by");
    let https = "https.443.app1.gw1.ns1";
    assert!(changed(Kind::Gateway, https, "{portNumber: 443, portName: app1, gateway: ns1/gw1}"));
    assert!(!changed(Kind::Gateway, https, "{gateway: ns1/gw2}"));
    assert!(!changed(Kind::Gateway, https, "{portName: app2}"));
    assert!(changed(Kind::Gateway, "http.80", "{portNumber: 80, name: http.80}"));
    assert!(!changed(Kind::Gateway, "http.80", "{name: http.81}"));
}

#[test]
fn virtual_hosts_are_found_by_name_and_domain() {
    let removed =
        |vhost: &str| hosts(Kind::Sidecar, "80", &on("VIRTUAL_HOST", "REMOVE", &format!("{{vhost: {vhost}}}"), ""));
    assert_eq!(removed("{name: 'b:80'}"), "a:80 [first second third]");
    assert_eq!(removed("{domainName: a.default}"), "b:80 []");
    assert_eq!(removed("{name: 'b:80', domainName: a}"), "a:80 [first second third] b:80 []");
    assert_eq!(removed("{}"), "");
    let replaced = on("VIRTUAL_HOST", "REPLACE", "{vhost: {name: 'a:80'}}", "{name: new, domains: [x]}");
    assert_eq!(hosts(Kind::Sidecar, "80", &replaced), "new [] b:80 []");
}

#[test]
fn lists_are_appended_to_or_replaced() {
    let domains = |operation: &str| {
        let mut resources = routes("80");
        apply(
            Kind::Sidecar,
            &on("VIRTUAL_HOST", operation, "{vhost: {name: 'a:80'}}", "{domains: [x]}"),
            &mut resources,
        );
        message::texts(&message::messages(&resources.routes[0], "virtual_hosts")[0], "domains")
    };
    assert_eq!(domains("MERGE"), ["a", "a.default", "x"]);
    assert_eq!(domains("MERGE_AND_REPLACE_LIST"), ["x"]);
}

#[test]
fn routes_are_arranged() {
    let with = |operation: &str, route: &str| {
        let value = if operation == "REMOVE" { "" } else { "{name: new, match: {prefix: /}}" };
        let found = hosts(
            Kind::Sidecar,
            "80",
            &on("HTTP_ROUTE", operation, &format!("{{vhost: {{name: 'a:80'{route}}}}}"), value),
        );
        found.split(['[', ']']).nth(1).unwrap().to_owned()
    };
    let second = ", route: {name: second}";
    let nowhere = ", route: {name: nowhere}";
    let cases = [
        ("ADD", "", "first second third new"),
        ("INSERT_AFTER", "", "first second third new"),
        ("INSERT_AFTER", second, "first second new third"),
        ("INSERT_BEFORE", "", "new first second third"),
        ("INSERT_BEFORE", second, "first new second third"),
        ("INSERT_BEFORE", nowhere, "first second third"),
        ("INSERT_FIRST", "", "new first second third"),
        ("INSERT_FIRST", second, "new first second third"),
        ("INSERT_FIRST", nowhere, "first second third"),
        ("REPLACE", second, "first second third"),
        ("REMOVE", second, "first third"),
        ("REMOVE", ", route: {action: ROUTE}", "second third"),
        ("REMOVE", ", route: {action: REDIRECT}", "first third"),
        ("REMOVE", ", route: {action: DIRECT_RESPONSE}", "first second"),
        ("REMOVE", ", route: {action: ANY}", ""),
        ("REMOVE", "", ""),
    ];
    for (operation, route, expected) in cases {
        assert_eq!(with(operation, route), expected, "{operation} {route}");
    }
}

#[test]
fn operations_without_code_do_nothing() {
    for (apply_to, operation) in
        [("ROUTE_CONFIGURATION", "ADD"), ("ROUTE_CONFIGURATION", "REMOVE"), ("HTTP_ROUTE", "REPLACE")]
    {
        let value = if operation == "REMOVE" { "" } else { "{name: new}" };
        let mut resources = routes("80");
        let effects = apply(Kind::Sidecar, &on(apply_to, operation, "{}", value), &mut resources);
        assert!(effects.is_empty(), "{apply_to} {operation}: {effects:?}");
    }
}
