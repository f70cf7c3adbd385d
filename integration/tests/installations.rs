//! Every way to install Graylane in Istio, in a sidecar and in a gateway: requests are decided and routed, somebody fetches, changes
//! arrive under load. (`election.rs` has what happens when who fetches dies.)

use graylane_integration::{
    Alteration, Control, FakeControl, Form, Installation, Mesh, Request, Running,
    fake_control::Reply,
    history::{BOUND, Bounds, Recorder},
    load::BETWEEN,
    samples,
};
use graylane_istio::proxy::Kind;

const FORMS: [Form; 5] = [
    Form::EnvoyFilter,
    Form::EnvoyFilterAndBootstrap,
    Form::WasmPlugin,
    Form::WasmPluginAndBootstrap,
    Form::TrafficExtension,
];

/// All of them; of the two versions one has the older names of plugins. A TrafficExtension is none in the older one.
fn everywhere(check: impl Fn(&str, Installation)) {
    for proxy in [Kind::Sidecar, Kind::Gateway] {
        for form in FORMS {
            for version in ["1.28.3", "1.31.0"] {
                if form != Form::TrafficExtension || version == "1.31.0" {
                    let name = format!("{proxy:?}-{form:?}-{version}").to_lowercase();
                    eprintln!("{name}");
                    check(&name, Installation::new(proxy, form, version));
                }
            }
        }
    }
}

fn fetcher(mesh: &mut Running<Control>) -> Option<String> {
    let status = mesh.control().status().expect("control answers");
    status.nodes.first().and_then(|node| node.fetcher.clone())
}

