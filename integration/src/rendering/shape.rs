//! What shall differ from the shipped configuration.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::{Ports, discovery, lines};
use crate::artefacts;

const WASM: &str = "code: { local: { filename: dist/graylane.wasm } }";
const VM_ID: &str = "vm_id: graylane";
/// The route adds these to requests and responses: by which revision a request was decided, and how.
const TOLD: [&str; 3] = ["revision", "variant", "reason"];

/// What shall differ from the shipped configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// Lines that are left out, without their indentation.
    pub(crate) without: Vec<String>,
    /// Labels of Envoy's node.
    pub(crate) labels: BTreeMap<String, String>,
    /// The filter's whole configuration, instead of the shipped one.
    pub(crate) filter: Option<String>,
    /// The fetcher's whole configuration, instead of the shipped one.
    pub(crate) fetcher: Option<String>,
    /// The fetcher's keys, by id.
    pub(crate) keys: Vec<(String, String)>,
    /// The build that filters, if not the shipped one.
    pub(crate) filter_build: Option<String>,
    /// The build that fetches, if not the shipped one.
    pub(crate) fetcher_build: Option<String>,
    /// No VM has a vm_id.
    pub(crate) empty_vm_id: bool,
    /// There is no bootstrap extension.
    pub(crate) without_fetcher: bool,
    /// The filter may fetch for itself, also with a configuration of its own.
    pub(crate) filter_fetches: bool,
    /// The filter is not told how to fetch.
    pub(crate) filter_never_fetches: bool,
    /// Ports of control planes besides the first.
    pub(crate) more_controls: Vec<u16>,
    /// Lines besides those of the access log's format.
    pub(crate) logged: Vec<String>,
    /// Variables of Envoy's environment that the filter is handed.
    pub(crate) environment: Vec<String>,
    /// Requests and responses tell by which revision they were decided.
    pub(crate) tells_revision: bool,
    /// The HTTP filter comes by ECDS.
    pub(crate) by_ecds: bool,
    /// The listeners come by LDS.
    pub(crate) by_lds: bool,
}

/// A configuration, and what is discovered besides it.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    /// What Envoy starts with.
    pub(crate) bootstrap: String,
    /// The name and the configuration of the HTTP filter, if it comes by ECDS.
    pub(crate) filter: Option<(String, Value)>,
    /// The listeners, if they come by LDS.
    pub(crate) listeners: Option<Value>,
    /// What Envoy merges into it (`--config-yaml`).
    pub(crate) overriding: Option<String>,
}

impl Shape {
    /// `shipped` in this shape; what is discovered will lie in `directory`.
    ///
    /// # Panics
    /// Where what shall differ is not found exactly as often as expected.
    pub(crate) fn render(&self, shipped: &str, ports: Ports, directory: &Path) -> Rendered {
        let mut text = self.without.iter().fold(ports.render(shipped), |text, line| lines::without(&text, line));
        text = self.with_labels(&text);
        text = self.with_builds(&text);
        text = self.with_clusters(&text);
        text = self.with_configurations(&text);
        if self.empty_vm_id {
            text = without_vm_ids(&text);
        }
        if !self.environment.is_empty() {
            text = with_environment(&text, &self.environment);
        }
        if !self.logged.is_empty() {
            text = with_logged(&text, &self.logged);
        }
        if self.tells_revision {
            text = tell(&text);
        }
        if self.without_fetcher {
            let extensions = lines::only(&text, "`bootstrap_extensions:`", |line| line == "bootstrap_extensions:");
            text = lines::splice(&text, lines::block(&text, extensions), &[]);
        }
        self.with_discovery(text, directory)
    }

    fn with_labels(&self, text: &str) -> String {
        if self.labels.is_empty() {
            return text.to_owned();
        }
        let node = lines::only(text, "`node:`", |line| line == "node:") + 1;
        let metadata = json!({"LABELS": self.labels});
        lines::splice(text, node..node, &[format!("  metadata: {metadata}")])
    }

    fn with_builds(&self, text: &str) -> String {
        // The filter's first: after it the fetcher's is still the first of those that are left.
        let mut text = text.to_owned();
        if let Some(build) = &self.filter_build {
            text = with_build(&text, 1, 2, build);
        }
        match &self.fetcher_build {
            Some(build) => with_build(&text, 0, if self.filter_build.is_some() { 1 } else { 2 }, build),
            None => text,
        }
    }

    fn with_clusters(&self, text: &str) -> String {
        let name = "- name: graylane_control";
        self.more_controls.iter().enumerate().fold(text.to_owned(), |text, (number, port)| {
            let first = lines::block(&text, lines::only(&text, &format!("`{name}`"), |line| line == name));
            let more: Vec<_> =
                lines::cut(&text, first.clone()).lines().map(|line| renamed(line, number + 2, *port)).collect();
            lines::splice(&text, first.end..first.end, &more)
        })
    }

    fn with_configurations(&self, text: &str) -> String {
        let place = lines::only(text, "of the fetcher's configuration", |line| line.starts_with("{\"namespace\":"));
        let shipped = trimmed(text, place);
        let mut fetcher = self.fetcher.clone().unwrap_or_else(|| shipped.clone());
        if !self.keys.is_empty() || !self.more_controls.is_empty() {
            fetcher = self.fetcher_with_keys_and_controls(&fetcher);
        }
        let text = replace_line(text, place, &fetcher);
        let place = lines::only(&text, "of the filter's configuration", |line| line.starts_with("{\"ownedHeaders\":"));
        let filter = self.filter.clone().unwrap_or_else(|| trimmed(&text, place));
        replace_line(&text, place, &self.filter_with_fetcher(filter, &fetcher, fetcher != shipped))
    }

