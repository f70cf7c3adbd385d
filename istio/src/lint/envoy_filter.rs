//! EnvoyFilters: what can be told of a patch without a proxy.

use std::collections::BTreeSet;

use graylane_rules::Severity;

use super::{Mesh, names};
use crate::{
    EnvoyFilter,
    envoy_filter::{ApplyTo, Object, Operation, Patch},
    message,
    plugin::minor,
    proxy::Context,
    report::{Report, meant},
    yaml::{Node, quoted},
};

/// `added` are the names of filters that patches of these files add.
pub(super) fn check(filter: &EnvoyFilter, document: &Node, added: &BTreeSet<String>, mesh: &Mesh, report: &mut Report) {
    object(filter, document, mesh, report);
    for patch in &filter.patches {
        dead(patch, report);
        operation(patch, mesh, report);
        object_of_match(patch, report);
        context(patch, report);
        version(patch, mesh, report);
        position(patch, report);
        anchors(patch, added, report);
        virtual_port(patch, report);
        code(patch, report);
    }
    let written = document.at(&["spec", "configPatches"]).map(Node::items).unwrap_or_default();
    for (index, node) in written.iter().enumerate() {
        if let Some(class) = node.at(&["patch", "filterClass"]) {
            let path = format!("spec.configPatches[{index}].patch.filterClass");
            let expected = "an INSERT_BEFORE with a subFilter: no istiod has code for filterClass";
            report.warning("filter-class-ignored", &path, &class.span, class.describe(), expected);
        }
        if let Some(port) = node.at(&["match", "listener", "portName"]) {
            let path = format!("spec.configPatches[{index}].match.listener.portName");
            report.error(
                "port-name-ignored",
                &path,
                &port.span,
                port.describe(),
                "portNumber: no istiod looks at portName",
            );
        }
        zeros(node, index, report);
    }
}

/// The object as a whole: whom it is for, and in which order.
fn object(filter: &EnvoyFilter, document: &Node, mesh: &Mesh, report: &mut Report) {
    let spec = document.field("spec").unwrap_or(document);
    let metadata = document.field("metadata").unwrap_or(document);
    if spec.field("priority").is_none() {
        let expected =
            "a priority: filters of equal priority are ordered by their age, so re-creating one reorders them";
        report.warning("priority-missing", "spec", &head(spec), "no priority".to_owned(), expected);
    }
    let has = |key| spec.field(key).is_some();
    if has("workloadSelector") && has("targetRefs") {
        let found = "workloadSelector and targetRefs".to_owned();
        report.error("selector-ambiguous", "spec", &head(spec), found, "one of them");
    }
    if filter.selector.is_none() && filter.targets.is_empty() {
        let everyone = if filter.namespace == mesh.root_namespace { "every namespace" } else { "its namespace" };
        let found = format!("no workloadSelector, so that it is for every proxy of {everyone}");
        report.warning("selector-missing", "spec", &head(spec), found, "labels of the pods that are meant");
    } else if filter.namespace == mesh.root_namespace {
        let found = format!("the root namespace {}", quoted(&filter.namespace));
        let expected = "the namespace of the pods: in this one it is for pods with these labels in every namespace";
        report.warning("root-namespace", "metadata.namespace", &head(metadata), found, expected);
    }
    for (kind, name) in filter.targets.iter().filter(|(kind, _)| kind != "Gateway") {
        let found = format!("{kind} {name} in targetRefs");
        let expected = "a Gateway of the group gateway.networking.k8s.io, or a WasmPlugin: nothing else is looked for, and \
                        EnvoyFilters on waypoints are not supported by Istio";
        report.error("waypoint-unsupported", "spec.targetRefs", &head(spec), found, expected);
    }
}

/// The first line of a map is place enough for what is missing in it.
fn head(node: &Node) -> std::ops::Range<usize> {
    let first = node.entries().first().map_or(node.span.clone(), |entry| entry.key_span.clone());
    first.start..first.end
}

