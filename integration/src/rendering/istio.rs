//! A proxy of Istio with Graylane in it, as far as stock Envoy can run one.
//!
//! What istiod sends it is built in (`istio/fixtures`); the files of `envoy/istio` are applied to that by `graylane-istio`, as istiod and its
//! agent do; and the outcome is made to run on stock Envoy (see [`stock`]): nothing of it is a file that people copy.

mod documents;
mod stock;

use std::path::Path;

use graylane_istio::{
    EnvoyFilter, Plugin, agent, api, fixture::built_in, patch, plugin, proxy::Kind, report::Report, routing, select,
};
use serde_json::{Value, json};

use self::documents::Documents;
use super::{Ports, Rendered, Shape};
use crate::artefacts;

/// Which of the ways to install Graylane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `sidecar.yaml` or `gateway.yaml` alone: a VM of the filter is elected to fetch.
    EnvoyFilter,
    /// The same and `bootstrap.yaml`: a fetcher on the main thread.
    EnvoyFilterAndBootstrap,
    /// `wasmplugin.yaml` alone: no VM has a vm_id, and one is elected to fetch.
    WasmPlugin,
    /// The same and `bootstrap.yaml` without its vm_id.
    WasmPluginAndBootstrap,
    /// `trafficextension.yaml` alone.
    TrafficExtension,
    /// Routes, and no filter.
    Nothing,
}

/// Where and how Graylane is installed.
#[derive(Clone, Copy, Debug)]
pub struct Installation {
    /// In a sidecar or in a gateway.
    pub proxy: Kind,
    /// How.
    pub form: Form,
    /// The version of Istio: `1.31.0`.
    pub version: &'static str,
    /// Whether routes are an HTTPRoute's and not a VirtualService's.
    pub http_route: bool,
    /// What is changed in one of the files, to see that it is noticed.
    pub altered: Option<Alteration>,
}

/// How a proxy takes part in the mesh's mTLS.
#[derive(Clone, Debug)]
pub struct MutualTls {
    /// Envoy's `CommonTlsContext` for what it sends to services; None: without TLS, as to a service without a sidecar.
    pub upstream: Option<Value>,
    /// Of a sidecar whose inbound listener is served: its context there, the port it listens on, and the application's.
    pub inbound: Option<(Value, u16, u16)>,
}

/// A change of a file of `envoy/istio`: what stands there, and what shall.
#[derive(Clone, Copy, Debug)]
pub struct Alteration {
    /// The file: `sidecar.yaml`.
    pub file: &'static str,
    /// What stands in it.
    pub from: &'static str,
    /// What shall stand there.
    pub to: &'static str,
}

impl Installation {
    /// In a proxy of this Istio, with a VirtualService.
    pub fn new(proxy: Kind, form: Form, version: &'static str) -> Self {
        Self { proxy, form, version, http_route: false, altered: None }
    }

    /// Whether a fetcher runs on the main thread from the start.
    pub fn has_fetcher(&self) -> bool {
        matches!(self.form, Form::EnvoyFilterAndBootstrap | Form::WasmPluginAndBootstrap)
    }