    /// `filter` with the same `fetcher`, where it has one or must have one, and without any where it must not.
    fn filter_with_fetcher(&self, filter: String, fetcher: &str, changed: bool) -> String {
        // Another configuration may be wrong on purpose.
        let Ok(mut json) = serde_json::from_str::<Value>(&filter) else { return filter };
        let has = !json["fetcher"].is_null();
        if self.filter_never_fetches && has {
            json.as_object_mut().expect("a configuration is an object").remove("fetcher");
        } else if (has && changed) || (!has && (self.filter_fetches || self.without_fetcher)) {
            json["fetcher"] = read(fetcher);
        } else {
            return filter;
        }
        json.to_string()
    }

    fn fetcher_with_keys_and_controls(&self, fetcher: &str) -> String {
        let mut json = read(fetcher);
        for (id, key) in &self.keys {
            json["keys"][id] = json!(key);
        }
        if !self.more_controls.is_empty() {
            let named = |number: usize| json!({"cluster": cluster(number), "authority": "graylane-control"});
            json["control"] = (1..=self.more_controls.len() + 1).map(named).collect();
        }
        json.to_string()
    }

    fn with_discovery(&self, text: String, directory: &Path) -> Rendered {
        let mut rendered = Rendered { bootstrap: text, filter: None, listeners: None, overriding: None };
        if self.by_ecds {
            let (text, filter) = discovery::filter(&rendered.bootstrap, directory);
            (rendered.bootstrap, rendered.filter) = (text, Some(("graylane".to_owned(), filter)));
        }
        if self.by_lds {
            let (text, listeners) = discovery::listeners(&rendered.bootstrap, directory);
            (rendered.bootstrap, rendered.listeners) = (text, Some(listeners));
        }
        rendered
    }
}

/// The name of the cluster of control plane `number`, from 1.
fn cluster(number: usize) -> String {
    if number == 1 { "graylane_control".to_owned() } else { format!("graylane_control_{number}") }
}

fn renamed(line: &str, number: usize, port: u16) -> String {
    let line = line.replace("graylane_control", &cluster(number));
    match line.split_once("port_value:") {
        Some((before, _)) => format!("{before}port_value: {port} }}"),
        None => line,
    }
}

/// `text` with `build` where the `place`th of `count` shipped modules is named.
fn with_build(text: &str, place: usize, count: usize, build: &str) -> String {
    let number = lines::nth_of(text, &format!("`{WASM}`"), place, count, |line| line == WASM);
    let file = artefacts::wasm(build);
    replace_line(text, number, &WASM.replace("dist/graylane.wasm", &file.to_string_lossy()))
}

fn trimmed(text: &str, number: usize) -> String {
    text.lines().nth(number).unwrap_or_default().trim().to_owned()
}

fn replace_line(text: &str, number: usize, line: &str) -> String {
    let before = text.lines().nth(number).unwrap_or_default();
    let indented = format!("{}{line}", " ".repeat(lines::indentation(before)));
    lines::splice(text, number..number + 1, &[indented])
}

fn without_vm_ids(text: &str) -> String {
    let second = lines::nth_of(text, &format!("`{VM_ID}`"), 1, 2, |line| line == VM_ID);
    lines::without(&lines::splice(text, second..second + 1, &[]), VM_ID)
}

fn tell(text: &str) -> String {
    let place = lines::only(text, "`virtual_hosts:`", |line| line == "virtual_hosts:");
    let indentation = " ".repeat(lines::indentation(text.lines().nth(place).unwrap_or_default()));
    let header = |name: &str| {
        let value = format!("%FILTER_STATE(wasm.graylane_{name}:PLAIN)%");
        let header = json!({"key": format!("x-graylane-{name}"), "value": value});
        // A client's own header of this name must not be taken for Envoy's word.
        json!({"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
    };
    let told: Value = TOLD.iter().map(|name| header(name)).collect();
    let text = lines::splice(text, place..place, &[format!("{indentation}request_headers_to_add: {told}")]);
    // Responses have headers added as shipped, too.
    let shipped = lines::only(&text, "`response_headers_to_add:`", |line| line == "response_headers_to_add:") + 1;
    let told: Vec<_> = TOLD.iter().map(|name| format!("{indentation}  - {}", header(name))).collect();
    lines::splice(&text, shipped..shipped, &told)
}

/// `text` whose filter is handed variables of Envoy's environment.
fn with_environment(text: &str, names: &[String]) -> String {
    // The fetcher's is the first.
    let place = lines::nth_of(text, &format!("`{VM_ID}`"), 1, 2, |line| line == VM_ID);
    let indentation = " ".repeat(lines::indentation(text.lines().nth(place).unwrap_or_default()));
    let line = format!("{indentation}environment_variables: {{ host_env_keys: [{}] }}", names.join(", "));
    lines::splice(text, place..place, &[line])
}

/// `text` whose access log has `lines` besides.
fn with_logged(text: &str, lines: &[String]) -> String {
    let format = lines::only(text, "`json_format:`", |line| line == "json_format:");
    let indentation = " ".repeat(lines::indentation(text.lines().nth(format + 1).unwrap_or_default()));
    let more: Vec<_> = lines.iter().map(|line| format!("{indentation}{line}")).collect();
    lines::splice(text, format + 1..format + 1, &more)
}

fn read(configuration: &str) -> Value {
    serde_json::from_str(configuration).unwrap_or_else(|why| panic!("found a configuration that is no JSON: {why}"))
}

#[cfg(test)]
mod tests;