fn dead(patch: &Patch, report: &mut Report) {
    if patch.apply_to == ApplyTo::Bootstrap {
        let expected = "a ConfigMap with custom_bootstrap.json, which pods name by the annotation \
                        sidecar.istio.io/bootstrapOverride: BOOTSTRAP patches have had no effect since Istio 1.21";
        let path = format!("{}.applyTo", patch.path);
        report.error("bootstrap-ignored", &path, &patch.apply_to_span, "BOOTSTRAP".to_owned(), expected);
    }
}

/// What istiod carries out for each kind of object.
fn carried_out(apply_to: ApplyTo) -> &'static [Operation] {
    use Operation::{Add, InsertAfter, InsertBefore, InsertFirst, Merge, MergeAndReplaceList, Remove, Replace};
    match apply_to {
        ApplyTo::Listener | ApplyTo::FilterChain | ApplyTo::Cluster => {
            &[Add, InsertBefore, InsertAfter, InsertFirst, Merge, MergeAndReplaceList, Remove]
        }
        ApplyTo::NetworkFilter | ApplyTo::HttpFilter | ApplyTo::ListenerFilter => {
            &[Add, InsertBefore, InsertAfter, InsertFirst, Replace, Remove, Merge]
        }
        ApplyTo::RouteConfiguration => &[Merge, MergeAndReplaceList],
        ApplyTo::VirtualHost => {
            &[Add, InsertBefore, InsertAfter, InsertFirst, Replace, Remove, Merge, MergeAndReplaceList]
        }
        ApplyTo::HttpRoute => &[Add, InsertBefore, InsertAfter, InsertFirst, Remove, Merge, MergeAndReplaceList],
        ApplyTo::ExtensionConfig => &[Add, InsertBefore, InsertAfter, InsertFirst],
        ApplyTo::Bootstrap => &[],
    }
}

fn operation(patch: &Patch, mesh: &Mesh, report: &mut Report) {
    let path = format!("{}.patch.operation", patch.path);
    let name = patch.operation.name();
    if patch.apply_to == ApplyTo::Bootstrap {
        return;
    }
    let able = carried_out(patch.apply_to);
    let newer =
        patch.operation == Operation::MergeAndReplaceList && minor(&mesh.version).is_some_and(|minor| minor < 31);
    if newer && able.contains(&patch.operation) {
        let expected = format!("MERGE: Istio {} does not know this one, which came with 1.31", mesh.version);
        report.error("operation-ignored", &path, &patch.operation_span, name.to_owned(), &expected);
        return;
    }
    if !able.contains(&patch.operation) {
        let able: Vec<_> = able.iter().filter(|one| !one.is_insert() || patch.apply_to.has_order()).collect();
        let able: Vec<_> = able.iter().map(|operation| operation.name()).collect();
        let expected = format!("one of {}: on {} this does nothing", able.join(", "), patch.apply_to.name());
        report.error("operation-ignored", &path, &patch.operation_span, name.to_owned(), &expected);
    } else if patch.effective() != patch.operation {
        let expected = format!("ADD, which istiod takes it for: {} has no order", patch.apply_to.name());
        report.warning("insert-becomes-add", &path, &patch.operation_span, name.to_owned(), &expected);
    }
    let chain = patch.matching.chain();
    let listener_filter = patch.matching.listener().is_some_and(|listener| listener.listener_filter.is_some());
    let (says, what) = match patch.apply_to {
        ApplyTo::HttpFilter => (chain.is_some_and(|chain| chain.sub_filter.is_some()), "a subFilter"),
        ApplyTo::NetworkFilter => (chain.is_some_and(|chain| chain.filter.is_some()), "a filter"),
        ApplyTo::ListenerFilter => (listener_filter, "a listenerFilter"),
        _ => return,
    };
    let merges_none = patch.apply_to == ApplyTo::ListenerFilter && patch.operation == Operation::Merge;
    if !says && (matches!(patch.operation, Operation::Replace | Operation::Remove) || merges_none) {
        let found = format!("{name} without {what}, which does nothing");
        report.error("match-missing", &path, &patch.operation_span, found, &format!("a match that names {what}"));
    }
    if !says && patch.operation == Operation::Merge && patch.apply_to == ApplyTo::HttpFilter {
        let found = "MERGE without a subFilter: into every HTTP filter there is".to_owned();
        let expected =
            "a match that names a subFilter: filters of another type make istiod give up all patches of the listeners";
        report.error("merges-into-all", &path, &patch.operation_span, found, expected);
    }
}