/// Requests are decided, routed, logged and counted, and who should fetch does.
fn works(name: &str, installation: Installation) {
    let mut mesh = Mesh::new(name).in_istio(installation).rules(&samples::header_to_canary("gray")).start();
    let answer = mesh.send(&Request::get("/").header("x-env", "gray"));
    let seen = answer.seen();
    assert_eq!((seen.upstream.as_str(), seen.text("x-gray-variant")), ("canary", Some("canary")), "{name}");
    let access = mesh.access(&answer);
    assert_eq!(access.rule.as_deref(), Some("checkout/qa"), "{name}");
    assert_eq!(access.upstream_cluster.as_deref().map(|name| name.contains("canary")), Some(true), "{access:?}");
    // Forged, and nothing that a rule is about.
    let answer = mesh.send(&Request::get("/").header("x-gray-variant", "canary"));
    assert_eq!((answer.seen().upstream.as_str(), answer.seen().text("x-gray-variant")), ("stable", Some("stable")));
    let expected = if installation.has_fetcher() { "bootstrap" } else { "elected" };
    assert_eq!(fetcher(&mut mesh).as_deref(), Some(expected), "{name}");
    let metric = "graylane_requests_total";
    let metrics = mesh.admin().text("/stats/prometheus").expect("metrics");
    let labels = [r#"rule="checkout/qa""#, r#"variant="canary""#];
    let labelled = metrics.lines().any(|line| line.contains(metric) && labels.iter().all(|label| line.contains(label)));
    assert!(labelled, "{name}: found no {metric} with its labels");
}

#[test]
fn requests_are_decided_routed_and_logged() {
    everywhere(works);
}

#[test]
fn changes_arrive_under_load_and_no_request_is_lost() {
    everywhere(|name, installation| {
        if installation.version != "1.31.0" {
            return;
        }
        let recorder = Recorder::new();
        let mesh = Mesh::new(&format!("changes-{name}")).in_istio(installation).workers(2);
        let mut mesh = mesh.rules(&samples::numbered(0)).recorded_by(&recorder).start();
        let load = mesh.load(&recorder);
        for n in 1..=5 {
            mesh.publish_under(&load, n);
        }
        drop(load.stop());
        recorder.await_logged();
        let verdict = recorder.assert_kept(&Bounds::effect_within(BOUND), 5 * BETWEEN);
        assert_eq!(verdict.counted.failed, 0, "{name}: {verdict}");
    });
}

#[test]
fn an_http_route_sends_a_decision_on_as_well() {
    let installation =
        Installation { http_route: true, ..Installation::new(Kind::Gateway, Form::EnvoyFilter, "1.31.0") };
    works("http-route", installation);
}

/// Which upstream a client reaches at a gateway that has the routes and no filter, if it says that it is the canary's.
fn without_a_filter(altered: Option<Alteration>) -> String {
    let installation = Installation { altered, ..Installation::new(Kind::Gateway, Form::Nothing, "1.31.0") };
    let mesh = Mesh::new("no-filter").in_istio(installation).start_with(FakeControl::start(Reply::Silence));
    mesh.send(&Request::get("/").header("x-gray-variant", "canary")).seen().upstream
}

#[test]
fn where_the_filter_is_not_no_client_of_a_gateway_chooses_a_variant() {
    assert_eq!(without_a_filter(None), "stable");
    let altered = Alteration { file: "owned-headers.yaml", from: "x-gray-variant", to: "x-other" };
    assert_eq!(without_a_filter(Some(altered)), "canary", "it is this file that strips");
}

#[test]
#[should_panic(expected = "found patches that are not for this proxy")]
fn a_version_that_nobody_looked_at_stays_as_it_is() {
    let installation = Installation::new(Kind::Sidecar, Form::EnvoyFilter, "1.99.0");
    drop(Mesh::new("unknown-version").in_istio(installation).start());
}

/// What a file says, changed so that it no longer does what it is for; and where it is used.
const ALTERATIONS: &[(Kind, Form, Alteration)] = &[
    altered(Kind::Sidecar, Form::EnvoyFilter, "sidecar.yaml", "http.grpc_stats", "http.grpc_stat"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "sidecar.yaml", "app: frontend", "app: backend"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "sidecar.yaml", "applyTo: EXTENSION_CONFIG", "applyTo: BOOTSTRAP"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "sidecar.yaml", "INSERT_BEFORE", "INSERT_AFTER_ALL"),
    altered(Kind::Gateway, Form::EnvoyFilter, "gateway.yaml", "context: GATEWAY", "context: SIDECAR_INBOUND"),
    altered(Kind::Gateway, Form::EnvoyFilter, "gateway.yaml", "3[01]", "3[23]"),
    altered(Kind::Gateway, Form::EnvoyFilter, "gateway.yaml", "failure_policy: FAIL_RELOAD", "failure_policy: RELOAD"),
    altered(Kind::Gateway, Form::EnvoyFilter, "cookies.yaml", "operation: MERGE", "operation: REMOVE"),
    altered(Kind::Sidecar, Form::WasmPlugin, "wasmplugin.yaml", "pluginConfig:", "plugin_config:"),
    altered(Kind::Sidecar, Form::WasmPlugin, "wasmplugin.yaml", "app: frontend", "app: backend"),
    altered(Kind::Sidecar, Form::TrafficExtension, "trafficextension.yaml", "  wasm:", "  lua:"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "routes.yaml", "- name: canary", "- name: canari"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "routes.yaml", "x-gray-variant", "x-grey-variant"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "routes.yaml", "gateways: [mesh, ", "gateways: ["),
    altered(Kind::Gateway, Form::EnvoyFilter, "httproute.yaml", "value: canary", "value: other"),
    altered(Kind::Gateway, Form::EnvoyFilter, "httproute.yaml", "name: checkout-canary", "name: checkout-canari"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "telemetry.yaml", "graylane-log", "other-log"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "mesh-config.yaml", "wasm.graylane_rule", "wasm.greylane_rule"),
    altered(Kind::Sidecar, Form::EnvoyFilter, "mesh-config.yaml", "[rule, variant, reason]", "[variant, reason]"),
    altered(Kind::Sidecar, Form::EnvoyFilterAndBootstrap, "bootstrap.yaml", "singleton: true", "singelton: true"),
    altered(Kind::Sidecar, Form::EnvoyFilterAndBootstrap, "bootstrap.yaml", "vm_id: graylane", "vm_id: other"),
];

const fn altered(
    proxy: Kind,
    form: Form,
    file: &'static str,
    from: &'static str,
    to: &'static str,
) -> (Kind, Form, Alteration) {
    (proxy, form, Alteration { file, from, to })
}

#[test]
fn an_altered_file_is_noticed() {
    let passed: Vec<_> = ALTERATIONS
        .iter()
        .filter(|(proxy, form, altered)| {
            let http_route = altered.file == "httproute.yaml";
            let plain = Installation::new(*proxy, *form, "1.31.0");
            let installation = Installation { http_route, altered: Some(*altered), ..plain };
            let name = format!("altered-{}", altered.file.trim_end_matches(".yaml"));
            std::panic::catch_unwind(|| works(&name, installation)).is_ok()
        })
        .collect();
    assert!(passed.is_empty(), "nobody noticed {passed:?}");
}
