//! ConfigMaps that a pod names by `sidecar.istio.io/bootstrapOverride`.

use std::ops::Range;

use prost_reflect::DynamicMessage;

use super::{Content, Object};
use crate::{
    api::{self, Reading},
    envoy_filter::ApplyTo,
    message,
    report::Report,
    yaml::{self, Node, quoted},
};

const KEY: &str = "custom_bootstrap.json";
/// The filter's name and the fetcher's, as their root_id.
const OURS: [&str; 2] = ["graylane", "graylane_fetcher"];

/// What the agent has Envoy merge into its bootstrap.
pub(super) struct Override {
    bootstrap: DynamicMessage,
    span: Range<usize>,
}

/// Reads a ConfigMap; None where it is none of these, or Envoy would refuse it.
pub(super) fn read(document: &Node, text: &str, report: &mut Report) -> Option<Override> {
    let node = document.at(&["data", KEY])?;
    let path = format!("data.{KEY}");
    let written = node.text()?;
    let place = |span: &Range<usize>| placed(text, &node.span, written, span);
    let mut documents = match yaml::read(written) {
        Ok(documents) => documents,
        Err(why) => {
            report.error("bootstrap-refused", &path, &place(&why.span), why.found, why.expected);
            return None;
        }
    };
    let inner = if documents.is_empty() { return None } else { documents.remove(0) };
    let reading = Reading::of(&inner, &api::message("envoy.config.bootstrap.v3.Bootstrap")?);
    for misfit in reading.wrong.iter().chain(&reading.unknown) {
        let expected = format!("{}; an Envoy that refuses it keeps the pod from starting", misfit.expected);
        let path = format!("{path}: {}", misfit.path);
        report.error("bootstrap-refused", &path, &place(&misfit.span), misfit.found.clone(), &expected);
    }
    let found = Override { bootstrap: reading.message?, span: node.span.clone() };
    for service in services(&found.bootstrap) {
        if message::at(&service, &["config", "vm_config", "code", "remote"]).is_some() {
            let expected = "local.filename, and the file in the pod: Istio's agent fetches code for extensions alone, and Envoy waits \
                            for a cluster that there is not yet";
            report.error("code-not-fetched", &path, &found.span, "code.remote in the bootstrap".to_owned(), expected);
        }
    }
    Some(found)
}

/// The Wasm services of a bootstrap.
fn services(bootstrap: &DynamicMessage) -> Vec<DynamicMessage> {
    let extensions = message::messages(bootstrap, "bootstrap_extensions");
    extensions.iter().filter_map(|extension| message::unpacked(extension, "typed_config")).filter(is_service).collect()
}

fn is_service(inner: &DynamicMessage) -> bool {
    prost_reflect::ReflectMessage::descriptor(inner).full_name() == "envoy.extensions.wasm.v3.WasmService"
}

/// Where `inner` of a text stands in the file: its lines follow each other there, each indented. A flow scalar is one place.
fn placed(file: &str, scalar: &Range<usize>, written: &str, inner: &Range<usize>) -> Range<usize> {
    let line = written.get(..inner.start).unwrap_or_default().matches('\n').count();
    let column = inner.start.saturating_sub(
        written.get(..inner.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at.saturating_add(1)),
    );
    let wanted = written.lines().nth(line).unwrap_or_default();
    let mut at = file.get(..scalar.start).map_or(0, |before| before.rfind('\n').map_or(0, |at| at.saturating_add(1)));
    let mut lines = Vec::new();
    for text in file.get(at..).unwrap_or_default().split_inclusive('\n') {
        lines.push((at, text));
        at = at.saturating_add(text.len());
    }
    let first = written.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let skipped = written.lines().take_while(|line| line.trim().is_empty()).count();
    let begin = lines.iter().position(|(_, text)| text.trim() == first.trim()).map(|at| at.saturating_sub(skipped));
    let found = begin.and_then(|begin| lines.get(begin.saturating_add(line)));
    let Some((start, text)) = found.filter(|(_, text)| text.trim() == wanted.trim()) else { return scalar.clone() };
    let indentation = text.len().saturating_sub(text.trim_start().len());
    let own = wanted.len().saturating_sub(wanted.trim_start().len());
    let start = start.saturating_add(indentation.saturating_sub(own)).saturating_add(column);
    start..start.saturating_add(inner.len()).min(file.len())
}

/// Fetcher and filter of Graylane must share a vm_id, or no rule ever comes from one to the other.
pub(super) fn check_shared(objects: &[Object<'_>], reports: &mut [Report]) {
    let fetchers: Vec<String> = objects
        .iter()
        .filter_map(|object| match &object.content {
            Content::Bootstrap(found) => Some(services(&found.bootstrap)),
            _ => None,
        })
        .flatten()
        .filter_map(|service| vm_id(&service))
        .collect();
    if fetchers.is_empty() {
        return;
    }
    for object in objects {
        let filters: Vec<(String, String, Range<usize>)> = match &object.content {
            Content::Filter(filter) => filter
                .patches
                .iter()
                .filter(|patch| patch.apply_to == ApplyTo::ExtensionConfig)
                .filter_map(|patch| {
                    let wasm = message::unpacked(patch.value.as_ref()?, "typed_config")?;
                    Some((vm_id(&wasm)?, format!("{}.patch.value", patch.path), patch.span.clone()))
                })
                .collect(),
            Content::Plugin(plugin)
                if plugin.config.as_ref().is_some_and(|config| config.get("ownedHeaders").is_some()) =>
            {
                let span = object.node.field("spec").map_or(object.node.span.clone(), |spec| {
                    spec.entries().first().map_or(spec.span.clone(), |entry| entry.key_span.clone())
                });
                vec![(String::new(), "spec".to_owned(), span)]
            }
            _ => Vec::new(),
        };
        for (id, path, span) in filters.iter().filter(|(id, ..)| !fetchers.contains(id)) {
            let found = if id.is_empty() {
                "no vm_id, and no way to have one".to_owned()
            } else {
                format!("the vm_id {}", quoted(id))
            };
            let theirs = fetchers.first().map(|id| quoted(id)).unwrap_or_default();
            let expected = format!(
                "the one of the fetcher in the bootstrap, {theirs}, or none in both: they share nothing otherwise"
            );
            if let Some(report) = reports.get_mut(object.source) {
                report.error("vm-id-differs", path, span, found, &expected);
            }
        }
    }
}

/// The vm_id of what has one of Graylane's root ids.
fn vm_id(holder: &DynamicMessage) -> Option<String> {
    let config = message::inner(holder, "config")?;
    let root = message::text(&config, "root_id");
    let vm = message::inner(&config, "vm_config")?;
    OURS.contains(&root.as_str()).then(|| message::text(&vm, "vm_id"))
}
