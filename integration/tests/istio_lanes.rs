//! One lane through a mesh of Istio: decided at the gateway, kept by mTLS into the sidecar of a service, and from that service to the next.
//! Gateway and sidecar are the ones that istiod makes, patched by the files of `envoy/istio`; `lanes.rs` has two hops of plain Envoys.

#[path = "istio_lanes/relay.rs"]
mod relay;

use std::collections::BTreeMap;

use graylane_integration::{Answer, Control, Form, Installation, Mesh, MutualTls, Request, Running, Wire, kept_port};
use graylane_istio::proxy::Kind;

use graylane_integration::certificates::Authority;
use relay::Relay;

const GATEWAY: &str = "spiffe://cluster.local/ns/istio-ingress/sa/istio-ingressgateway";
const STRANGER: &str = "spiffe://cluster.local/ns/istio-ingress-old/sa/istio-ingressgateway";
/// The service in the middle. In the gateway's configuration its routes go to `checkout`, which must be who it says it is.
const MIDDLE: &str = "spiffe://cluster.local/ns/shop/sa/checkout";
const NEXT: &str = "checkout.shop.svc.cluster.local";

/// Of what comes from outside a header decides; what is inside keeps its lane. The application's own requests are believed by
/// the rule set of the next service alone: gateways have no route for its host.
const RULES: [&str; 2] = [
    "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: edge}
spec:
  scope: {hosts: [shop.example.com]}
  inherit: {peers: [spiffe://cluster.local/ns/istio-ingress]}
  variants: [stable, canary]
  default: stable
  rules: [{id: qa, variant: canary, when: {header: {name: x-env, exact: gray}}}]
",
    "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: next}
spec:
  scope: {hosts: [checkout.shop.svc.cluster.local]}
  inherit: {outbound: true}
  variants: [stable, canary]
  default: stable
",
];

/// What the stranger sends its requests by: the canary, always.
const STRANGERS_RULES: [&str; 1] = ["apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: all}
spec: {variants: [stable, canary], default: canary}
"];

fn mesh(name: &str, proxy: Kind, form: Form, mtls: MutualTls, rules: &[&str]) -> Mesh {
    let mesh = Mesh::new(name).in_istio(Installation::new(proxy, form, "1.31.0")).with_mutual_tls(mtls);
    rules.iter().fold(mesh, |mesh, rules| mesh.rules(rules))
}

/// The sidecar of the service in the middle, the service, and two gateways before it of which one is trusted.
struct Chain {
    gateway: Running<Control>,
    stranger: Running<Control>,
    sidecar: Running<Control>,
    relay: Relay,
}

impl Chain {
    fn start(form: Form) -> Self {
        let authority = Authority::new();
        let (relay, inbound) = (Relay::start(), kept_port());
        let context = authority.context(Some(MIDDLE), None);
        let mtls = MutualTls { upstream: None, inbound: Some((context, inbound, relay.address().port())) };
        let sidecar = mesh("lane-sidecar", Kind::Sidecar, form, mtls, &RULES).start();
        relay.ask(sidecar.listener("0.0.0.0_8080"), NEXT);
        let gateway = |name: &str, identity, rules: &[&str]| {
            let upstream = Some(authority.context(Some(identity), Some(MIDDLE)));
            mesh(name, Kind::Gateway, form, MutualTls { upstream, inbound: None }, rules).to(inbound).start()
        };
        let stranger = gateway("lane-stranger", STRANGER, &STRANGERS_RULES);
        Self { gateway: gateway("lane-gateway", GATEWAY, &RULES), stranger, sidecar, relay }
    }

    /// Which lane the application in the middle saw, and which upstream answered in the end.
    fn ways(&self, ask: impl FnOnce() -> Answer) -> (Vec<Option<String>>, String) {
        let answer = ask();
        assert_eq!(answer.status, 200, "{answer:?}");
        (self.relay.seen(), answer.seen().upstream)
    }
}

fn request() -> Request {
    Request::get("/").host("shop.example.com")
}

fn no_lane_is_lost_and_none_forged(form: Form, rounds: usize) {
    let chain = Chain::start(form);
    let (gray, forged) = (request().header("x-env", "gray"), request().header("x-gray-variant", "canary"));
    let twin = request().header("x_gray_variant", "canary");
    let both = request().header("x-env", "gray").header("x-gray-variant", "stable");
    let inside = chain.sidecar.listener("virtualInbound");
    let plaintext = || {
        let mut wire = Wire::open(inside).expect("a connection");
        wire.exchange(&forged).expect("an answer")
    };
    type Ask<'a> = Box<dyn Fn() -> Answer + 'a>;
    let through = |mesh: &'static str, request: &Request| {
        let request = request.clone();
        let asked = if mesh == "gateway" { &chain.gateway } else { &chain.stranger };
        Box::new(move || asked.send(&request)) as Ask<'_>
    };
    let kinds: [(&str, Ask<'_>, &str); 7] = [
        ("decided at the gateway", through("gateway", &gray), "canary"),
        ("not decided for", through("gateway", &request()), "stable"),
        ("forged outside", through("gateway", &forged), "stable"),
        ("forged outside, with underscores", through("gateway", &twin), "stable"),
        ("forged outside, decided otherwise", through("gateway", &both), "canary"),
        ("by mTLS from whom nobody trusts", through("stranger", &request()), "stable"),
        ("without mTLS", Box::new(plaintext), "stable"),
    ];
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..rounds {
        for (kind, ask, expected) in &kinds {
            let (seen, upstream) = chain.ways(ask);
            assert_eq!((seen, upstream.as_str()), (vec![Some((*expected).to_owned())], *expected), "{kind}");
            *counts.entry(kind).or_default() += 1;
        }
    }
    println!("{form:?}");
    counts.iter().for_each(|(kind, count)| println!("{count:6}  {kind}"));
}

#[test]
fn by_envoy_filters_no_lane_is_lost_and_none_forged() {
    no_lane_is_lost_and_none_forged(Form::EnvoyFilter, 100);
}

#[test]
fn with_the_bootstraps_fetcher_no_lane_is_lost_and_none_forged() {
    no_lane_is_lost_and_none_forged(Form::EnvoyFilterAndBootstrap, 20);
}

#[test]
fn by_plugins_no_lane_is_lost_and_none_forged() {
    no_lane_is_lost_and_none_forged(Form::WasmPlugin, 20);
    no_lane_is_lost_and_none_forged(Form::TrafficExtension, 20);
}
