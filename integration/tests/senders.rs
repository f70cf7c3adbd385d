//! Whom Envoy vouches for, and what the filter makes of it: certificates that were validated or not, listeners and their direction,
//! addresses and the header that claims some.

#[path = "lanes/client.rs"]
mod client;

use std::path::Path;

use graylane_integration::{Envoy, Settings, artefact};
use serde_json::{Value, json};
use tempfile::TempDir;

use client::{Connection, Route, Tls};
use graylane_integration::certificates::{Authority, Identity};

const TRUSTED: &str = "spiffe://cluster.local/ns/shop/sa/a";

/// An Envoy with one listener a name, which answers every request with the reason of its decision.
struct Stage {
    envoy: Envoy,
    authority: Authority,
    _scratch: TempDir,
}

impl Stage {
    /// `listeners` are names, what differs in their connection managers, and what else they have; `inherit` is the rules'.
    fn start(node: &str, inherit: &Value, listeners: &[(&str, Value, Value)]) -> Self {
        let scratch = tempfile::Builder::new().prefix("graylane-senders-").tempdir().expect("a temporary directory");
        let authority = Authority::new();
        std::fs::write(scratch.path().join("ca.pem"), authority.pem()).expect("the authority is written");
        authority.identity("spiffe://cluster.local/ns/shop/sa/b", "b.shop.svc").write(scratch.path(), "own");
        let listeners = listeners.iter().map(|(name, manager, more)| listener(name, inherit, manager, more));
        let configuration = json!({
            "node": {"id": node},
            "admin": {"address": socket()},
            "static_resources": {"listeners": listeners.collect::<Vec<_>>()},
        });
        let text = configuration.to_string().replace("SCRATCH", &scratch.path().display().to_string());
        let file = scratch.path().join("envoy.json");
        std::fs::write(&file, text).expect("the configuration is written");
        let envoy = Envoy::start(Path::new(&file), scratch.path(), &Settings { workers: 1, into_files: false });
        Self { envoy, authority, _scratch: scratch }
    }

    /// Why a request to this listener, which carries `canary`, gets what it gets; None where nobody answers.
    async fn reason(&self, listener: &str, tls: Option<Option<&Identity>>, headers: &[(&str, &str)]) -> Option<String> {
        let found = self.envoy.admin().listeners().expect("Envoy's listeners");
        let address = found.into_iter().find(|(name, _)| name == listener).expect("a listener").1;
        let tls = tls.map(|identity| Tls::new(self.authority.pem(), identity, "b.shop.svc", false));
        let mut connection = Connection::open(&Route { address, tls, http2: false }).await.ok()?;
        let headers = [("x-gray-variant", "canary")].iter().chain(headers);
        let headers: Vec<_> = headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (status, body) = connection.get("shop.example.com", "/", &headers).await.ok()?;
        assert_eq!(status, 200);
        Some(String::from_utf8(body.to_vec()).expect("a reason"))
    }
}

fn socket() -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}})
}

fn listener(name: &str, inherit: &Value, manager: &Value, more: &Value) -> Value {
    const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters";
    let rules = json!({"ruleSets": [{
        "apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"},
        "spec": {"inherit": inherit, "variants": ["stable", "canary"], "default": "stable"},
    }]});
    let filter = json!({"name": "graylane", "typed_config": {
        "@type": format!("{FILTERS}.http.wasm.v3.Wasm"),
        "config": {
            "name": "graylane", "root_id": "graylane",
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": rules.to_string()},
            "vm_config": {
                "vm_id": "graylane", "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": artefact("dist/graylane.wasm")}},
            },
        },
    }});
    let router = json!({"name": "router", "typed_config": {"@type": format!("{FILTERS}.http.router.v3.Router")}});
    let body = json!({"text_format_source": {"inline_string": "%FILTER_STATE(wasm.graylane_reason:PLAIN)%"}});
    let mut all = json!({
        "@type": format!("{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": name,
        "http_filters": [filter, router],
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
        }]},
        "local_reply_config": {"body_format": body},
    });
    merge(&mut all, manager);
    let mut chain = json!({"filters": [{"name": "http", "typed_config": all}]});
    let mut listener = json!({"name": name, "address": socket()});
    let mut more = more.clone();
    if let Some(socket) = more.as_object_mut().and_then(|more| more.remove("transport_socket")) {
        chain["transport_socket"] = socket;
    }
    listener["filter_chains"] = json!([chain]);
    merge(&mut listener, &more);
    listener
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

/// A listener by TLS that validates so.
fn by_tls(validation: &Value, demands: bool) -> Value {
    let own = |end: &str| json!({"filename": format!("SCRATCH/own{end}.pem")});
    let mut context = json!({"tls_certificates": [{"certificate_chain": own(""), "private_key": own("-key")}]});
    merge(&mut context, validation);
    json!({"transport_socket": {"name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": demands,
        "common_tls_context": context,
    }}})
}

