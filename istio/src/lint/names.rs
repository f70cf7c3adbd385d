//! The filters that istiod puts into proxies, and what they were called once.

use crate::proxy::Context;

/// An HTTP filter that istiod makes, the contexts where it does, and on what condition.
pub(super) struct Known {
    pub(super) name: &'static str,
    /// Whether inbound connection managers have it.
    inbound: bool,
    /// None: always.
    pub(super) condition: Option<&'static str>,
}

const fn known(name: &'static str, inbound: bool, condition: Option<&'static str>) -> Known {
    Known { name, inbound, condition }
}

/// In their order (`buildHTTPConnectionManager`, 1.24 to 1.32).
pub(super) const HTTP_FILTERS: [Known; 14] = [
    known("istio.metadata_exchange", true, None),
    known("envoy.filters.http.ext_authz", true, Some("an AuthorizationPolicy of action CUSTOM")),
    known("envoy.filters.http.jwt_authn", true, Some("a RequestAuthentication")),
    known("istio_authn", true, Some("an istiod that still makes it")),
    known("envoy.filters.http.rbac", true, Some("an AuthorizationPolicy")),
    known("envoy.filters.http.grpc_web", true, Some("a port named grpc-web")),
    known("envoy.filters.http.grpc_stats", true, None),
    known("istio.alpn", false, None),
    known("envoy.filters.http.fault", true, None),
    known("envoy.filters.http.cors", true, None),
    known("istio.stats", true, None),
    known("envoy.filters.http.stateful_session", false, Some("persistent sessions")),
    known("envoy.filters.http.dynamic_forward_proxy", false, Some("a host with dynamic DNS")),
    known("envoy.filters.http.router", true, None),
];

impl Known {
    /// Whether connection managers of this context can have it.
    pub(super) fn is_in(&self, context: Context) -> bool {
        context != Context::SidecarInbound || self.inbound
    }
}

/// The filter `name`.
pub(super) fn http_filter(name: &str) -> Option<&'static Known> {
    HTTP_FILTERS.iter().find(|known| known.name == name)
}

/// Names that Envoy gave up, and what they are now.
const RENAMED: [(&str, &str); 13] = [
    ("envoy.buffer", "envoy.filters.http.buffer"),
    ("envoy.cors", "envoy.filters.http.cors"),
    ("envoy.csrf", "envoy.filters.http.csrf"),
    ("envoy.ext_authz", "envoy.filters.http.ext_authz"),
    ("envoy.fault", "envoy.filters.http.fault"),
    ("envoy.grpc_web", "envoy.filters.http.grpc_web"),
    ("envoy.gzip", "envoy.filters.http.compressor"),
    ("envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"),
    ("envoy.lua", "envoy.filters.http.lua"),
    ("envoy.rate_limit", "envoy.filters.http.ratelimit"),
    ("envoy.router", "envoy.filters.http.router"),
    ("envoy.tcp_proxy", "envoy.filters.network.tcp_proxy"),
    ("envoy.listener.tls_inspector", "envoy.filters.listener.tls_inspector"),
];

/// What a name that Envoy gave up is now.
pub(super) fn renamed(name: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
}

/// Whether it is the name of a plugin's filter, which changes with versions of Istio.
pub(super) fn is_plugins(name: &str) -> bool {
    name.starts_with("extenstions.istio.io/") || name.starts_with("extensions.istio.io/")
}
