//! An EnvoyFilter, read as istiod reads it.

mod matching;

use std::{collections::BTreeMap, ops::Range};

use graylane_rules::Severity;
use prost_reflect::DynamicMessage;

use crate::{
    api::{self, Misfit, Reading},
    form::{Form, targets},
    report::Report,
    yaml::Node,
};

pub use matching::{Action, ClusterMatch, FilterChainMatch, ListenerMatch, Match, Object, RouteMatch, VhostMatch};

/// What a patch is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum ApplyTo {
    Listener,
    FilterChain,
    NetworkFilter,
    HttpFilter,
    RouteConfiguration,
    VirtualHost,
    HttpRoute,
    Cluster,
    ExtensionConfig,
    Bootstrap,
    ListenerFilter,
}

impl ApplyTo {
    const NAMES: [(&'static str, ApplyTo); 11] = [
        ("LISTENER", ApplyTo::Listener),
        ("FILTER_CHAIN", ApplyTo::FilterChain),
        ("NETWORK_FILTER", ApplyTo::NetworkFilter),
        ("HTTP_FILTER", ApplyTo::HttpFilter),
        ("ROUTE_CONFIGURATION", ApplyTo::RouteConfiguration),
        ("VIRTUAL_HOST", ApplyTo::VirtualHost),
        ("HTTP_ROUTE", ApplyTo::HttpRoute),
        ("CLUSTER", ApplyTo::Cluster),
        ("EXTENSION_CONFIG", ApplyTo::ExtensionConfig),
        ("BOOTSTRAP", ApplyTo::Bootstrap),
        ("LISTENER_FILTER", ApplyTo::ListenerFilter),
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, to)| *to == self).map_or("", |(name, _)| name)
    }

    /// The message that a patch's value is.
    fn message(self) -> &'static str {
        match self {
            ApplyTo::Listener => "envoy.config.listener.v3.Listener",
            ApplyTo::FilterChain => "envoy.config.listener.v3.FilterChain",
            ApplyTo::NetworkFilter => "envoy.config.listener.v3.Filter",
            ApplyTo::ListenerFilter => "envoy.config.listener.v3.ListenerFilter",
            ApplyTo::HttpFilter => "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
            ApplyTo::RouteConfiguration => "envoy.config.route.v3.RouteConfiguration",
            ApplyTo::VirtualHost => "envoy.config.route.v3.VirtualHost",
            ApplyTo::HttpRoute => "envoy.config.route.v3.Route",
            ApplyTo::Cluster => "envoy.config.cluster.v3.Cluster",
            ApplyTo::ExtensionConfig => "envoy.config.core.v3.TypedExtensionConfig",
            ApplyTo::Bootstrap => "envoy.config.bootstrap.v3.Bootstrap",
        }
    }

    /// Whether INSERT_* means something of its own here; elsewhere istiod takes it for ADD.
    pub fn has_order(self) -> bool {
        matches!(self, ApplyTo::HttpFilter | ApplyTo::NetworkFilter | ApplyTo::HttpRoute | ApplyTo::ListenerFilter)
    }
}

/// What a patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum Operation {
    Merge,
    Add,
    Remove,
    InsertBefore,
    InsertAfter,
    InsertFirst,
    Replace,
    /// From Istio 1.31 on.
    MergeAndReplaceList,
}

impl Operation {
    const NAMES: [(&'static str, Operation); 8] = [
        ("MERGE", Operation::Merge),
        ("ADD", Operation::Add),
        ("REMOVE", Operation::Remove),
        ("INSERT_BEFORE", Operation::InsertBefore),
        ("INSERT_AFTER", Operation::InsertAfter),
        ("INSERT_FIRST", Operation::InsertFirst),
        ("REPLACE", Operation::Replace),
        ("MERGE_AND_REPLACE_LIST", Operation::MergeAndReplaceList),
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, operation)| *operation == self).map_or("", |(name, _)| name)
    }

    /// Whether it merges into what is there.
    pub fn is_merge(self) -> bool {
        matches!(self, Operation::Merge | Operation::MergeAndReplaceList)
    }

    /// Whether it puts something at a certain place.
    pub fn is_insert(self) -> bool {
        matches!(self, Operation::InsertBefore | Operation::InsertAfter | Operation::InsertFirst)
    }
}

/// One of `configPatches`.
#[derive(Clone, Debug)]
pub struct Patch {
    /// What it is applied to.
    pub apply_to: ApplyTo,
    /// Where.
    pub matching: Match,
    /// What it does, as it is written; [`Patch::effective`] is what istiod takes it for.
    pub operation: Operation,
    /// What it adds or merges; None where it removes, and where what is written is no such message.
    pub value: Option<DynamicMessage>,
    /// The bytes of the file: the whole patch.
    pub span: Range<usize>,
    /// The bytes of its operation.
    pub operation_span: Range<usize>,
    /// The bytes of its `applyTo`.
    pub apply_to_span: Range<usize>,
    /// Where it stands: `spec.configPatches[0]`.
    pub path: String,
}