    /// The configuration of such a proxy, of which `shape` is what a test is about; what Envoy discovers is written into
    /// `directory`.
    ///
    /// # Panics
    /// Where a file of `envoy/istio` does not do what it is for, and where `shape` asks for what is not implemented here.
    pub(crate) fn render(&self, shape: &Shape, ports: Ports, mtls: Option<&MutualTls>, directory: &Path) -> Rendered {
        let (proxy, mut resources) = built_in(self.proxy, self.version).expect("a proxy that is built in");
        let documents = Documents::of(self, &proxy);
        let routes = documents.routes();
        routing::apply(&routes, &proxy, &mut resources).unwrap_or_else(|why| panic!("{why:?}"));
        let both_ways = mtls.is_some_and(|mtls| mtls.inbound.is_some());
        let plugins: Vec<Plugin> = documents.plugin(both_ways).into_iter().collect();
        let placed = plugin::insert(&plugins, &proxy, &mut resources);
        assert_eq!(placed.len(), plugins.len(), "found a plugin that is in no listener");

        let mut filters: Vec<EnvoyFilter> = documents.filter().into_iter().collect();
        filters.push(documents.cookies());
        filters.extend(documents.owned_headers());
        if both_ways && plugins.is_empty() {
            filters.push(documents.inbound());
        }
        if shape.tells_revision {
            filters.push(telling(&proxy.namespace));
        }
        let selected = select::select(&filters, &proxy);
        let all: usize = filters.iter().map(|filter| filter.patches.len()).sum();
        assert_eq!(selected.len(), all, "found patches that are not for this proxy");
        let effects = patch::apply(&selected, &proxy, &mut resources);
        for chosen in &selected {
            let did = effects.iter().any(|effect| (effect.filter, effect.patch) == (chosen.filter, chosen.index));
            assert!(did, "found a patch without an effect: {:?}", chosen.patch);
        }
        documents.log(&mut resources);

        stock::write(&resources, ports, mtls, directory);
        let bootstrap = stock::bootstrap(&proxy, self.version, &documents.stat_tags(), ports, directory);
        let overriding = self.has_fetcher().then(|| documents.overriding(self.form, shape));
        if self.form == Form::Nothing {
            return Rendered { bootstrap, filter: None, listeners: None, overriding };
        }
        let [extension] = &mut resources.extensions[..] else {
            panic!("found {} extensions", resources.extensions.len())
        };
        Rendered { bootstrap, filter: Some(filter(extension, shape)), listeners: None, overriding }
    }
}

/// The name and the configuration of the extension, as the agent hands it to Envoy, with the build that is under test.
fn filter(extension: &mut graylane_istio::Message, shape: &Shape) -> (String, Value) {
    let wasm = shape.filter_build.as_deref().map_or_else(|| artefacts::path("dist/graylane.wasm"), artefacts::wasm);
    let wasm = wasm.to_string_lossy().into_owned();
    agent::convert(extension, |_| Ok(wasm.clone()));
    let mut extension = stock::json(extension);
    let config = &mut extension["typed_config"]["config"];
    config["vm_config"]["code"] = json!({"local": {"filename": wasm}});
    if let Some(configuration) = &shape.filter {
        config["configuration"]["value"] = json!(configuration);
    }
    (extension["name"].as_str().expect("a name").to_owned(), extension["typed_config"].take())
}

/// A patch as a user could write it: every request and answer tells by which revision it was decided.
fn telling(namespace: &str) -> EnvoyFilter {
    let header = |name: &str| {
        let value = format!("%FILTER_STATE(wasm.graylane_{name}:PLAIN)%");
        json!({"header": {"key": format!("x-graylane-{name}"), "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"})
    };
    let told: Value = ["revision", "variant", "reason"].into_iter().map(header).collect();
    let patch = |context: &str| {
        json!({
            "applyTo": "ROUTE_CONFIGURATION",
            "match": {"context": context},
            "patch": {"operation": "MERGE", "value": {"request_headers_to_add": told, "response_headers_to_add": told}},
        })
    };
    let document = json!({
        "metadata": {"name": "telling", "namespace": namespace},
        "spec": {"configPatches": [patch(if namespace == "istio-ingress" { "GATEWAY" } else { "SIDECAR_OUTBOUND" })]},
    });
    documents::envoy_filter(&document.to_string())
}

/// Reads what must be one document without a problem.
fn without_problems<T>(what: &str, read: impl FnOnce(&mut Report) -> Option<T>) -> T {
    let mut report = Report::default();
    let document = read(&mut report);
    let problems = report.into_problems();
    assert!(problems.is_empty(), "{what}: {problems:?}");
    document.unwrap_or_else(|| panic!("{what} is not what it should be"))
}

/// The descriptor of a message that Envoy has.
fn message(name: &str) -> graylane_istio::Descriptor {
    api::message(name).unwrap_or_else(|| panic!("found no {name}"))
}
