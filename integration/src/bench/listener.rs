//! The listener of each way: its filter, and the routes that answer.

use serde_json::{Value, json};

use super::{
    contestants::{Contestant, Way},
    lua, routes,
};
use crate::{artefact, race::bootstrap, workload::Workload};

/// The listener of `contestant`, which is called by its label.
///
/// # Panics
/// Where its module is not built.
pub fn listener(contestant: &Contestant) -> Value {
    let name = contestant.label();
    let filters: Vec<_> = filter(contestant).into_iter().chain([bootstrap::router()]).collect();
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "http_filters": filters,
        "route_config": {"virtual_hosts": [virtual_host(contestant)]},
    });
    json!({
        "name": name,
        "address": bootstrap::free_port(),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    })
}

fn virtual_host(contestant: &Contestant) -> Value {
    let workload = || Workload::of(contestant.rules.expect("a size"));
    let mut host = json!({"name": "bench", "domains": ["*"]});
    match contestant.way {
        Way::Routes => host["routes"] = routes::linear(&workload()),
        Way::Tree => host["matcher"] = routes::tree(&workload()),
        _ => host["routes"] = routes::by_variant(),
    }
    host
}

/// Its entry in the list of HTTP filters; none for an Envoy without one.
fn filter(contestant: &Contestant) -> Option<Value> {
    let typed = match contestant.way {
        Way::Nothing | Way::Routes | Way::Tree => return None,
        Way::Delivered => return Some(bootstrap::filter()),
        Way::Wasm(file) => wasm(file, "", None),
        Way::Embedded(file) => wasm(file, "graylane", Some(one_rule())),
        Way::Lua => lua::filter(include_str!("split.lua")),
        Way::LuaTable => lua::filter(&lua::table(&Workload::of(contestant.rules.expect("a size")))),
    };
    Some(json!({"name": "measured", "typed_config": typed}))
}

fn wasm(file: &str, root_id: &str, configuration: Option<Value>) -> Value {
    let code = json!({"local": {"filename": artefact(file)}});
    let mut config = json!({
        "name": "measured",
        "root_id": root_id,
        "vm_config": {"vm_id": "graylane", "runtime": "envoy.wasm.runtime.v8", "code": code},
    });
    if let Some(configuration) = configuration {
        config["configuration"] = json!({
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": configuration.to_string(),
        });
    }
    json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": config})
}

/// The one rule that every way with one answers for, as Graylane's configuration.
fn one_rule() -> Value {
    let rule_set = json!({
        "apiVersion": "graylane.dev/v1",
        "kind": "RuleSet",
        "metadata": {"name": "bench"},
        "spec": {
            "identity": {"from": [{"header": "x-user-id"}]},
            "variants": ["stable", "canary"],
            "default": "stable",
            "splits": {"half": {"weights": {"stable": 50, "canary": 50}}},
            "rules": [{"id": "half", "split": "half"}],
        },
    });
    json!({"ownedHeaders": ["x-gray-variant"], "ruleSets": [rule_set]})
}
