//! Every way to install Graylane in Istio, in a sidecar and in a gateway: requests are decided and routed, somebody fetches, changes
//! arrive under load. (`election.rs` has what happens when who fetches dies.)

use graylane_integration::{
    Control, Form, Installation, Mesh, Request, Running,
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

#[test]
fn requests_are_decided_routed_and_logged() {
    everywhere(|name, installation| {
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
        let labelled = metrics.lines().any(|line| line.contains(metric) && line.contains(r#"variant="canary""#));
        assert!(labelled, "{name}: found no {metric} with its labels");
    });
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
    let mesh = Mesh::new("http-route").in_istio(installation).rules(&samples::header_to_canary("gray")).start();
    let upstream = |value: &str| mesh.send(&Request::get("/").header("x-env", value)).seen().upstream;
    assert_eq!((upstream("gray").as_str(), upstream("blue").as_str()), ("canary", "stable"));
}

#[test]
#[should_panic(expected = "found patches that are not for this proxy")]
fn a_version_that_nobody_looked_at_stays_as_it_is() {
    let installation = Installation::new(Kind::Sidecar, Form::EnvoyFilter, "1.99.0");
    drop(Mesh::new("unknown-version").in_istio(installation).start());
}