#[tokio::test]
async fn a_peer_is_believed_as_far_as_its_certificate_was_validated() {
    let authority = json!({"trusted_ca": {"filename": "SCRATCH/ca.pem"}});
    let mut lax = authority.clone();
    lax["trust_chain_verification"] = "ACCEPT_UNTRUSTED".into();
    let listeners = [
        ("demanded", json!({}), by_tls(&json!({"validation_context": authority}), true)),
        ("asked-for", json!({}), by_tls(&json!({"validation_context": authority}), false)),
        ("not-asked-for", json!({}), by_tls(&json!({}), false)),
        ("not-validated", json!({}), by_tls(&json!({"validation_context": lax}), true)),
        ("plain", json!({}), json!({})),
    ];
    let stage = Stage::start("edge", &json!({"peers": [TRUSTED]}), &listeners);
    let known = stage.authority.identity(TRUSTED, "a");
    let near = stage.authority.identity(&format!("{TRUSTED}2"), "a");
    let below = stage.authority.identity(&format!("{TRUSTED}/pod/1"), "a");
    let pretended = Identity::pretended(TRUSTED);
    let (kept, lost) = (Some("INHERITED"), Some("DEFAULT"));
    for (listener, who, expected) in [
        ("demanded", Some(Some(&known)), kept),
        ("demanded", Some(Some(&below)), kept),
        ("demanded", Some(Some(&near)), lost),
        ("demanded", Some(Some(&pretended)), None),
        ("demanded", Some(None), None),
        ("demanded", None, None),
        ("asked-for", Some(Some(&known)), kept),
        ("asked-for", Some(Some(&pretended)), None),
        ("asked-for", Some(None), lost),
        // Without a validation context Envoy asks for no certificate, and so has no name.
        ("not-asked-for", Some(Some(&known)), lost),
        ("not-asked-for", Some(Some(&pretended)), lost),
        // What docs/rules.md warns of: here anybody is whoever he likes, and nothing tells the filter.
        ("not-validated", Some(Some(&pretended)), kept),
        ("plain", None, lost),
    ] {
        let found = stage.reason(listener, who, &[]).await;
        assert_eq!(
            found.as_deref(),
            expected,
            "{listener}, {}",
            who.flatten().map_or("nobody", |who| &who.certificate)
        );
    }
}

#[tokio::test]
async fn the_application_is_who_comes_by_an_outbound_listener_of_no_gateway() {
    // The filters are configured alike, and share one root: what is asked for must be the stream's.
    let listeners = [
        ("in", json!({}), json!({"traffic_direction": "INBOUND"})),
        ("out", json!({}), json!({"traffic_direction": "OUTBOUND"})),
        ("unsaid", json!({}), json!({})),
    ];
    let nodes =
        [("edge", true), ("sidecar~10.0.0.1~a-1.shop~shop.svc", true), ("router~10.0.0.1~gw-1.edge~edge.svc", false)];
    for (node, trusted) in nodes {
        let stage = Stage::start(node, &json!({"outbound": true}), &listeners);
        for listener in ["out", "in", "unsaid", "out", "in"] {
            let expected = if listener == "out" && trusted { "INHERITED" } else { "DEFAULT" };
            assert_eq!(stage.reason(listener, None, &[]).await.as_deref(), Some(expected), "{listener} of {node}");
        }
    }
}

/// Listeners by what their connection managers make of x-forwarded-for: whether they look at the connection, and how many
/// proxies before it they trust.
fn forwarding() -> Vec<(&'static str, Value, Value)> {
    let of = |remote: bool, hops: u32| json!({"use_remote_address": remote, "xff_num_trusted_hops": hops});
    let listeners = [("0", of(true, 0)), ("1", of(true, 1)), ("2", of(true, 2)), ("header", of(false, 0))];
    listeners.into_iter().map(|(name, manager)| (name, manager, json!({}))).collect()
}

/// What clients claim: nothing; an address of ours; the same with a port; ours before that of a proxy; a chain of two.
const CLAIMS: [&str; 5] =
    ["", "127.0.0.1", "127.0.0.1:1234", "127.0.0.1, 192.0.2.1", "203.0.113.1, 127.0.0.1, 192.0.2.1"];

/// Asks every listener about every claim; at which of them which are believed.
async fn believed(hops: u8) -> Vec<(&'static str, &'static str)> {
    let stage = Stage::start("edge", &json!({"sources": ["127.0.0.0/8"], "hops": hops}), &forwarding());
    let mut believed = Vec::new();
    for (listener, ..) in forwarding() {
        for claim in CLAIMS {
            let headers = [("x-forwarded-for", claim)];
            let headers = if claim.is_empty() { &[][..] } else { &headers };
            let reason = stage.reason(listener, None, headers).await.expect("an answer");
            assert!(["INHERITED", "DEFAULT"].contains(&reason.as_str()), "{reason}");
            if reason == "INHERITED" {
                believed.push((listener, claim));
            }
        }
    }
    believed
}

#[tokio::test]
async fn without_hops_no_address_out_of_a_header_is_believed() {
    let all = CLAIMS.map(|claim| ("0", claim));
    let [nothing, one, with_port, ..] = CLAIMS;
    // Where Envoy takes the header's word, an address in it is none of a connection. What it cannot read it does not take.
    let others = [
        ("1", nothing),
        ("1", with_port),
        ("2", nothing),
        ("2", one),
        ("2", with_port),
        ("header", nothing),
        ("header", with_port),
    ];
    assert_eq!(believed(0).await, [&all[..], &others].concat());
}

#[tokio::test]
async fn with_hops_an_address_must_stand_as_far_back_as_is_stated() {
    // One proxy appended whom it serves, and Envoy whom that proxy is; nothing else has as many as are stated.
    assert_eq!(believed(1).await, [("1", "127.0.0.1")]);
    assert_eq!(believed(2).await, [("2", "127.0.0.1, 192.0.2.1"), ("2", "203.0.113.1, 127.0.0.1, 192.0.2.1")]);
}
