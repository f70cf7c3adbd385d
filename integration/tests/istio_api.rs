//! What `graylane istio lint` knows of Envoy's API is what Envoy says of itself.

use graylane_integration::{descriptors, envoy_binary};
use graylane_istio::api;

#[test]
fn the_descriptors_are_those_of_envoy() {
    let found = descriptors::extract(&std::fs::read(envoy_binary()).expect("Envoy's binary"));
    let built_in = api::descriptors();
    if std::env::var_os("ENVOY_BIN").is_some() {
        // Another Envoy has another API: that it can be read at all.
        assert!(found.len() > 500_000, "found {} bytes", found.len());
        return;
    }
    let same = found == built_in;
    assert!(same, "found {} bytes, built in are {}: run `make istio-api`", found.len(), built_in.len());
}
