//! Proxies, patches and what came of them, in few words.
#![allow(dead_code, reason = "each test takes what it needs")]

use graylane_istio::{
    EnvoyFilter, Message, Proxy, Resources,
    api::{self, Reading},
    message, patch,
    patch::Effect,
    proxy::Kind,
    report::Report,
    select,
    yaml::{self, Node},
};

/// The one document in `text`.
pub fn document(text: &str) -> Node {
    yaml::read(text).unwrap_or_else(|why| panic!("{why:?} in {text}")).remove(0)
}

/// The messages of type `name` in the list `text`.
pub fn messages(name: &str, text: &str) -> Vec<Message> {
    let read = |node: &Node| {
        let reading = Reading::of(node, &api::message(name).unwrap());
        assert!(reading.unknown.is_empty(), "{:?}", reading.unknown);
        reading.message.unwrap_or_else(|| panic!("{:?} in {text}", reading.wrong))
    };
    document(text).items().iter().map(read).collect()
}

/// A proxy of Istio 1.31 in the namespace `default`.
pub fn proxy(kind: Kind) -> Proxy {
    Proxy::new(kind, "default", &[("app", "frontend")], "1.31.0")
}

/// An EnvoyFilter of `default` with these patches, a list in YAML.
pub fn filter(patches: &str) -> EnvoyFilter {
    let indented: Vec<_> = patches.lines().map(|line| format!("    {line}")).collect();
    filter_of(&format!("metadata: {{name: f, namespace: default}}\nspec:\n  configPatches:\n{}", indented.join("\n")))
}

/// The EnvoyFilter that `text` is.
pub fn filter_of(text: &str) -> EnvoyFilter {
    let mut report = Report::default();
    let filter = EnvoyFilter::read(&document(text), &mut report);
    let problems = report.into_problems();
    assert!(problems.is_empty(), "{problems:?}");
    filter.unwrap()
}

/// What `patches` do to `resources` of a proxy of this kind.
pub fn apply(kind: Kind, patches: &str, resources: &mut Resources) -> Vec<Effect> {
    let filters = [filter(patches)];
    let proxy = proxy(kind);
    patch::apply(&select::select(&filters, &proxy), &proxy, resources)
}

/// The names of messages.
pub fn names(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|one| message::text(one, "name")).collect()
}

/// One as JSON with the names of the .proto files.
pub fn json(message: &Message) -> serde_json::Value {
    api::to_json(message)
}
