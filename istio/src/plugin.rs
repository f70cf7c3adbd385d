//! WasmPlugin and TrafficExtension, and what istiod makes of them: an HTTP filter that waits for its configuration, and that
//! configuration (`pilot/pkg/model/extensions.go`, `core/extension`).

mod place;
mod read;

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, Value};
use serde_json::json;

use crate::{
    api::{self, TYPE_PREFIX},
    message,
};

pub use place::insert;

/// The types that istiod lets a Wasm filter be: itself, and what the agent puts in its place while it cannot pull it.
pub const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
/// See [`WASM`].
pub const RBAC: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";

/// Which of the two kinds it is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All versions.
    WasmPlugin,
    /// From Istio 1.30 on.
    TrafficExtension,
}

/// Where among istiod's own filters it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum Phase {
    Authn,
    Authz,
    Stats,
    Unspecified,
}

/// Whose requests: those of the workload, those to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum Mode {
    Client,
    Server,
    ClientAndServer,
}

/// One of `match`: a mode and ports, of which one must fit; none: all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficSelector {
    /// Whose requests.
    pub mode: Mode,
    /// The port of the service for a client, of the pod for a server.
    pub ports: Vec<u32>,
}

/// A plugin, as both kinds have it.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// How it is written.
    pub written: Written,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.creationTimestamp`; empty for what is not in a cluster yet.
    pub created: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// The labels of the pods; empty: all.
    pub selector: BTreeMap<String, String>,
    /// Gateways and services it is for instead, as (kind, name).
    pub targets: Vec<(String, String)>,
    /// Where it stands.
    pub phase: Phase,
    /// Higher ones come first within a phase; without one it comes last.
    pub priority: Option<i32>,
    /// Where it applies; none: everywhere.
    pub matches: Vec<TrafficSelector>,
    /// Where the .wasm is: `oci://…`, `https://…`, `file://…`.
    pub url: String,
    /// The digest of the manifest or file.
    pub sha256: String,
    /// `imagePullPolicy`, where it is said.
    pub pull_policy: Option<String>,
    /// `imagePullSecret`.
    pub pull_secret: Option<String>,
    /// `pluginConfig`; None where it is absent or empty.
    pub config: Option<serde_json::Value>,
    /// `pluginName`.
    pub root_id: String,
    /// `failStrategy` as Envoy's failure policy.
    pub failure_policy: String,
    /// Variables of the VM that have their value here.
    pub environment: BTreeMap<String, String>,
    /// Variables of the VM that Envoy's own environment has.
    pub host_environment: Vec<String>,
}

/// Minor version of an Istio: 30 of `1.30.2`.
pub fn minor(version: &str) -> Option<u32> {
    let mut parts = version.split(['.', '-']);
    parts.next().filter(|&major| major == "1")?;
    parts.next()?.parse().ok()
}

impl Plugin {
    /// The name of its filter and resource in an Istio of this minor version. It changed at 1.26 and 1.30: nothing may be anchored
    /// on it.
    pub fn resource_name(&self, minor: u32) -> String {
        let name = format!("{}.{}", self.namespace, self.name);
        match (self.written, minor) {
            (Written::WasmPlugin, ..=25) => format!("extenstions.istio.io/wasmplugin/{name}"),
            (Written::WasmPlugin, 26..=29) => format!("extensions.istio.io/wasmplugin/{name}"),
            (Written::WasmPlugin, _) => {
                format!("extensions.istio.io/trafficextension/{name}~istio-translated-wasmplugin")
            }
            (Written::TrafficExtension, _) => format!("extensions.istio.io/trafficextension/{name}"),
        }
    }

    /// The filter that stands in listeners, without its configuration.
    pub fn filter(&self, minor: u32) -> Option<DynamicMessage> {
        let config_source = json!({"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"});
        let types = [format!("{TYPE_PREFIX}{WASM}"), format!("{TYPE_PREFIX}{RBAC}")];
        let discovery = json!({"config_source": config_source, "type_urls": types});
        let filter = json!({"name": self.resource_name(minor), "config_discovery": discovery});
        let descriptor = "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter";
        DynamicMessage::deserialize(api::message(descriptor)?, filter).ok()
    }

    /// The configuration that is sent by ECDS. There is no vm_id in it, and no way to have one.
    pub fn extension(&self, minor: u32) -> Option<DynamicMessage> {
        let translated = self.written == Written::WasmPlugin && minor >= 30;
        let suffix = if translated { "~istio-translated-wasmplugin" } else { "" };
        let mut environment: BTreeMap<String, String> = BTreeMap::new();
        environment
            .extend(self.pull_secret.clone().map(|secret| ("ISTIO_META_WASM_IMAGE_PULL_SECRET".to_owned(), secret)));
        environment
            .extend(self.pull_policy.clone().map(|policy| ("ISTIO_META_WASM_IMAGE_PULL_POLICY".to_owned(), policy)));
        environment.insert("ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION".to_owned(), self.resource_version.clone());
        environment.extend(self.environment.clone());
        let mut variables = json!({"key_values": environment});
        if !self.host_environment.is_empty() {
            set(&mut variables, "host_env_keys", json!(self.host_environment));
        }
        let vm = json!({
            "runtime": "envoy.wasm.runtime.v8",
            "code": self.code(),
            "environment_variables": variables,
        });
        let mut config = json!({
            "name": format!("{}.{}{suffix}", self.namespace, self.name),
            "root_id": self.root_id,
            "failure_policy": self.failure_policy,
            "vm_config": vm,
        });
        // Without one istiod sends an Any without a type, which is to Envoy as if there were none: an empty configuration.
        if let Some(value) = &self.config {
            let any = json!({"@type": format!("{TYPE_PREFIX}google.protobuf.StringValue"), "value": written(value)});
            set(&mut config, "configuration", any);
        }
        let wasm = DynamicMessage::deserialize(api::message(WASM)?, json!({"config": config})).ok()?;
        let mut extension = DynamicMessage::new(api::message("envoy.config.core.v3.TypedExtensionConfig")?);
        message::set(&mut extension, "name", Value::String(self.resource_name(minor)));
        message::set_packed(&mut extension, "typed_config", &wasm);
        Some(extension)
    }

    fn code(&self) -> serde_json::Value {
        if let Some(filename) = self.url.strip_prefix("file://") {
            return json!({"local": {"filename": filename}});
        }
        let uri = if self.url.contains("://") { self.url.clone() } else { format!("oci://{}", self.url) };
        let http_uri = json!({"uri": uri, "timeout": "30s", "cluster": "_"});
        json!({"remote": {"http_uri": http_uri, "sha256": self.sha256}})
    }
}

fn set(object: &mut serde_json::Value, key: &str, value: serde_json::Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// A `Struct` as istiod writes it: its numbers are doubles.
fn written(value: &serde_json::Value) -> String {
    fn doubles(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Number(number) => number.as_f64().map_or(serde_json::Value::Null, double),
            serde_json::Value::Array(items) => items.iter().map(doubles).collect(),
            serde_json::Value::Object(fields) => {
                serde_json::Value::Object(fields.iter().map(|(key, value)| (key.clone(), doubles(value))).collect())
            }
            other => other.clone(),
        }
    }
    doubles(value).to_string()
}

fn double(value: f64) -> serde_json::Value {
    /// Up to here every whole number is a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "it is whole and within bounds")]
    if value.fract() == 0.0 && value.abs() <= EXACT { (value as i64).into() } else { value.into() }
}
