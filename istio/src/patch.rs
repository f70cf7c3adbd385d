//! Patches applied to a proxy's resources, as istiod applies them (`pilot/pkg/networking/core/envoyfilter`).

mod clusters;
mod http_filters;
mod listeners;
mod network_filters;
mod ordered;
mod predicates;
mod routes;

use std::collections::BTreeSet;

pub(crate) use http_filters::{discovered_places, manager};

use prost_reflect::DynamicMessage;

use crate::{
    envoy_filter::{ApplyTo, Operation},
    merge::{Lists, TypeMismatch},
    message,
    proxy::{Context, Kind, Proxy},
    select::Selected,
};

/// What istiod sends a proxy.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// LDS.
    pub listeners: Vec<DynamicMessage>,
    /// RDS.
    pub routes: Vec<DynamicMessage>,
    /// CDS.
    pub clusters: Vec<DynamicMessage>,
    /// ECDS.
    pub extensions: Vec<DynamicMessage>,
}

/// One thing that a patch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The index of the EnvoyFilter.
    pub filter: usize,
    /// The index of the patch within it.
    pub patch: usize,
    /// Where: `listener 0.0.0.0_8080, chain default`.
    pub place: String,
    /// What.
    pub change: Change,
}

/// What a patch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put something new at a position, from 0, of a list that was so long without it; behind and before which name it stands.
    Added {
        /// What was added, by its name.
        name: String,
        /// Where it stands.
        at: usize,
        /// The name of what stands before it, if any.
        behind: Option<String>,
        /// The name of what stands behind it, if any.
        before: Option<String>,
    },
    /// Merged into, or replaced, what has this name.
    Changed(String),
    /// Removed what has this name.
    Removed(String),
    /// Was meant for what has this name, and could not be merged into it: istiod panics, and no later patch of its kind has an
    /// effect on this proxy.
    Panicked(String, TypeMismatch),
}

/// The patches of one proxy, and what they did so far.
struct Patching<'f> {
    patches: &'f [Selected<'f>],
    context: Context,
    effects: Vec<Effect>,
}

/// istiod gave up applying patches to a kind of resources; what was done by then stays.
struct Panicked;

impl<'f> Patching<'f> {
    /// The patches of `apply_to` for this context.
    fn of(&self, apply_to: ApplyTo) -> impl Iterator<Item = Selected<'f>> + use<'f> {
        let context = self.context;
        self.patches.iter().copied().filter(move |selected| {
            selected.patch.apply_to == apply_to && [Context::Any, context].contains(&selected.patch.matching.context)
        })
    }

    fn did(&mut self, selected: &Selected<'_>, place: &str, change: Change) {
        let (filter, patch) = (selected.filter, selected.index);
        self.effects.push(Effect { filter, patch, place: place.to_owned(), change });
    }

    /// Merges the value of a patch into `there`, which is called `name`.
    fn merge(
        &mut self,
        selected: &Selected<'_>,
        place: &str,
        name: &str,
        there: &mut DynamicMessage,
    ) -> Result<(), Panicked> {
        let Some(value) = &selected.patch.value else { return Ok(()) };
        let merged = crate::merge::merge(there, value, lists(selected.patch.operation));
        self.outcome(selected, place, name, merged)
    }

    fn outcome(
        &mut self,
        selected: &Selected<'_>,
        place: &str,
        name: &str,
        merged: Result<(), TypeMismatch>,
    ) -> Result<(), Panicked> {
        match merged {
            Ok(()) => self.did(selected, place, Change::Changed(name.to_owned())),
            Err(why) => {
                self.did(selected, place, Change::Panicked(name.to_owned(), why));
                return Err(Panicked);
            }
        }
        Ok(())
    }
}

/// A filter chain in words; many have no name.
pub(crate) fn place_of(listener: &DynamicMessage, chain: &DynamicMessage) -> String {
    let (listener, chain) = (message::text(listener, "name"), message::text(chain, "name"));
    if chain.is_empty() { format!("listener {listener}") } else { format!("listener {listener}, filter chain {chain}") }
}

fn lists(operation: Operation) -> Lists {
    if operation == Operation::MergeAndReplaceList { Lists::Replace } else { Lists::Append }
}

