//! The proxies that are built in: what istiod sends a sidecar and a gateway, to apply patches to.

use prost_reflect::DynamicMessage;

use crate::{
    api::{self, Reading},
    patch::Resources,
    proxy::{Kind, Proxy},
    yaml::{self, Node},
};

const SIDECAR: &str = include_str!("../fixtures/sidecar.yaml");
const GATEWAY: &str = include_str!("../fixtures/gateway.yaml");

/// A proxy of Istio `version`, and what istiod sends it before any patch.
///
/// The sidecar is that of `app: frontend` in the namespace `shop`, the gateway `istio: ingressgateway` in `istio-ingress`. None for a
/// waypoint: of what patches do there, nothing is promised.
pub fn built_in(kind: Kind, version: &str) -> Option<(Proxy, Resources)> {
    let text = match kind {
        Kind::Sidecar => SIDECAR,
        Kind::Gateway => GATEWAY,
        Kind::Waypoint => return None,
    };
    let document = yaml::read(text).ok()?.into_iter().next()?;
    let namespace = document.at(&["proxy", "namespace"])?.text()?.to_owned();
    let labels = document.at(&["proxy", "labels"])?.entries().iter();
    let labels: Vec<_> = labels.filter_map(|entry| Some((entry.key.as_str(), entry.node.text()?))).collect();
    let proxy = Proxy::new(kind, &namespace, &labels, version);
    let resources = Resources {
        listeners: read(&document, "listeners", "envoy.config.listener.v3.Listener"),
        routes: read(&document, "routes", "envoy.config.route.v3.RouteConfiguration"),
        clusters: read(&document, "clusters", "envoy.config.cluster.v3.Cluster"),
        extensions: Vec::new(),
    };
    Some((proxy, resources))
}

fn read(document: &Node, key: &str, message: &str) -> Vec<DynamicMessage> {
    let Some(message) = api::message(message) else { return Vec::new() };
    let items = document.field(key).map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| Reading::of(item, &message).message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_them_is_dropped() {
        for (text, counts) in [(SIDECAR, [3, 1, 6]), (GATEWAY, [1, 1, 4])] {
            let document = &yaml::read(text).unwrap()[0];
            let kinds = [
                ("listeners", "envoy.config.listener.v3.Listener"),
                ("routes", "envoy.config.route.v3.RouteConfiguration"),
                ("clusters", "envoy.config.cluster.v3.Cluster"),
            ];
            for ((key, message), count) in kinds.into_iter().zip(counts) {
                let items = document.field(key).unwrap().items();
                assert_eq!(items.len(), count, "{key}");
                for item in items {
                    let reading = Reading::of(item, &api::message(message).unwrap());
                    assert_eq!((reading.wrong, reading.unknown), (Vec::new(), Vec::new()), "{key}");
                }
            }
        }
    }
}
