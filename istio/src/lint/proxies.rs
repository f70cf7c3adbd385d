//! Trying patches and plugins out on the proxies that are built in.

use std::collections::BTreeMap;

use super::{Content, Mesh, Object, Told};
use crate::{
    EnvoyFilter, Plugin,
    envoy_filter::{ApplyTo, Object as Wanted, Patch},
    fixture,
    patch::{self, Change, Effect, Resources},
    plugin::{self, Written},
    proxy::{GATEWAY_LABEL, Kind, Proxy},
    report::Report,
    select,
};

/// The proxies that are built in, of this Istio.
pub(super) fn built_in(mesh: &Mesh) -> Vec<(Proxy, Resources)> {
    [Kind::Sidecar, Kind::Gateway].into_iter().filter_map(|kind| fixture::built_in(kind, &mesh.version)).collect()
}

/// Tells what an object does to a sidecar and to a gateway that it selects, and reports what panics there or does nothing anywhere.
pub(super) fn try_out(
    object: &Object<'_>,
    mesh: &Mesh,
    built_in: &[(Proxy, Resources)],
    report: &mut Report,
    told: &mut Vec<Told>,
) {
    match &object.content {
        Content::Filter(filter) if !filter.patches.is_empty() => {
            patches(filter, object.source, mesh, built_in.to_vec(), report, told);
        }
        Content::Plugin(plugin) => {
            for (proxy, resources) in built_in.iter().cloned() {
                of_plugin(plugin, object, mesh, proxy, resources, told);
            }
        }
        Content::Filter(_) | Content::Bootstrap(_) | Content::VirtualService => {}
    }
}

fn patches(
    filter: &EnvoyFilter,
    source: usize,
    mesh: &Mesh,
    proxies: Vec<(Proxy, Resources)>,
    report: &mut Report,
    told: &mut Vec<Told>,
) {
    let filters = std::slice::from_ref(filter);
    let mut all: Vec<(Kind, Vec<Effect>)> = Vec::new();
    let mut is_for_some = false;
    for (mut proxy, mut resources) in proxies {
        mesh.root_namespace.clone_into(&mut proxy.root_namespace);
        proxy.namespace.clone_from(&filter.namespace);
        proxy.labels.extend(filter.selector.clone().unwrap_or_default());
        for (_, name) in filter.targets.iter().filter(|(kind, _)| kind == "Gateway") {
            proxy.labels.insert(GATEWAY_LABEL.to_owned(), name.clone());
        }
        for patch in &filter.patches {
            proxy.metadata.extend(patch.matching.metadata.clone());
        }
        is_for_some |= select::is_for(filter, &proxy);
        let selected = select::select(filters, &proxy);
        all.push((proxy.kind, patch::apply(&selected, &proxy, &mut resources)));
    }
    let given_up = all.iter().flat_map(|(_, effects)| effects).any(|one| matches!(one.change, Change::Panicked(..)));
    let mut of_patches: BTreeMap<usize, Vec<(Kind, &Effect)>> = BTreeMap::new();
    for (kind, effect) in all.iter().flat_map(|(kind, effects)| effects.iter().map(move |effect| (*kind, effect))) {
        of_patches.entry(effect.patch).or_default().push((kind, effect));
    }
    let known = report.errors();
    for (index, patch) in filter.patches.iter().enumerate() {
        let effects = of_patches.remove(&index).unwrap_or_default();
        // What keeps it from having an effect may be known already.
        if known.range(patch.span.clone()).next().is_none() {
            panics(patch, &effects, report);
            if is_for_some && !given_up && effects.is_empty() {
                nothing(patch, mesh, report);
            }
        }
        for (kind, effect) in effects {
            let text = format!("{} {}: {}: {}", name(kind), mesh.version, effect.place, sentence(&effect.change));
            told.push(Told { source, path: patch.path.clone(), span: patch.span.clone(), text });
        }
    }
}

fn panics(patch: &Patch, effects: &[(Kind, &Effect)], report: &mut Report) {
    let mut panicked = effects.iter().filter_map(|(kind, effect)| match &effect.change {
        Change::Panicked(what, why) => Some((kind, what, why)),
        _ => None,
    });
    if let Some((kind, what, why)) = panicked.next() {
        let found = format!("{} merged into {what} of a {}, which is a {}", why.value, name(*kind), why.there);
        let expected =
            "a match that leaves out what is of another type: istiod gives up all patches of these resources";
        report.error("panics", &patch.path, &patch.operation_span, found, expected);
    }
}