/// Applies `patches`, which were [selected](crate::select::select()) for `proxy`, to its `resources`, and tells all they did.
///
/// Listeners and clusters of a sidecar are told apart as inbound and outbound by their direction and name. Bootstrap patches
/// do nothing, as they have since Istio 1.21.
pub fn apply(patches: &[Selected<'_>], proxy: &Proxy, resources: &mut Resources) -> Vec<Effect> {
    let mut effects = Vec::new();
    let about = |kinds: &[ApplyTo]| patches.iter().any(|selected| kinds.contains(&selected.patch.apply_to));
    // What no patch is about need not be taken apart.
    let (of_clusters, of_routes) = (about(&[ApplyTo::Cluster]), about(&ROUTES));
    let of_listeners = of_routes || about(&LISTENERS);
    for &context in proxy.contexts() {
        let mut patching = Patching { patches, context, effects: Vec::new() };
        let is_in = |direction: Context| proxy.kind != Kind::Sidecar || direction == context;
        if of_clusters {
            let (mut mine, others) =
                split(std::mem::take(&mut resources.clusters), |one| is_in(cluster_direction(one)));
            clusters::apply(&mut patching, &mut mine);
            resources.clusters = rejoined(mine, others);
        }
        // Routes of a sidecar that come by RDS are outbound; inbound ones stand in their listeners.
        if of_routes && (context != Context::SidecarInbound || proxy.kind == Kind::Waypoint) {
            routes::apply(&mut patching, &mut resources.routes);
        }
        if of_listeners {
            let all = std::mem::take(&mut resources.listeners);
            let (mut mine, others) = split(all, |one| is_in(listener_direction(one)));
            listeners::apply(&mut patching, &mut mine);
            resources.listeners = rejoined(mine, others);
        }
        effects.append(&mut patching.effects);
    }
    if about(&[ApplyTo::ExtensionConfig]) {
        extensions(patches, resources, &mut effects);
    }
    effects
}

/// What is about routes; a sidecar's inbound ones stand in its listeners.
const ROUTES: [ApplyTo; 3] = [ApplyTo::RouteConfiguration, ApplyTo::VirtualHost, ApplyTo::HttpRoute];

/// What is about listeners, and what is in them.
const LISTENERS: [ApplyTo; 5] =
    [ApplyTo::Listener, ApplyTo::FilterChain, ApplyTo::NetworkFilter, ApplyTo::HttpFilter, ApplyTo::ListenerFilter];

fn split(
    all: Vec<DynamicMessage>,
    mine: impl Fn(&DynamicMessage) -> bool,
) -> (Vec<DynamicMessage>, Vec<DynamicMessage>) {
    all.into_iter().partition(mine)
}

fn rejoined(mut mine: Vec<DynamicMessage>, mut others: Vec<DynamicMessage>) -> Vec<DynamicMessage> {
    others.append(&mut mine);
    others
}

/// `traffic_direction` is 1 for what comes in.
pub(crate) fn listener_direction(listener: &DynamicMessage) -> Context {
    let direction = listener.get_field_by_name("traffic_direction").and_then(|value| value.as_enum_number());
    if direction == Some(1) { Context::SidecarInbound } else { Context::SidecarOutbound }
}

fn cluster_direction(cluster: &DynamicMessage) -> Context {
    let name = message::text(cluster, "name");
    let inbound = name.starts_with("inbound|") || name.starts_with("InboundPassthroughCluster");
    if inbound { Context::SidecarInbound } else { Context::SidecarOutbound }
}

/// What HTTP filters ask for by name is sent; `match.context` has no say, and of two with one name both are sent.
fn extensions(patches: &[Selected<'_>], resources: &mut Resources, effects: &mut Vec<Effect>) {
    let asked: BTreeSet<String> = resources.listeners.iter().flat_map(http_filters::discovered).collect();
    for selected in patches {
        let patch = selected.patch;
        let adds = patch.apply_to == ApplyTo::ExtensionConfig && patch.effective() == Operation::Add;
        if let Some(value) = patch.value.as_ref().filter(|_| adds)
            && asked.contains(&message::text(value, "name"))
        {
            let name = message::text(value, "name");
            let at = resources.extensions.len();
            resources.extensions.push(value.clone());
            let change = Change::Added { name, at, behind: None, before: None };
            let (filter, patch) = (selected.filter, selected.index);
            effects.push(Effect { filter, patch, place: "extension configurations".to_owned(), change });
        }
    }
}
