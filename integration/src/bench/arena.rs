//! One Envoy with one filter and three direct responses, chosen by the variant header.

use std::{fs, net::SocketAddr};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::filters::Filter;
use crate::envoy::{Envoy, Settings};

/// A filter and the Envoy it is measured in, which ends with this value.
#[derive(Debug)]
pub struct Arena {
    /// What is measured.
    pub filter: Filter,
    envoy: Envoy,
    _scratch: TempDir,
}

impl Arena {
    /// Starts an Envoy with `filter` and one worker; gives it once it is ready.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(filter: Filter) -> Self {
        let scratch = TempDir::new().expect("a temporary directory");
        let file = scratch.path().join("envoy.json");
        fs::write(&file, bootstrap(filter.http_filter()).to_string()).expect("the temporary directory can be written");
        let envoy = Envoy::start(&file, scratch.path(), &Settings { workers: 1, into_files: false });
        Self { filter, envoy, _scratch: scratch }
    }

    /// Where to send requests.
    pub fn address(&self) -> SocketAddr {
        self.envoy.address()
    }

    /// The process to ask for its CPU time.
    pub fn pid(&self) -> u32 {
        self.envoy.id()
    }
}

fn bootstrap(filter: Option<Value>) -> Value {
    let loopback = json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}});
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "http_filters": filter.into_iter().chain([router]).collect::<Vec<_>>(),
        "route_config": {"virtual_hosts": [{"name": "bench", "domains": ["*"], "routes": routes()}]},
    });
    json!({
        "admin": {"address": loopback},
        "static_resources": {"listeners": [{
            "name": "bench",
            "address": loopback,
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
        }]},
        "stats_config": {"stats_tags": [
            {"tag_name": "rule", "regex": r"(rule=\.=(.*?);\.;)"},
            {"tag_name": "variant", "regex": r"(variant=\.=(.*?);\.;)"},
        ]},
    })
}

/// A route for each variant and one without a decision: an answer tells which route was taken.
fn routes() -> Vec<Value> {
    let answer = |body: &str| json!({"status": 200, "body": {"inline_string": body}});
    let of_variant = |name: &str| {
        let header = json!({"name": "x-gray-variant", "string_match": {"exact": name}});
        json!({"match": {"prefix": "/", "headers": [header]}, "direct_response": answer(name)})
    };
    let rest = json!({"match": {"prefix": "/"}, "direct_response": answer("undecided")});
    vec![of_variant("canary"), of_variant("stable"), rest]
}
