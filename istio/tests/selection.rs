//! Whom a filter is for, in which order patches come, and extensions (after `push_context_test.go`, `envoyfilter_test.go` and
//! `extension_configuration_patch_test.go`).
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;

use common::{apply, filter_of, messages, names, proxy};
use graylane_istio::{Proxy, Resources, proxy::Kind, select::select};

/// A filter that adds a cluster of its own name.
fn named(name: &str, namespace: &str, more: &str, spec: &str) -> graylane_istio::EnvoyFilter {
    filter_of(&format!(
        "metadata: {{name: {name}, namespace: {namespace}{more}}}
spec:
  configPatches: [{{applyTo: CLUSTER, patch: {{operation: ADD, value: {{name: {namespace}/{name}}}}}}}]
{spec}"
    ))
}

fn order(filters: &[graylane_istio::EnvoyFilter], proxy: &Proxy) -> String {
    let names: Vec<_> = select(filters, proxy).iter().map(|one| filters[one.filter].name.clone()).collect();
    names.join(" ")
}

#[test]
fn by_priority_then_the_root_namespace_then_age_then_name() {
    let created = |time: &str| format!(", creationTimestamp: '2026-01-{time}T00:00:00Z'");
    let filters = [
        named("last", "default", &created("01"), "  priority: 7"),
        named("young", "default", &created("03"), ""),
        named("old", "default", &created("02"), ""),
        named("root", "istio-system", &created("09"), ""),
        named("b", "default", &created("04"), ""),
        named("a", "default", &created("04"), ""),
        named("first", "default", &created("10"), "  priority: -5"),
        named("elsewhere", "other", &created("01"), ""),
    ];
    assert_eq!(order(&filters, &proxy(Kind::Sidecar)), "first root old young a b last");
}

#[test]
fn selectors_and_targets() {
    let filters = [
        named("mine", "default", "", "  workloadSelector: {labels: {app: frontend}}"),
        named("theirs", "default", "", "  workloadSelector: {labels: {app: frontend, tier: gold}}"),
        named("everywhere", "istio-system", "", "  workloadSelector: {labels: {app: frontend}}"),
        named("of-the-core", "default", "", "  targetRefs: [{kind: Gateway, name: gw}]"),
        named("far", "istio-system", "", "  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]"),
        named("gateway", "default", "", "  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]"),
    ];
    assert_eq!(order(&filters, &proxy(Kind::Sidecar)), "everywhere mine", "sidecars have no targetRefs");
    let mut gateway = proxy(Kind::Gateway);
    gateway.labels.insert("gateway.networking.k8s.io/gateway-name".to_owned(), "gw".to_owned());
    assert_eq!(order(&filters, &gateway), "everywhere gateway mine");
    assert_eq!(order(&filters, &proxy(Kind::Waypoint)), "", "a waypoint has targetRefs alone");
}

#[test]
fn versions_are_looked_for_anywhere_and_metadata_is_equal() {
    let matches = |proxy_match: &str, version: Option<&str>| {
        let text = format!(
            "metadata: {{name: f, namespace: default}}\nspec:\n  configPatches: \
             [{{applyTo: CLUSTER, match: {{proxy: {proxy_match}}}, patch: {{operation: ADD, value: {{name: x}}}}}}]"
        );
        let mut proxy = proxy(Kind::Sidecar);
        proxy.version = version.map(str::to_owned);
        proxy.metadata.insert("foo".to_owned(), "sidecar".to_owned());
        !select(&[filter_of(&text)], &proxy).is_empty()
    };
    assert!(matches("{proxyVersion: '^1\\.3[01]\\.'}", Some("1.31.0")));
    assert!(!matches("{proxyVersion: '^1\\.3[01]\\.'}", Some("1.32.0")));
    assert!(matches("{proxyVersion: '1\\.1'}", Some("2.1.1")), "unanchored");
    assert!(!matches("{proxyVersion: '.*'}", None), "a proxy that tells no version");
    assert!(!matches(&format!("{{proxyVersion: '{}'}}", ".*|".repeat(400)), Some("1.31.0")), "too long to be compiled");
    assert!(matches("{metadata: {foo: sidecar}}", None));
    assert!(!matches("{metadata: {foo: sidecar, bar: x}}", None));
}

#[test]
fn extensions_are_sent_to_who_asks_for_their_name_whatever_the_context() {
    let listener = "- name: l
  traffic_direction: OUTBOUND
  filter_chains:
    - filters:
        - name: envoy.filters.network.http_connection_manager
          typed_config:
            \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            http_filters: [{name: wanted, config_discovery: {config_source: {ads: {}}}}]
";
    let add = |name: &str, context: &str| {
        format!(
            "- applyTo: EXTENSION_CONFIG\n  match: {{context: {context}}}\n  patch: {{operation: ADD, value: {{name: {name}}}}}\n"
        )
    };
    let mut resources =
        Resources { listeners: messages("envoy.config.listener.v3.Listener", listener), ..Resources::default() };
    let patches = add("wanted", "GATEWAY") + &add("unwanted", "ANY") + &add("wanted", "ANY");
    apply(Kind::Sidecar, &patches, &mut resources);
    assert_eq!(names(&resources.extensions), ["wanted", "wanted"]);
}
