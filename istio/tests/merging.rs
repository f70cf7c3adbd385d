//! istiod's merge (after `pkg/proto/merge`).
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops loudly"
)]

mod common;

use common::{json, messages};
use graylane_istio::merge::{Lists, merge, merge_any};
use serde_json::{Value, json};

const CLUSTER: &str = "envoy.config.cluster.v3.Cluster";
const MANAGER: &str = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

fn merged(name: &str, there: &str, value: &str, lists: Lists) -> Value {
    let mut there = messages(name, &format!("[{there}]")).remove(0);
    merge(&mut there, &messages(name, &format!("[{value}]"))[0], lists).unwrap();
    json(&there)
}

fn appended(name: &str, there: &str, value: &str) -> Value {
    merged(name, there, value, Lists::Append)
}

#[test]
fn what_the_value_has_wins_and_zeros_are_nothing() {
    let there = "{name: a, lb_policy: RANDOM, respect_dns_ttl: true}";
    assert_eq!(appended(CLUSTER, there, "{name: b}")["name"], "b");
    let zeros = appended(CLUSTER, there, "{name: '', lb_policy: ROUND_ROBIN, respect_dns_ttl: false}");
    assert_eq!(zeros, json!({"name": "a", "lb_policy": "RANDOM", "respect_dns_ttl": true}));
}

#[test]
fn a_duration_is_replaced_whole_and_a_wrapper_is_a_message() {
    assert_eq!(appended(CLUSTER, "{connect_timeout: 1.5s}", "{connect_timeout: 2s}")["connect_timeout"], "2s");
    assert_eq!(appended(CLUSTER, "{connect_timeout: 1.5s}", "{connect_timeout: 0s}")["connect_timeout"], "0s");
    let limits = "{per_connection_buffer_limit_bytes: 10}";
    assert_eq!(
        appended(CLUSTER, limits, "{per_connection_buffer_limit_bytes: 20}")["per_connection_buffer_limit_bytes"],
        20
    );
    assert_eq!(
        appended(CLUSTER, limits, "{per_connection_buffer_limit_bytes: 0}")["per_connection_buffer_limit_bytes"],
        10
    );
    let manager = appended(MANAGER, "{use_remote_address: true}", "{use_remote_address: false}");
    assert_eq!(manager["use_remote_address"], true);
}

#[test]
fn lists_are_appended_at_any_depth_or_replaced_at_any_depth() {
    let there = "{circuit_breakers: {thresholds: [{max_requests: 1}]}, name: a}";
    let value = "{circuit_breakers: {thresholds: [{max_requests: 2}]}}";
    let found =
        |lists| merged(CLUSTER, there, value, lists)["circuit_breakers"]["thresholds"].as_array().unwrap().len();
    assert_eq!((found(Lists::Append), found(Lists::Replace)), (2, 1));
    let untouched = merged(CLUSTER, there, "{circuit_breakers: {thresholds: []}}", Lists::Replace);
    assert_eq!(untouched["circuit_breakers"]["thresholds"].as_array().unwrap().len(), 1, "an empty list is nothing");
}

#[test]
fn an_entry_of_a_map_is_replaced_whole() {
    let there = "{metadata: {filter_metadata: {a: {x: 1, y: 2}, b: {z: 3}}}}";
    let found = appended(CLUSTER, there, "{metadata: {filter_metadata: {a: {x: 9}}}}");
    assert_eq!(found["metadata"]["filter_metadata"], json!({"a": {"x": 9.0}, "b": {"z": 3.0}}));
}

#[test]
fn of_a_oneof_the_values_member_wins() {
    let there = "{route_config: {name: inline}}";
    let found = appended(MANAGER, there, "{rds: {route_config_name: '80'}}");
    assert_eq!((found.get("route_config"), &found["rds"]["route_config_name"]), (None, &json!("80")));
}

#[test]
fn an_any_within_is_overwritten_but_the_filters_own_is_merged() {
    let buffer = |bytes: &str| {
        format!(
            "{{name: b, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer{bytes}}}}}"
        )
    };
    let filter = "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter";
    let found = appended(filter, &buffer(", max_request_bytes: 5"), &buffer(""));
    // An Any of no bytes is as if it had none: the type is set, and the bytes stay.
    assert_eq!(found["typed_config"]["max_request_bytes"], 5);
    let any = |bytes| messages(filter, &format!("[{}]", buffer(bytes))).remove(0);
    let typed = |message: &graylane_istio::Message| graylane_istio::message::inner(message, "typed_config").unwrap();
    let merged = merge_any(&typed(&any(", max_request_bytes: 5")), &typed(&any(""))).unwrap().unwrap();
    assert_eq!(json(&merged)["max_request_bytes"], 5);
}

#[test]
fn other_types_cannot_be_merged() {
    let mut there = messages(CLUSTER, "[{}]").remove(0);
    let why = merge(&mut there, &messages(MANAGER, "[{}]")[0], Lists::Append).unwrap_err();
    assert_eq!((why.there.as_str(), why.value.as_str()), (CLUSTER, MANAGER));
}
