//! Taking out of the configuration what shall be discovered from files.

use std::path::Path;

use serde_json::{Value, json};

use super::lines;

/// The file with the HTTP filter.
pub(crate) const FILTER: &str = "ecds.json";
/// The file with the listeners.
pub(crate) const LISTENERS: &str = "lds.json";

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// `text` with the HTTP filter by ECDS, and that filter.
pub(super) fn filter(text: &str, directory: &Path) -> (String, Value) {
    let entry = lines::only(text, "`- name: graylane`", |line| line == "- name: graylane");
    let range = lines::block(text, entry);
    let mut entries: Value = parsed(&lines::cut(text, range.clone()));
    let source = config_source(directory, FILTER);
    let discovered = json!([{
        "name": "graylane",
        "config_discovery": {"config_source": source, "type_urls": [WASM]},
    }]);
    let indentation = lines::indentation(text.lines().nth(entry).unwrap_or_default());
    let line = format!("{}- {}", " ".repeat(indentation), discovered[0]);
    (lines::splice(text, range, &[line]), entries[0]["typed_config"].take())
}

/// `text` with the listeners by LDS, and those.
pub(super) fn listeners(text: &str, directory: &Path) -> (String, Value) {
    let entry = lines::only(text, "`listeners:`", |line| line == "listeners:");
    let range = lines::block(text, entry);
    let mut section: Value = parsed(&lines::cut(text, range.clone()));
    let source = config_source(directory, LISTENERS);
    let dynamic = format!("dynamic_resources: {}", json!({"lds_config": source}));
    let statics = lines::only(text, "`static_resources:`", |line| line == "static_resources:");
    let text = lines::splice(text, range, &[]);
    (lines::splice(&text, statics..statics, &[dynamic]), section["listeners"].take())
}

fn config_source(directory: &Path, file: &str) -> Value {
    json!({"resource_api_version": "V3", "path_config_source": {"path": directory.join(file)}})
}

fn parsed(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|why| panic!("found a part of envoy.yaml that is no YAML: {why}"))
}
