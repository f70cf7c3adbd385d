//! WasmPlugins and TrafficExtensions.

use super::Mesh;
use crate::{
    Plugin,
    plugin::{Mode, Written, minor},
    report::Report,
    yaml::{Node, quoted},
};

pub(super) fn check(plugin: &Plugin, document: &Node, mesh: &Mesh, report: &mut Report) {
    let path = if plugin.written == Written::WasmPlugin { "spec" } else { "spec.wasm" };
    let spec = document.at(if plugin.written == Written::WasmPlugin { &["spec"] } else { &["spec", "wasm"] });
    let spec = spec.unwrap_or(document);
    whom(plugin, document, mesh, report);
    code(plugin, spec, path, report);
    failure(plugin, spec, path, mesh, report);
    let minor = minor(&mesh.version).unwrap_or(u32::MAX);
    if plugin.written == Written::TrafficExtension && minor < 30 {
        let at = document.field("kind").unwrap_or(document);
        let expected = format!("a WasmPlugin: Istio {} does not know this kind", mesh.version);
        report.error("kind-unknown", "kind", &at.span, "TrafficExtension".to_owned(), &expected);
    }
    if let Some(config) = spec.field("pluginConfig") {
        ours(config, path, report);
    }
}

fn key(node: &Node, key: &str) -> std::ops::Range<usize> {
    let found = node.entries().iter().find(|entry| entry.key == key);
    found.or_else(|| node.entries().first()).map_or(node.span.clone(), |entry| entry.key_span.clone())
}

fn whom(plugin: &Plugin, document: &Node, mesh: &Mesh, report: &mut Report) {
    let spec = document.field("spec").unwrap_or(document);
    let in_root = plugin.namespace == mesh.root_namespace;
    if plugin.selector.is_empty() && plugin.targets.is_empty() {
        let everyone = if in_root { "every namespace" } else { "its namespace" };
        let found = format!("no selector, so that it is for every proxy of {everyone}");
        report.warning("selector-missing", "spec", &key(spec, "selector"), found, "labels of the pods that are meant");
    } else if in_root {
        let found = format!("the root namespace {}", quoted(&plugin.namespace));
        let expected = "the namespace of the pods: in this one it is for pods with these labels in every namespace";
        report.warning("root-namespace", "metadata.namespace", &key(spec, "selector"), found, expected);
    }
    let both = plugin.matches.is_empty() || plugin.matches.iter().any(|one| one.mode == Mode::ClientAndServer);
    let gateway = !plugin.targets.is_empty() || plugin.selector.values().any(|value| value.contains("gateway"));
    if both && !gateway {
        let found =
            "no match, so that in sidecars a request passes it twice: when it leaves one and when it enters the other";
        report.warning(
            "mode-missing",
            "spec.match",
            &key(spec, "match"),
            found.to_owned(),
            "`match: [{mode: CLIENT}]`, where routes are chosen",
        );
    }
}

fn code(plugin: &Plugin, spec: &Node, path: &str, report: &mut Report) {
    let at = format!("{path}.url");
    let span = key(spec, "url");
    let url = plugin.url.as_str();
    if url.starts_with("file://") {
        let expected = "oci:// or https://: Istio's agent leaves a variable with the object's version in the VM, so that every edit \
                        of it makes new VMs";
        report.warning("file-url", &at, &span, quoted(url), expected);
    } else if plugin.sha256.is_empty() {
        let expected =
            "a sha256, of an image the digest of its manifest: without one, who may push may run code in the proxies";
        report.warning("digest-missing", &at, &span, "no sha256".to_owned(), expected);
        if url.ends_with(":latest") || !url.rsplit('/').next().unwrap_or_default().contains(':') {
            let expected = "a tag of its own: the latest one is pulled again with each change of the object";
            report.warning("tag-latest", &at, &span, quoted(url), expected);
        }
    }
}

fn failure(plugin: &Plugin, spec: &Node, path: &str, mesh: &Mesh, report: &mut Report) {
    let at = format!("{path}.failStrategy");
    let span = key(spec, "failStrategy");
    let reloads = minor(&mesh.version).is_none_or(|minor| minor >= 27);
    match plugin.failure_policy.as_str() {
        "FAIL_RELOAD" if !reloads => {
            let expected =
                format!("FAIL_CLOSE: Istio {} does not know FAIL_RELOAD, which came with 1.27", mesh.version);
            report.error("unknown-value", &at, &span, "FAIL_RELOAD".to_owned(), &expected);
        }
        "FAIL_RELOAD" => {}
        "FAIL_OPEN" => {
            let expected = "FAIL_RELOAD: requests that are under way in a VM that dies fail all the same, and later ones pass undecided \
                            until the proxy is restarted";
            report.warning("fail-open", &at, &span, "FAIL_OPEN".to_owned(), expected);
        }
        _ if reloads => {
            let expected = "FAIL_RELOAD: a VM that died answers 503 until the proxy is restarted";
            report.warning("fail-close", &at, &span, "FAIL_CLOSE, or nothing".to_owned(), expected);
        }
        _ => {}
    }
}

/// What Graylane's own configuration should not have here.
fn ours(config: &Node, path: &str, report: &mut Report) {
    if let Some(rules) = config.field("ruleSets") {
        let at = format!("{path}.pluginConfig.ruleSets");
        let expected = "rules that the control plane publishes: a change of these is a push of configuration through istiod, \
                        and has no revision to go back to";
        report.warning("rules-in-plugin", &at, &rules.span, rules.describe(), expected);
    }
}