fn nothing(patch: &Patch, mesh: &Mesh, report: &mut Report) {
    let version = patch.matching.version.as_ref();
    let other =
        version.is_some_and(|version| !version.regex.as_ref().is_some_and(|regex| regex.is_match(&mesh.version)));
    if !other && !is_about_more(patch) && carries_out(patch) {
        let found = format!(
            "a match that is nowhere in the sidecar and the gateway of Istio {} that are built in",
            mesh.version
        );
        let expected = "something that istiod makes: a patch that matches nothing is passed by in silence";
        report.warning("matches-nothing", &patch.path, &patch.matching.span, found, expected);
    }
}

/// Whether it asks for something that the built-in proxies need not have: a certain port, host, listener.
fn is_about_more(patch: &Patch) -> bool {
    let listener = patch.matching.listener().is_some_and(|listener| {
        let built_in = ["virtualInbound", "virtualOutbound"];
        let named = listener.name.as_ref().is_some_and(|name| !built_in.contains(&name.as_str()));
        let chain = listener.chain.as_ref().is_some_and(|chain| {
            chain.name.is_some()
                || chain.sni.is_some()
                || chain.destination_port.is_some()
                || chain.application_protocols.is_some()
        });
        named || listener.port.is_some() || chain
    });
    let sub_filter = patch.matching.chain().and_then(|chain| chain.sub_filter.as_deref());
    // What is always there or never; of the rest it is told by name.
    let conditional =
        sub_filter.is_some_and(|name| super::names::http_filter(name).is_none_or(|known| known.condition.is_some()));
    listener
        || conditional
        || !patch.matching.metadata.is_empty()
        || matches!(patch.matching.object, Wanted::Route(_) | Wanted::Cluster(_))
}

/// Whether istiod has code for it; where not, that is told already.
fn carries_out(patch: &Patch) -> bool {
    let merges = patch.operation.is_merge() && patch.matching.chain().is_some();
    !merges && !matches!(patch.apply_to, ApplyTo::Bootstrap | ApplyTo::ExtensionConfig)
}

fn of_plugin(
    plugin: &Plugin,
    object: &Object<'_>,
    mesh: &Mesh,
    mut proxy: Proxy,
    mut resources: Resources,
    told: &mut Vec<Told>,
) {
    if plugin.written == Written::TrafficExtension && plugin::minor(&mesh.version).is_some_and(|minor| minor < 30) {
        return;
    }
    mesh.root_namespace.clone_into(&mut proxy.root_namespace);
    proxy.namespace.clone_from(&plugin.namespace);
    proxy.labels.extend(plugin.selector.clone());
    plugin::insert(std::slice::from_ref(plugin), &proxy, &mut resources);
    let filter = plugin.resource_name(plugin::minor(&mesh.version).unwrap_or(u32::MAX));
    for listener in &resources.listeners {
        for (place, at, before) in patch::discovered_places(listener, &filter) {
            let text =
                format!("{} {}: {place}: {filter} added at {at}, before {before}", name(proxy.kind), mesh.version);
            let span = object.node.field("spec").map_or(object.node.span.clone(), |spec| spec.span.clone());
            told.push(Told { source: object.source, path: "spec".to_owned(), span, text });
        }
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Sidecar => "sidecar",
        Kind::Gateway => "gateway",
        Kind::Waypoint => "waypoint",
    }
}

fn sentence(change: &Change) -> String {
    match change {
        Change::Added { name, at, behind, before } => {
            let behind = behind.as_ref().map(|behind| format!(", behind {behind}")).unwrap_or_default();
            let before = before.as_ref().map(|before| format!(", before {before}")).unwrap_or_default();
            format!("{name} added at {at}{behind}{before}")
        }
        Change::Changed(name) => format!("{name} changed"),
        Change::Removed(name) => format!("{name} removed"),
        Change::Panicked(name, _) => format!("istiod gives up at {name}"),
    }
}