fn object_of_match(patch: &Patch, report: &mut Report) {
    let right = match patch.apply_to {
        ApplyTo::Cluster => "cluster",
        ApplyTo::RouteConfiguration | ApplyTo::VirtualHost | ApplyTo::HttpRoute => "routeConfiguration",
        ApplyTo::ExtensionConfig | ApplyTo::Bootstrap => return,
        _ => "listener",
    };
    let found = match patch.matching.object {
        // Of waypoints it is told elsewhere that nothing is implemented.
        Object::Any | Object::Waypoint => return,
        Object::Listener(_) => "listener",
        Object::Route(_) => "routeConfiguration",
        Object::Cluster(_) => "cluster",
    };
    let path = format!("{}.match", patch.path);
    if found != right {
        let expected =
            format!("{right}: {} is about nothing else, and Istio's webhook refuses it", patch.apply_to.name());
        report.error("match-of-another-kind", &path, &patch.matching.span, found.to_owned(), &expected);
        return;
    }
    let Some(chain) = patch.matching.chain() else { return };
    if chain.sub_filter.is_some() && patch.apply_to != ApplyTo::HttpFilter {
        let expected =
            "applyTo: HTTP_FILTER: a subFilter is looked at there alone, and Istio's webhook refuses it elsewhere";
        report.error("sub-filter-ignored", &path, &chain.span, "a subFilter".to_owned(), expected);
    }
    if chain.filter.is_some() && matches!(patch.apply_to, ApplyTo::Listener | ApplyTo::FilterChain) {
        let found = format!("a filter in a match of {}", patch.apply_to.name());
        report.error("filter-ignored", &path, &chain.span, found, "no filter: it is not looked at there");
    }
}

fn context(patch: &Patch, report: &mut Report) {
    let path = format!("{}.match.context", patch.path);
    let context = patch.matching.context;
    let name = context.name().to_owned();
    if context == Context::Waypoint || matches!(patch.matching.object, Object::Waypoint) {
        let expected = "a WasmPlugin with targetRefs: no istiod implements EnvoyFilters for waypoints";
        report.error("waypoint-unsupported", &path, &patch.matching.span, "WAYPOINT".to_owned(), expected);
    } else if patch.apply_to == ApplyTo::ExtensionConfig && context != Context::Any {
        let expected = "no context: istiod does not look at it, and sends the extension to whoever asks for its name";
        report.warning("context-ignored", &path, &patch.matching.span, name, expected);
    } else if context == Context::Any && patch.effective() == Operation::Add && patch.apply_to == ApplyTo::Cluster {
        let expected = "SIDECAR_OUTBOUND, SIDECAR_INBOUND or GATEWAY: for any it is added to outbound and gateways, not to inbound";
        report.warning("context-missing", &path, &patch.span, "no context".to_owned(), expected);
    } else if context == Context::Any && patch.apply_to == ApplyTo::HttpFilter && patch.operation != Operation::Remove {
        let found = "no context, so that in sidecars a request passes it twice: when it leaves one and when it enters the other";
        report.warning(
            "context-missing",
            &path,
            &patch.span,
            found.to_owned(),
            "SIDECAR_OUTBOUND or GATEWAY, where routes are chosen",
        );
    }
}

