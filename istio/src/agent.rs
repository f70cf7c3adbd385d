//! What Istio's agent does to the extensions on their way to Envoy (`pkg/wasm/convert.go`): remote code becomes a local file.

use prost_reflect::{DynamicMessage, Value};
use serde_json::json;

use crate::{
    api::{self, TYPE_PREFIX},
    message,
    plugin::{RBAC, WASM},
};

/// What the agent is asked to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `oci://…`, `https://…`.
    pub uri: String,
    /// The digest that it must have; empty: any.
    pub sha256: String,
}

/// What became of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Converted {
    /// It names no remote code at its top level, and passes as it is; with it the variables that istiod put into it.
    Untouched,
    /// Its code is a local file now.
    ToFile,
    /// It could not be fetched: a filter that lets every request pass stands in its place (`FAIL_OPEN`).
    ToAllow,
    /// It could not be fetched: a filter that answers every request with 403 stands in its place.
    ToDeny,
}

/// Converts an extension (`TypedExtensionConfig`): `fetch` brings remote code and tells where it lies, or why it does not.
pub fn convert(extension: &mut DynamicMessage, fetch: impl FnOnce(&Wanted) -> Result<String, String>) -> Converted {
    let Some(mut wasm) = wasm(extension) else { return Converted::Untouched };
    let code = message::at(&wasm, &["config", "vm_config", "code", "remote"]);
    let Some(remote) = code else { return Converted::Untouched };
    let uri = message::inner(&remote, "http_uri").map(|uri| message::text(&uri, "uri")).unwrap_or_default();
    let sha256 = message::text(&remote, "sha256");
    let policy = message::inner(&wasm, "config").and_then(|config| {
        let policy = config.get_field_by_name("failure_policy")?.as_enum_number()?;
        let open = config.get_field_by_name("fail_open").and_then(|open| open.as_bool()).unwrap_or(false);
        Some(if policy == 0 { open } else { policy == FAIL_OPEN })
    });
    match fetch(&Wanted { uri, sha256: if sha256 == "nil" { String::new() } else { sha256 } }) {
        Ok(path) => {
            to_file(&mut wasm, &path);
            message::set_packed(extension, "typed_config", &wasm);
            Converted::ToFile
        }
        Err(_) => {
            let open = policy.unwrap_or(false);
            let rules = if open {
                json!({"rules_stat_prefix": "wasm-default-allow"})
            } else {
                json!({"rules": {}, "rules_stat_prefix": "wasm-default-deny"})
            };
            let rbac = api::message(RBAC).and_then(|rbac| DynamicMessage::deserialize(rbac, rules).ok());
            rbac.iter().for_each(|rbac| message::set_packed(extension, "typed_config", rbac));
            if open { Converted::ToAllow } else { Converted::ToDeny }
        }
    }
}

/// `FailurePolicy.FAIL_OPEN`.
const FAIL_OPEN: i32 = 3;

/// The Wasm filter in an extension, also one that is written as a TypedStruct.
fn wasm(extension: &DynamicMessage) -> Option<DynamicMessage> {
    let inner = message::unpacked(extension, "typed_config")?;
    let name = prost_reflect::ReflectMessage::descriptor(&inner).full_name().to_owned();
    match name.as_str() {
        WASM => Some(inner),
        "udpa.type.v1.TypedStruct" if message::text(&inner, "type_url") == format!("{TYPE_PREFIX}{WASM}") => {
            let value = serde_json::to_value(message::inner(&inner, "value")?).ok()?;
            DynamicMessage::deserialize(api::message(WASM)?, value).ok()
        }
        _ => None,
    }
}

fn to_file(wasm: &mut DynamicMessage, path: &str) {
    let Some(mut config) = message::inner(wasm, "config") else { return };
    let Some(mut vm) = message::inner(&config, "vm_config") else { return };
    let local = json!({"local": {"filename": path}});
    let source = api::message("envoy.config.core.v3.AsyncDataSource");
    if let Some(source) = source.and_then(|source| DynamicMessage::deserialize(source, local).ok()) {
        message::set(&mut vm, "code", Value::Message(source));
    }
    if let Some(mut variables) = message::inner(&vm, "environment_variables") {
        if let Some(values) = variables.get_field_by_name_mut("key_values").and_then(|values| values.as_map_mut()) {
            values.retain(|key, _| !key.as_str().is_some_and(|key| key.starts_with("ISTIO_META_")));
        }
        let left = |field: &str| variables.has_field_by_name(field);
        if left("key_values") || left("host_env_keys") {
            message::set(&mut vm, "environment_variables", Value::Message(variables));
        } else {
            vm.clear_field_by_name("environment_variables");
        }
    }
    message::set(&mut config, "vm_config", Value::Message(vm));
    message::set(wasm, "config", Value::Message(config));
}