impl Patch {
    /// The operation as istiod carries it out.
    pub fn effective(&self) -> Operation {
        if self.operation.is_insert() && !self.apply_to.has_order() { Operation::Add } else { self.operation }
    }
}

/// What an EnvoyFilter is about and what it does there.
#[derive(Clone, Debug)]
pub struct EnvoyFilter {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.creationTimestamp` as it is written, which sorts as text; empty for what is not in a cluster yet: last.
    pub created: String,
    /// Lower ones are applied first.
    pub priority: i32,
    /// The labels of the pods; None: all of the namespace.
    pub selector: Option<BTreeMap<String, String>>,
    /// Whether it names gateways or services (`targetRefs`), as (kind, name).
    pub targets: Vec<(String, String)>,
    /// What it does, in the order of the document, without what istiod skips.
    pub patches: Vec<Patch>,
}

impl EnvoyFilter {
    /// Reads `document`, a whole object of this kind. What is wrong goes to `report`; patches that istiod would skip are left
    /// out. None where there is no spec to read.
    pub fn read(document: &Node, report: &mut Report) -> Option<Self> {
        let metadata = |key| document.at(&["metadata", key]).and_then(Node::text).unwrap_or_default().to_owned();
        let (name, namespace, created) = (metadata("name"), metadata("namespace"), metadata("creationTimestamp"));
        let spec = document.field("spec")?;
        let known = ["workloadSelector", "targetRefs", "configPatches", "priority"];
        let mut spec = Form::open(spec, "spec", &known, report)?;
        let priority = spec.number("priority").unwrap_or(0);
        let selector = match spec.node("workloadSelector") {
            Some(node) => {
                let mut selector = Form::open(node, "spec.workloadSelector", &["labels"], spec.report)?;
                selector.texts("labels").filter(|labels| !labels.is_empty())
            }
            None => None,
        };
        let targets = targets(spec.items("targetRefs").iter());
        let written = spec.items("configPatches");
        let patches = written.iter().enumerate();
        let patches = patches.filter_map(|(index, node)| patch(node, index, spec.report)).collect();
        Some(Self { name, namespace, created, priority, selector, targets, patches })
    }
}

/// One of `configPatches`; None for what istiod's webhook or istiod itself refuses.
fn patch(node: &Node, index: usize, report: &mut Report) -> Option<Patch> {
    let path = format!("spec.configPatches[{index}]");
    let mut form = Form::open(node, &path, &["applyTo", "match", "patch"], report)?;
    let apply_to = form.one_of("applyTo", &ApplyTo::NAMES);
    let matching = match form.node("match") {
        Some(node) => Match::read(node, &form.at("match"), form.report)?,
        None => Match::default(),
    };
    let patch_path = form.at("patch");
    let Some(written) = form.node("patch") else {
        form.report.error("missing-field", &path, &node.span, "no patch".to_owned(), "a patch with an operation");
        return None;
    };
    let known = ["operation", "value", "filterClass"];
    let mut written_form = Form::open(written, &patch_path, &known, form.report)?;
    let operation = written_form.one_of("operation", &Operation::NAMES);
    let value = written_form.node("value");
    let mut missing = |what: &str, where_: &Node, expected: &str| {
        form.report.error("missing-field", &path, &where_.span, format!("no {what}"), expected);
    };
    if apply_to.is_none() && node.field("applyTo").is_none() {
        missing("applyTo", node, "what the patch is applied to");
    }
    if operation.is_none() && written.field("operation").is_none() {
        missing("operation", written, "what the patch does");
    }
    let ((apply_to, apply_to_span), (operation, operation_span)) = (apply_to?, operation?);
    let value = match value {
        Some(node) => Some(message(node, apply_to, &format!("{patch_path}.value"), report)?),
        None if operation == Operation::Remove => None,
        None => {
            let expected = "a value, as every operation but REMOVE has";
            report.error("missing-field", &patch_path, &written.span, "no value".to_owned(), expected);
            return None;
        }
    };
    let span = node.span.clone();
    Some(Patch { apply_to, matching, operation, value, span, operation_span, apply_to_span, path })
}

/// What a value of a MERGE has and what cannot overwrite anything: the zeros of their types.
pub(crate) fn zeros(value: &Node, apply_to: &str) -> Vec<Misfit> {
    let apply_to = ApplyTo::NAMES.iter().find(|(name, _)| *name == apply_to).map(|(_, to)| *to);
    let message = apply_to.and_then(|to| api::message(to.message()));
    message.map(|message| Reading::of(value, &message).zeros).unwrap_or_default()
}

fn message(node: &Node, apply_to: ApplyTo, path: &str, report: &mut Report) -> Option<DynamicMessage> {
    let reading = Reading::of(node, &api::message(apply_to.message())?);
    reading.wrong.iter().for_each(|misfit| report.misfit(Severity::Error, "value-refused", path, misfit));
    reading.unknown.iter().for_each(|misfit| report.misfit(Severity::Error, "value-dropped", path, misfit));
    reading.message
}
