//! What is in a manifest that Istio accepts and that does nothing, or something else than it looks like.

mod bootstrap;
mod discovery;
mod envoy_filter;
mod names;
mod plugin;
mod proxies;
mod virtual_service;

use std::collections::BTreeSet;

use graylane_rules::Problem;

use crate::{
    EnvoyFilter, Plugin,
    envoy_filter::ApplyTo,
    message,
    plugin::Written,
    report::Report,
    yaml::{self, Node},
};

/// The Istio that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// Its version: `1.31.0`.
    pub version: String,
    /// The namespace whose objects are for all namespaces.
    pub root_namespace: String,
}

/// What linting some files came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is wrong or may be, in the order of the files. [`Problem::source`] is the index of the file.
    pub problems: Vec<Problem>,
    /// What patches and plugins do to the proxies that are built in.
    pub effects: Vec<Told>,
    /// How many objects of a known kind there were.
    pub objects: usize,
}

/// What a patch or plugin does to a proxy that is built in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The index of the file.
    pub source: usize,
    /// Where in the document: `spec.configPatches[1]`.
    pub path: String,
    /// The bytes of the file.
    pub span: std::ops::Range<usize>,
    /// What it does and where, in a line.
    pub text: String,
}

/// One object of a known kind, and the file it is in.
struct Object<'n> {
    source: usize,
    node: &'n Node,
    content: Content,
}

/// What an object is.
enum Content {
    Filter(EnvoyFilter),
    Plugin(Box<Plugin>),
    Bootstrap(bootstrap::Override),
    VirtualService,
}

/// Looks at `files`, the texts of YAML files that are applied together.
pub fn lint(files: &[&str], mesh: &Mesh) -> Outcome {
    let mut reports: Vec<Report> = files.iter().map(|_| Report::default()).collect();
    let documents: Vec<Vec<Node>> = files.iter().zip(&mut reports).map(|(text, report)| parsed(text, report)).collect();
    let mut objects = Vec::new();
    for (source, (nodes, report)) in documents.iter().zip(&mut reports).enumerate() {
        let text = files.get(source).copied().unwrap_or_default();
        objects.extend(
            nodes.iter().filter_map(|node| content(node, text, report).map(|content| Object { source, node, content })),
        );
    }
    let added = added(&objects);
    let mut outcome = Outcome { objects: objects.len(), ..Outcome::default() };
    let built_in = proxies::built_in(mesh);
    for object in &objects {
        let Some(report) = reports.get_mut(object.source) else { continue };
        match &object.content {
            Content::Filter(filter) => envoy_filter::check(filter, object.node, &added, mesh, report),
            Content::Plugin(plugin) => plugin::check(plugin, object.node, mesh, report),
            Content::Bootstrap(_) => {}
            Content::VirtualService => virtual_service::check(object.node, report),
        }
        proxies::try_out(object, mesh, &built_in, report, &mut outcome.effects);
    }
    discovery::check(&objects, &mut reports);
    bootstrap::check_shared(&objects, &mut reports);
    for (source, report) in reports.into_iter().enumerate() {
        outcome.problems.extend(report.into_problems().into_iter().map(|problem| Problem { source, ..problem }));
    }
    outcome
}

/// The names of the filters that patches bring.
fn added(objects: &[Object<'_>]) -> BTreeSet<String> {
    let filters = objects.iter().filter_map(|object| match &object.content {
        Content::Filter(filter) => Some(filter),
        _ => None,
    });
    let patches = filters.flat_map(|filter| &filter.patches).filter(|patch| patch.apply_to == ApplyTo::HttpFilter);
    patches.filter_map(|patch| Some(message::text(patch.value.as_ref()?, "name"))).collect()
}

fn parsed(text: &str, report: &mut Report) -> Vec<Node> {
    let nodes = yaml::read(text).unwrap_or_else(|why| {
        report.error("syntax", "", &why.span, why.found, why.expected);
        Vec::new()
    });
    // `kubectl get -o yaml` gives a list.
    let is_list = |node: &Node| {
        let kind = node.field("kind").and_then(Node::text).unwrap_or_default();
        kind.ends_with("List") && node.field("items").is_some()
    };
    nodes
        .into_iter()
        .flat_map(|node| {
            if is_list(&node) { node.field("items").map(Node::items).unwrap_or_default().to_vec() } else { vec![node] }
        })
        .collect()
}

/// Reads an object; None where its kind is none that is looked at, or it could not be read.
fn content(node: &Node, text: &str, report: &mut Report) -> Option<Content> {
    let kind = node.field("kind").and_then(Node::text);
    let group = node.field("apiVersion").and_then(Node::text).unwrap_or_default().split('/').next().unwrap_or_default();
    match (group, kind?) {
        ("networking.istio.io", "EnvoyFilter") => EnvoyFilter::read(node, report).map(Content::Filter),
        ("networking.istio.io", "VirtualService") => Some(Content::VirtualService),
        ("extensions.istio.io", "WasmPlugin") => {
            Plugin::read(node, Written::WasmPlugin, report).map(Box::new).map(Content::Plugin)
        }
        ("extensions.istio.io", "TrafficExtension") => {
            Plugin::read(node, Written::TrafficExtension, report).map(Box::new).map(Content::Plugin)
        }
        (_, "ConfigMap") => bootstrap::read(node, text, report).map(Content::Bootstrap),
        (group, kind @ ("EnvoyFilter" | "WasmPlugin" | "TrafficExtension")) => {
            let right =
                if kind == "EnvoyFilter" { "networking.istio.io/v1alpha3" } else { "extensions.istio.io/v1alpha1" };
            let at = node.field("apiVersion").unwrap_or(node);
            let found = format!("{kind} of the group {group:?}");
            report.error("wrong-group", "apiVersion", &at.span, found, right);
            None
        }
        _ => None,
    }
}
