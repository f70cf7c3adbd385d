//! Filters whose configuration is discovered, and extensions: each needs the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Content, Object};
use crate::{
    envoy_filter::{ApplyTo, Operation, Patch},
    message,
    report::Report,
    yaml::quoted,
};

/// What there is of one name: whether some extension's code is remote, and whether a filter asks for it.
#[derive(Clone, Copy, Default)]
struct Named {
    extensions: usize,
    is_remote: bool,
    is_asked_for: bool,
}

pub(super) fn check(objects: &[Object<'_>], reports: &mut [Report]) {
    let filters = objects.iter().filter_map(|object| match &object.content {
        Content::Filter(filter) => Some((object.source, filter)),
        _ => None,
    });
    let patches: Vec<_> =
        filters.flat_map(|(source, filter)| filter.patches.iter().map(move |patch| (source, filter, patch))).collect();
    let mut names: BTreeMap<String, Named> = BTreeMap::new();
    for (.., patch) in &patches {
        if is_extension(patch) {
            let named = names.entry(name(patch)).or_default();
            named.extensions = named.extensions.saturating_add(1);
            named.is_remote |= is_remote(patch);
        } else if discovers(patch) {
            names.entry(name(patch)).or_default().is_asked_for = true;
        }
    }
    let mut known = BTreeSet::new();
    for &(source, of, patch) in &patches {
        let Some(report) = reports.get_mut(source) else { continue };
        let named = names.get(&name(patch)).copied().unwrap_or_default();
        if is_extension(patch) {
            extension(patch, named, report);
            let version = patch.matching.version.as_ref().map(|version| version.text.clone());
            if !known.insert((name(patch), version, of.namespace.clone(), of.selector.clone())) {
                let path = format!("{}.patch.value.name", patch.path);
                let found = format!("{} a second time", quoted(&name(patch)));
                let expected = "each name once: both are sent, whomever they are for";
                report.warning("extension-twice", &path, &patch.span, found, expected);
            }
        } else if discovers(patch) {
            filter(patch, named, report);
        }
    }
}

fn extension(patch: &Patch, named: Named, report: &mut Report) {
    if !named.is_asked_for {
        let path = format!("{}.patch.value.name", patch.path);
        let found = format!("{}, which no filter here asks for", quoted(&name(patch)));
        let expected = "an HTTP_FILTER with config_discovery of this name";
        report.error("extension-unused", &path, &patch.span, found, expected);
    }
}

fn is_extension(patch: &Patch) -> bool {
    patch.apply_to == ApplyTo::ExtensionConfig && patch.effective() == Operation::Add && patch.value.is_some()
}

/// Whether it brings a filter whose configuration comes by ADS.
fn discovers(patch: &Patch) -> bool {
    let value = patch.value.as_ref().filter(|_| patch.apply_to == ApplyTo::HttpFilter);
    value.is_some_and(|value| message::at(value, &["config_discovery", "config_source", "ads"]).is_some())
}

fn name(patch: &Patch) -> String {
    patch.value.as_ref().map(|value| message::text(value, "name")).unwrap_or_default()
}

fn filter(patch: &Patch, named: Named, report: &mut Report) {
    let path = format!("{}.patch.value.config_discovery", patch.path);
    if named.extensions == 0 {
        let found = format!("{}, which no extension here is called", quoted(&name(patch)));
        let expected = "an EXTENSION_CONFIG of this name: without one the filter waits for its configuration";
        report.error("extension-missing", &path, &patch.span, found, expected);
    }
    let Some(discovery) = patch.value.as_ref().and_then(|value| message::inner(value, "config_discovery")) else {
        return;
    };
    let types = message::texts(&discovery, "type_urls");
    if named.is_remote && !types.iter().any(|url| url.ends_with(crate::plugin::RBAC)) {
        let found = "type_urls without RBAC".to_owned();
        let expected = "envoy.extensions.filters.http.rbac.v3.RBAC as well: the agent puts one in the filter's place while it \
                        cannot fetch the code, and Envoy answers 500 where it may not";
        report.error("rbac-missing", &path, &patch.span, found, expected);
    }
    let timeout = message::at(&discovery, &["config_source", "initial_fetch_timeout"]);
    let endless = timeout.is_some_and(|timeout| timeout.fields().next().is_none());
    if endless && message::inner(&discovery, "default_config").is_none() {
        let found = "initial_fetch_timeout: 0s and no default_config".to_owned();
        let expected = "a timeout and a default_config such as an empty RBAC: where the extension does not come, the listener \
                        never becomes active";
        report.warning("waits-for-ever", &path, &patch.span, found, expected);
    }
}

fn is_remote(extension: &Patch) -> bool {
    let wasm = extension.value.as_ref().and_then(|value| message::unpacked(value, "typed_config"));
    wasm.and_then(|wasm| message::at(&wasm, &["config", "vm_config", "code", "remote"])).is_some()
}
