//! From whom variants are inherited.

use schemars::JsonSchema;

/// From whom the variant that a request carries is believed: any of these.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub struct Inherit {
    /// SPIFFE IDs in certificates that Envoy validated, or their first whole segments: spiffe://cluster.local/ns/istio-ingress.
    #[schemars(length(min = 1, max = 100), inner(regex(pattern = "^spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)*/?$")))]
    peers: Option<Vec<String>>,
    /// Networks. Needs `hops`.
    #[schemars(length(min = 1, max = 1000))]
    sources: Option<Vec<String>>,
    /// How many proxies stand between these networks and the Envoy that decides.
    #[schemars(range(min = 0, max = 32))]
    hops: Option<u8>,
    /// The application beside a sidecar, by its outbound listener.
    outbound: Option<bool>,
}
