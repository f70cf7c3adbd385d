//! The listeners, as Envoy reads them.

use serde_json::{Value, json};

use super::Plugin;
use crate::rendering::kept_port;

/// The name of the listener that is shipped.
const FRONT: &str = "front";

/// A list of listeners. Changes of it are not seen by anyone before they are pushed.
#[derive(Clone, Debug)]
pub struct Listeners(pub(super) Vec<Value>);

impl Listeners {
    /// Adds a copy of the shipped listener, called `name`, on a port of its own; its filter, whose plugin is called
    /// `graylane_<name>`, shares the VMs of the first.
    pub fn add_copy(&mut self, name: &str) {
        let mut copy = self.named(FRONT).clone();
        copy["name"] = json!(name);
        copy["address"]["socket_address"]["port_value"] = json!(kept_port());
        manager(&mut copy)["stat_prefix"] = json!(name);
        self.0.push(copy);
        if filter(self.named(name)).contains_key("typed_config") {
            self.plugin(name).rename(&format!("graylane_{name}"));
        }
    }

    /// Removes the listener `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|listener| listener["name"] != name);
    }

    /// The plugin of the listener `name`.
    ///
    /// # Panics
    /// Where it comes by ECDS.
    pub fn plugin(&mut self, name: &str) -> Plugin<'_> {
        Plugin::of(filter(self.named(name)).get_mut("typed_config").expect("a filter that is in its listener"))
    }

    /// The listener `name`.
    ///
    /// # Panics
    /// Where there is none.
    pub fn named(&mut self, name: &str) -> &mut Value {
        self.0
            .iter_mut()
            .find(|listener| listener["name"] == name)
            .unwrap_or_else(|| panic!("found no listener {name}"))
    }
}

fn manager(listener: &mut Value) -> &mut Value {
    &mut listener["filter_chains"][0]["filters"][0]["typed_config"]
}

fn filter(listener: &mut Value) -> &mut serde_json::Map<String, Value> {
    let filters = manager(listener)["http_filters"].as_array_mut().expect("a list of filters");
    let filter = filters.iter_mut().find(|filter| filter["name"] == "graylane");
    filter.and_then(Value::as_object_mut).expect("the filter graylane")
}
