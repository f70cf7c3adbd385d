//! Filters whose configuration is discovered, and extensions: each needs the other.

use super::{Content, Object};
use crate::{
    EnvoyFilter,
    envoy_filter::{ApplyTo, Operation, Patch},
    message,
    report::Report,
    yaml::quoted,
};

pub(super) fn check(objects: &[Object<'_>], reports: &mut [Report]) {
    let filters = objects.iter().filter_map(|object| match &object.content {
        Content::Filter(filter) => Some((object.source, filter)),
        _ => None,
    });
    let patches: Vec<_> =
        filters.flat_map(|(source, filter)| filter.patches.iter().map(move |patch| (source, filter, patch))).collect();
    let extensions: Vec<_> = patches.iter().filter(|(.., patch)| is_extension(patch)).copied().collect();
    let filters: Vec<_> = patches.iter().filter(|(.., patch)| discovers(patch)).copied().collect();
    for &(source, _, patch) in &filters {
        let Some(report) = reports.get_mut(source) else { continue };
        let wanted: Vec<_> =
            extensions.iter().filter(|(.., one)| name(one) == name(patch)).map(|(.., one)| *one).collect();
        filter(patch, &wanted, report);
    }
    for (at, &(source, of, patch)) in extensions.iter().enumerate() {
        let Some(report) = reports.get_mut(source) else { continue };
        let path = format!("{}.patch.value.name", patch.path);
        if !filters.iter().any(|(.., one)| name(one) == name(patch)) {
            let found = format!("{}, which no filter here asks for", quoted(&name(patch)));
            report.error(
                "extension-unused",
                &path,
                &patch.span,
                found,
                "an HTTP_FILTER with config_discovery of this name",
            );
        }
        let versions = |patch: &Patch| patch.matching.version.as_ref().map(|version| version.text.clone());
        let same_proxies = |other: &EnvoyFilter| other.namespace == of.namespace && other.selector == of.selector;
        let twin = extensions
            .iter()
            .take(at)
            .any(|(_, other, one)| name(one) == name(patch) && versions(one) == versions(patch) && same_proxies(other));
        if twin {
            let found = format!("{} a second time", quoted(&name(patch)));
            report.warning(
                "extension-twice",
                &path,
                &patch.span,
                found,
                "each name once: both are sent, whomever they are for",
            );
        }
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

fn filter(patch: &Patch, extensions: &[&Patch], report: &mut Report) {
    let path = format!("{}.patch.value.config_discovery", patch.path);
    if extensions.is_empty() {
        let found = format!("{}, which no extension here is called", quoted(&name(patch)));
        let expected = "an EXTENSION_CONFIG of this name: without one the filter waits for its configuration";
        report.error("extension-missing", &path, &patch.span, found, expected);
    }
    let Some(discovery) = patch.value.as_ref().and_then(|value| message::inner(value, "config_discovery")) else {
        return;
    };
    let types = message::texts(&discovery, "type_urls");
    let remote = extensions.iter().any(|one| is_remote(one));
    if remote && !types.iter().any(|url| url.ends_with(crate::plugin::RBAC)) {
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
