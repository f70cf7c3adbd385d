//! A proxy as istiod knows it: what patches are selected and matched by.

use std::collections::BTreeMap;

/// The label of a pod that says which Gateway (of the Gateway API) it serves.
pub(crate) const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";

/// What a proxy stands for in the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Beside a workload.
    Sidecar,
    /// At an edge of the mesh.
    Gateway,
    /// Before the services of an ambient namespace.
    Waypoint,
}

/// Which of a proxy's resources a patch is about (`match.context`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// All of them.
    Any,
    /// What a sidecar does for requests to its workload.
    SidecarInbound,
    /// What a sidecar does for requests of its workload.
    SidecarOutbound,
    /// All that a gateway does.
    Gateway,
    /// What a waypoint does; the API has it, and no istiod implements it.
    Waypoint,
}

impl Context {
    /// The names of `match.context`.
    pub(crate) const NAMES: [(&'static str, Context); 5] = [
        ("ANY", Context::Any),
        ("SIDECAR_INBOUND", Context::SidecarInbound),
        ("SIDECAR_OUTBOUND", Context::SidecarOutbound),
        ("GATEWAY", Context::Gateway),
        ("WAYPOINT", Context::Waypoint),
    ];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, context)| *context == self).map_or("ANY", |(name, _)| name)
    }
}

/// A proxy, and the metadata it told istiod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What it stands for.
    pub kind: Kind,
    /// The namespace of its pod.
    pub namespace: String,
    /// The namespace of Istio's own configuration, which is for all others as well: `istio-system`.
    pub root_namespace: String,
    /// The labels of its pod.
    pub labels: BTreeMap<String, String>,
    /// Its version (`ISTIO_VERSION`): `1.30.2`. Without one no `proxyVersion` matches.
    pub version: Option<String>,
    /// Further metadata, as texts.
    pub metadata: BTreeMap<String, String>,
}

impl Proxy {
    /// A proxy in `namespace` of a mesh whose root namespace is `istio-system`, with labels such as `app=frontend`.
    pub fn new(kind: Kind, namespace: &str, labels: &[(&str, &str)], version: &str) -> Self {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let root_namespace = "istio-system".to_owned();
        let (namespace, version) = (namespace.to_owned(), Some(version.to_owned()));
        Self { kind, namespace, root_namespace, labels, version, metadata: BTreeMap::new() }
    }

    /// Whether an object of `namespace` is for this proxy: by the (kind, name) it targets, or where it has none by the labels it selects.
    pub(crate) fn is_meant(
        &self,
        namespace: &str,
        targets: &[(String, String)],
        labels: &BTreeMap<String, String>,
    ) -> bool {
        if !targets.is_empty() {
            let gateway = self.labels.get(GATEWAY_LABEL);
            return namespace == self.namespace
                && targets.iter().any(|(kind, name)| kind == "Gateway" && gateway == Some(name));
        }
        let near = namespace == self.namespace || namespace == self.root_namespace;
        near && self.kind != Kind::Waypoint && labels.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }

    /// The contexts of its resources.
    pub fn contexts(&self) -> &'static [Context] {
        match self.kind {
            Kind::Sidecar => &[Context::SidecarOutbound, Context::SidecarInbound],
            Kind::Gateway => &[Context::Gateway],
            Kind::Waypoint => &[Context::SidecarInbound],
        }
    }
}