fn version(patch: &Patch, mesh: &Mesh, report: &mut Report) {
    let Some(version) = &patch.matching.version else {
        let relies = patch.matching.chain().is_some_and(|chain| chain.filter.is_some());
        if relies || patch.apply_to == ApplyTo::ExtensionConfig {
            let expected = r"a proxyVersion such as '^1\.(30|31)\.', so that a version nobody looked at stays as it is";
            let path = format!("{}.match.proxy", patch.path);
            report.warning("version-missing", &path, &patch.apply_to_span, "no proxyVersion".to_owned(), expected);
        }
        return;
    };
    let path = format!("{}.match.proxy.proxyVersion", patch.path);
    let Some(regex) = &version.regex else {
        let found = format!("{} characters", version.text.len());
        report.error("version-too-long", &path, &version.span, found, "at most 1024: a longer one matches no proxy");
        return;
    };
    // Whether a version that is written alike matches as well: 11.30.0, 1.300.0.
    let matches = |version: String| regex.is_match(&version);
    let mut likes = (24..=40).filter(|minor| matches(format!("1.{minor}.0")));
    let loose = likes.any(|minor| matches(format!("11.{minor}.0")) || matches(format!("1.{minor}0.0")));
    if loose {
        let expected =
            r"'^1\.30\.' for all of 1.30: it is looked for anywhere in the version, so that others may match as well";
        report.warning("version-unanchored", &path, &version.span, quoted(&version.text), expected);
    }
    if !regex.is_match(&mesh.version) {
        let expected = format!("an expression that {} matches: on it the patch does nothing", mesh.version);
        report.warning("version-other", &path, &version.span, quoted(&version.text), &expected);
    }
}

const ROUTER: &str = "envoy.filters.http.router";
const RBAC: &str = "envoy.filters.http.rbac";
const GRPC_STATS: &str = "envoy.filters.http.grpc_stats";

/// What stands before requests are let in, and what lets them in, in their order.
const EARLY: [&str; 5] =
    ["istio.metadata_exchange", "envoy.filters.http.ext_authz", "envoy.filters.http.jwt_authn", "istio_authn", RBAC];

fn position(patch: &Patch, report: &mut Report) {
    if patch.apply_to != ApplyTo::HttpFilter {
        return;
    }
    let path = format!("{}.patch.operation", patch.path);
    let sub_filter = patch.matching.chain().and_then(|chain| chain.sub_filter.as_deref());
    let at_end = match patch.operation {
        Operation::Add => true,
        Operation::InsertAfter => sub_filter.is_none_or(|name| name == ROUTER),
        _ => false,
    };
    if at_end {
        let expected = "INSERT_BEFORE with the subFilter envoy.filters.http.grpc_stats: behind the router, which must be the last, \
                        Envoy refuses the whole listener";
        report.error("after-router", &path, &patch.operation_span, patch.operation.name().to_owned(), expected);
    }
    let is_early = |name: &str| EARLY.contains(&name);
    let first = match patch.operation {
        Operation::InsertFirst => true,
        Operation::InsertBefore => sub_filter.is_none_or(is_early),
        Operation::InsertAfter => sub_filter.is_some_and(|name| is_early(name) && name != RBAC),
        _ => false,
    };
    if first {
        let expected = "INSERT_BEFORE with the subFilter envoy.filters.http.grpc_stats: at the very beginning it runs before \
                        authentication and authorization";
        report.warning(
            "before-authorization",
            &path,
            &patch.operation_span,
            patch.operation.name().to_owned(),
            expected,
        );
    }
    if sub_filter == Some(ROUTER) && matches!(patch.operation, Operation::Remove | Operation::Replace) {
        let expected = "the router left where it is: Envoy refuses the whole listener, whose last filter has to be one";
        report.error("router-removed", &path, &patch.operation_span, patch.operation.name().to_owned(), expected);
    }
    // What comes into a sidecar has one route, to the application.
    if patch.matching.context == Context::SidecarInbound {
        return;
    }
    let behind_routes = match (patch.operation, sub_filter) {
        (Operation::InsertBefore, Some(name)) => acts_on_route(name) && !["istio.alpn", GRPC_STATS].contains(&name),
        (Operation::InsertAfter, Some(name)) => acts_on_route(name) && name != ROUTER,
        _ => false,
    };
    if behind_routes {
        let expected = "INSERT_BEFORE envoy.filters.http.grpc_stats, if it changes headers that routes look at: istio.alpn, fault and \
                        cors before it have acted on the route without them";
        report.warning("behind-route", &path, &patch.operation_span, patch.operation.name().to_owned(), expected);
    }
}

fn acts_on_route(name: &str) -> bool {
    let filters =
        [GRPC_STATS, "istio.alpn", "envoy.filters.http.fault", "envoy.filters.http.cors", "istio.stats", ROUTER];
    filters.contains(&name)
}

