//! The filter's plugin configuration, as Envoy reads it.

use serde_json::{Value, json};

use crate::artefacts;

/// What `typed_config.config` of the HTTP filter is. Changes of it are not seen by anyone before they are pushed.
#[derive(Debug)]
pub struct Plugin<'a>(&'a mut Value);

impl<'a> Plugin<'a> {
    /// The plugin of a filter's `typed_config`.
    ///
    /// # Panics
    /// Where that has none.
    pub(crate) fn of(typed_config: &'a mut Value) -> Self {
        Self(typed_config.get_mut("config").expect("a filter with a configuration"))
    }

    /// Sets `key` of Graylane's configuration; null removes it.
    pub fn configure(&mut self, key: &str, value: Value) {
        let mut configuration: Value = serde_json::from_str(&self.configuration()).expect("the configuration is JSON");
        match value {
            Value::Null => drop(configuration.as_object_mut().and_then(|object| object.remove(key))),
            value => configuration[key] = value,
        }
        self.replace_configuration(&configuration.to_string());
    }

    /// Graylane's configuration.
    pub fn configuration(&self) -> String {
        self.0["configuration"]["value"].as_str().expect("the filter has a configuration").trim().to_owned()
    }

    /// Replaces Graylane's configuration by `text`, right or wrong.
    pub fn replace_configuration(&mut self, text: &str) {
        self.0["configuration"]["value"] = json!(text);
    }

    /// Has another build filter: `hooks` or `next`; the shipped one where it is None.
    pub fn wasm(&mut self, build: Option<&str>) {
        let file = build.map_or_else(|| artefacts::path("dist/graylane.wasm"), artefacts::wasm);
        self.0["vm_config"]["code"]["local"]["filename"] = json!(file);
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: &str) {
        self.0["name"] = json!(name);
    }

    /// All of it.
    pub fn value(&mut self) -> &mut Value {
        self.0
    }
}
