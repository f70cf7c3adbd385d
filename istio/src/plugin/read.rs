//! Reading both kinds.

use std::collections::BTreeMap;

use super::{Mode, Phase, Plugin, TrafficSelector, Written};
use crate::{
    form::{Form, targets},
    report::Report,
    yaml::{Node, Value},
};

const COMMON: [&str; 5] = ["selector", "targetRefs", "phase", "priority", "match"];
const WASM: [&str; 9] = [
    "url",
    "sha256",
    "imagePullPolicy",
    "imagePullSecret",
    "pluginConfig",
    "pluginName",
    "failStrategy",
    "vmConfig",
    "type",
];

impl Plugin {
    /// Reads `document`, a whole object of one of the two kinds; what is wrong goes to `report`. None where istiod makes no
    /// HTTP filter of it: without a URL, of Lua, for network filters.
    pub fn read(document: &Node, written: Written, report: &mut Report) -> Option<Self> {
        let metadata = |key| document.at(&["metadata", key]).and_then(Node::text).unwrap_or_default().to_owned();
        let spec_node = document.field("spec")?;
        let known: Vec<&str> = match written {
            Written::WasmPlugin => {
                COMMON.iter().chain(&WASM).chain(&["targetRef", "verificationKey"]).copied().collect()
            }
            Written::TrafficExtension => COMMON.iter().chain(&["wasm", "lua"]).copied().collect(),
        };
        let mut spec = Form::open(spec_node, "spec", &known, report)?;
        let priority = spec.number("priority");
        let phases = [
            ("AUTHN", Phase::Authn),
            ("AUTHZ", Phase::Authz),
            ("STATS", Phase::Stats),
            ("UNSPECIFIED_PHASE", Phase::Unspecified),
            ("UNSPECIFIED", Phase::Unspecified),
        ];
        let phase = spec.one_of("phase", &phases).map_or(Phase::Unspecified, |(phase, _)| phase);
        let selector = match spec.node("selector") {
            Some(node) => {
                let mut selector = Form::open(node, "spec.selector", &["matchLabels"], spec.report)?;
                selector.texts("matchLabels").unwrap_or_default()
            }
            None => BTreeMap::new(),
        };
        let matches = spec.items("match").iter().enumerate();
        let matches: Vec<_> = matches.filter_map(|(at, node)| traffic_selector(node, at, spec.report)).collect();
        let single = spec.node("targetRef").into_iter();
        let targets = targets(spec.items("targetRefs").iter().chain(single));
        let (wasm_node, path) = match written {
            Written::WasmPlugin => (spec_node, "spec"),
            Written::TrafficExtension => (spec.node("wasm")?, "spec.wasm"),
        };
        let known: &[&str] = if written == Written::WasmPlugin { &known } else { &WASM };
        let mut again = Report::default();
        let mut wasm = Form::open(wasm_node, path, known, &mut again)?;
        let url = wasm.text("url").map(str::to_owned);
        if url.is_none() {
            let found = "no url".to_owned();
            wasm.report.error("missing-field", path, &wasm_node.span, found, "where the .wasm is");
        }
        let kinds = [("HTTP", true), ("UNSPECIFIED_PLUGIN_TYPE", true), ("NETWORK", false)];
        let http = wasm.one_of("type", &kinds).is_none_or(|(http, _)| http);
        let strategies = [("FAIL_CLOSE", "FAIL_CLOSED"), ("FAIL_OPEN", "FAIL_OPEN"), ("FAIL_RELOAD", "FAIL_RELOAD")];
        let policy = wasm.one_of("failStrategy", &strategies).map_or("FAIL_CLOSED", |(policy, _)| policy);
        let policies = [("IfNotPresent", "IfNotPresent"), ("Always", "Always"), ("UNSPECIFIED_POLICY", "")];
        let pull_policy = wasm.one_of("imagePullPolicy", &policies).map(|(policy, _)| policy.to_owned());
        let config = wasm.node("pluginConfig").filter(|node| !node.entries().is_empty()).map(Node::to_json);
        let (environment, host_environment) = environment(&mut wasm);
        let plugin = Self {
            written,
            name: metadata("name"),
            namespace: metadata("namespace"),
            created: metadata("creationTimestamp"),
            resource_version: metadata("resourceVersion"),
            selector,
            targets,
            phase,
            priority,
            matches,
            url: url.unwrap_or_default(),
            sha256: wasm.text("sha256").unwrap_or_default().to_owned(),
            pull_policy: pull_policy.filter(|policy| !policy.is_empty()),
            pull_secret: wasm.text("imagePullSecret").map(str::to_owned),
            config,
            root_id: wasm.text("pluginName").unwrap_or_default().to_owned(),
            failure_policy: policy.to_owned(),
            environment,
            host_environment,
        };
        // What a WasmPlugin does not know was told above.
        spec.report.absorb(again, if written == Written::WasmPlugin { "unknown-field" } else { "" });
        Some(plugin).filter(|plugin| http && !plugin.url.is_empty())
    }
}

fn traffic_selector(node: &Node, at: usize, report: &mut Report) -> Option<TrafficSelector> {
    let mut form = Form::open(node, &format!("spec.match[{at}]"), &["mode", "ports"], report)?;
    let modes = [
        ("CLIENT", Mode::Client),
        ("SERVER", Mode::Server),
        ("CLIENT_AND_SERVER", Mode::ClientAndServer),
        ("UNDEFINED", Mode::ClientAndServer),
    ];
    let mode = form.one_of("mode", &modes).map_or(Mode::ClientAndServer, |(mode, _)| mode);
    let ports = form.items("ports").iter().filter_map(|port| match &port.field("number")?.value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    });
    Some(TrafficSelector { mode, ports: ports.collect() })
}

/// Variables with a value, and those that Envoy's environment has.
fn environment(wasm: &mut Form<'_, '_>) -> (BTreeMap<String, String>, Vec<String>) {
    let Some(vm) = wasm.node("vmConfig") else { return <_>::default() };
    let text = |node: &Node, key| node.field(key).and_then(Node::text).unwrap_or_default().to_owned();
    let variables = vm.field("env").map(Node::items).unwrap_or_default();
    let (host, inline): (Vec<_>, Vec<_>) = variables.iter().partition(|one| text(one, "valueFrom") == "HOST");
    let inline = inline.iter().map(|one| (text(one, "name"), text(one, "value"))).collect();
    (inline, host.iter().map(|one| text(one, "name")).collect())
}