/// The ports of `virtualInbound` and `virtualOutbound`, which no filter chain of theirs is for.
fn virtual_port(patch: &Patch, report: &mut Report) {
    let Some(listener) = patch.matching.listener().filter(|_| patch.apply_to != ApplyTo::Listener) else { return };
    if let Some(port) = listener.port.filter(|port| [15001, 15006].contains(port)) {
        let path = format!("{}.match.listener.portNumber", patch.path);
        let expected = "the port of the service: of this listener it is compared with what the filter chains are for";
        report.error("port-virtual", &path, &listener.span, port.to_string(), expected);
    }
}

/// Names that a match is anchored on.
fn anchors(patch: &Patch, added: &BTreeSet<String>, report: &mut Report) {
    let Some(chain) = patch.matching.chain() else { return };
    let path = format!("{}.match.listener.filterChain.filter", patch.path);
    for name in [&chain.filter, &chain.sub_filter].into_iter().flatten() {
        if let Some(new) = names::renamed(name) {
            report.error("filter-renamed", &path, &chain.span, quoted(name), &format!("{new}, as it is called now"));
        } else if names::is_plugins(name) {
            let expected = "a filter of istiod's own: the names of plugins changed at Istio 1.26 and 1.30";
            report.error("plugin-name", &path, &chain.span, quoted(name), expected);
        } else if name.is_empty() {
            report.error(
                "filter-nameless",
                &path,
                &chain.span,
                "no name".to_owned(),
                "the filter's name: it is refused without one",
            );
        }
    }
    let Some(name) = chain.sub_filter.as_deref().filter(|name| names::renamed(name).is_none()) else { return };
    let Some(known) = names::http_filter(name) else {
        if !names::is_plugins(name) && !name.is_empty() && !added.contains(name) {
            let all = names::HTTP_FILTERS.iter().map(|known| known.name);
            let meant = meant(graylane_rules::nearest(name, all));
            let expected = format!(
                "a filter that istiod makes, or one of another patch: where none has this name, nothing happens{meant}"
            );
            report.warning("filter-unknown", &path, &chain.span, quoted(name), &expected);
        }
        return;
    };
    if !known.is_in(patch.matching.context) {
        let expected = "a filter that inbound listeners have: where none has this name, nothing happens".to_owned();
        report.error("filter-elsewhere", &path, &chain.span, quoted(name), &expected);
    } else if let Some(condition) = known.condition {
        let expected = format!(
            "envoy.filters.http.grpc_stats, which is always there: this one is only where there is {condition}"
        );
        report.warning("filter-conditional", &path, &chain.span, quoted(name), &expected);
    }
}

/// Remote code where the agent does not look for it.
fn code(patch: &Patch, report: &mut Report) {
    let Some(value) = &patch.value else { return };
    let config = message::unpacked(value, "typed_config")
        .filter(|inner| prost_reflect::ReflectMessage::descriptor(inner).full_name() == crate::plugin::WASM);
    let remote = config.and_then(|wasm| message::at(&wasm, &["config", "vm_config", "code", "remote"]));
    if remote.is_some() && patch.apply_to != ApplyTo::ExtensionConfig {
        let path = format!("{}.patch.value.typed_config", patch.path);
        let expected =
            "an EXTENSION_CONFIG, and config_discovery here: Istio's agent fetches code for extensions alone";
        report.error("code-not-fetched", &path, &patch.span, "code.remote in a filter".to_owned(), expected);
    }
}

/// What a MERGE writes and cannot change: the zero of its type is the same as nothing.
fn zeros(node: &Node, index: usize, report: &mut Report) {
    let operation = node.at(&["patch", "operation"]).and_then(Node::text).unwrap_or_default();
    let Some(value) = node.at(&["patch", "value"]).filter(|_| operation.starts_with("MERGE")) else { return };
    let apply_to = node.field("applyTo").and_then(Node::text).unwrap_or_default();
    for misfit in crate::envoy_filter::zeros(value, apply_to) {
        report.misfit(Severity::Warning, "merge-zero", &format!("spec.configPatches[{index}].patch.value"), &misfit);
    }
}
