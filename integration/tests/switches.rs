//! Switches reach the upstream, overridden by the control plane, by Envoy's configuration and by its environment; and what
//! takes no effect is told.

use graylane_integration::{Control, Mesh, Request, Running, Status, eventually, load::Load};
use serde_json::json;

/// Two rule sets that decide every request, each by a variant header of its own, both with switches.
const CHECKOUT: &str = "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: checkout}
spec:
  variants: [stable, canary]
  default: stable
  rules:
    - {id: qa, when: {header: {name: x-env, exact: gray}}, variant: canary}
  switches:
    feature_login: {type: string, default: v1, variants: {canary: v2}}
    rate_limit: {type: float, default: 0.3}
";
const LANE: &str = "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: lane}
spec:
  output: {variantHeader: x-feature-flags}
  variants: [slow, fast]
  default: slow
  rules:
    - {id: qa, when: {header: {name: x-env, exact: gray}}, variant: fast}
  switches:
    api_timeout: {type: duration, default: 2s, variants: {fast: 1500ms}}
";

const OWNED: &str = r#""ownedHeaders": ["x-gray-variant", "x-feature-flags", "x-gray-switches"]"#;

/// What the upstream is told of the switches of a tester, or of anybody else.
fn told<C>(mesh: &Running<C>, tester: bool) -> Vec<String> {
    let request = if tester { Request::get("/").header("x-env", "gray") } else { Request::get("/") };
    let seen = mesh.send(&request.header("x-gray-switches", "rate_limit=9.9").header("x_gray_switches", "a=1")).seen();
    let all = seen.headers.iter().filter(|(name, _)| name.replace('_', "-") == "x-gray-switches");
    all.map(|_| seen.text("x-gray-switches").expect("text").to_owned()).collect()
}

/// Waits until every VM complains of `why`.
fn await_complaint(why: &str, mesh: &mut Running<Control>) -> Status {
    let vms = mesh.vms();
    eventually("every VM to complain", || {
        let status = mesh.control().status()?;
        let count =
            status.workers().filter(|worker| worker.error.as_deref().is_some_and(|told| told.contains(why))).count();
        if count == vms { Ok(status) } else { Err(format!("found {count} of them in {status:#?}")) }
    })
}

#[test]
fn the_switches_of_all_decisions_are_one_header_and_a_clients_own_is_none() {
    // Without the second line, which would strip a client's own besides.
    let mesh = Mesh::new("switches")
        .without("headers_with_underscores_action: DROP_HEADER")
        .rules(CHECKOUT)
        .rules(LANE)
        .start();
    assert_eq!(told(&mesh, false), [r#"api_timeout=2000;unit=ms, feature_login="v1", rate_limit=0.3"#]);
    assert_eq!(told(&mesh, true), [r#"api_timeout=1500;unit=ms, feature_login="v2", rate_limit=0.3"#]);
}

#[test]
fn an_envoy_overrides_by_its_configuration_and_by_its_environment_and_tells_what_takes_no_effect() {
    let configuration =
        format!(r#"{{{OWNED}, "switches": "gray.feature_login=\"v3, local\", gray.rate_limit=fast, gray.gone=1"}}"#);
    let mut mesh = Mesh::new("switches-local")
        .filter_configuration(&configuration)
        .environment("GRAYLANE_SWITCHES", "gray.feature_login=v9,gray.api_timeout=5s")
        .rules(CHECKOUT)
        .rules(LANE)
        .start();
    // The configuration stands above the environment; what is wrong stands above nothing.
    let expected = r#"api_timeout=5000;unit=ms, feature_login="v3, local", rate_limit=0.3"#;
    assert_eq!([told(&mesh, false), told(&mesh, true)], [[expected], [expected]]);
    let said = "gray.rate_limit: found \"fast\", expected a number";
    let status = await_complaint(said, &mut mesh);
    assert!(
        status.workers().all(|worker| worker.refused.is_none() && worker.revision == status.revision),
        "{status:#?}"
    );
    await_complaint(
        "gray.gone: found a switch that no rule set has, expected one of api_timeout, feature_login",
        &mut mesh,
    );
    assert_eq!(mesh.metric("switch_overrides_ineffective"), Some(2));
    // Another revision has the switch; its value is right there.
    let more = CHECKOUT.replace("    rate_limit:", "    gone: {type: int, default: 0}\n    rate_limit:");
    mesh.publish(&[more.replace("float, default: 0.3", "string, default: slow"), LANE.to_owned()]);
    let expected = r#"api_timeout=5000;unit=ms, feature_login="v3, local", gone=1, rate_limit="fast""#;
    assert_eq!(told(&mesh, true), [expected]);
    eventually("nothing to complain of", || {
        let status = mesh.control().status()?;
        let count = status.workers().filter(|worker| worker.error.is_some()).count();
        if count == 0 && mesh.metric("switch_overrides_ineffective") == Some(0) {
            Ok(())
        } else {
            Err(format!("{status:#?}"))
        }
    });
}

#[test]
fn a_signal_and_a_request_have_the_file_read_again_and_workers_get_what_it_says_while_requests_flow() {
    let mesh = Mesh::new("switches-reload").switches("gray.rate_limit=0.5\n").rules(CHECKOUT).workers(2);
    let mut mesh = mesh.start();
    let load = Load::of(200).over(16).start(mesh.envoy().address());
    load.await_more(100);
    assert_eq!(told(&mesh, false), [r#"feature_login="v1", rate_limit=0.5"#]);

    mesh.control().write_switches("gray.rate_limit=0.75, gray.feature_login=v4\n");
    mesh.control().reload_by_signal();
    await_told(&mesh, r#"feature_login="v4", rate_limit=0.75"#);
    load.await_more(100);

    mesh.control().write_switches("gray.rate_limit=1\n");
    let (status, answer) = mesh.control().reload();
    assert_eq!((status, &answer["published"]), (200, &json!(true)), "{answer:#}");
    assert_eq!(
        answer["changed"],
        json!([
            {"ruleSet": "checkout", "name": "feature_login", "type": "string",
             "old": {"default": "v4", "variants": {}}, "new": {"default": "v1", "variants": {"canary": "v2"}}},
            {"ruleSet": "checkout", "name": "rate_limit", "type": "float",
             "old": {"default": 0.75, "variants": {}}, "new": {"default": 1.0, "variants": {}}},
        ])
    );
    await_told(&mesh, r#"feature_login="v1", rate_limit=1.0"#);

    // A file that cannot be used changes nothing.
    for (text, said) in [
        ("gray.rate_limit=fast", "gray.rate_limit: found \"fast\", expected a number of at most 12 digits"),
        ("gray.rate_limits=1", "expected one of feature_login, rate_limit; did you mean rate_limit?"),
        ("rate_limit=1", "byte 0: found \"rate_limit\", expected gray.NAME=VALUE"),
    ] {
        mesh.control().write_switches(text);
        let (status, answer) = mesh.control().reload();
        let detail = answer["detail"].as_str().expect("a detail");
        assert!(status == 422 && detail.contains(said), "{status} {answer:#}");
        assert_eq!(told(&mesh, false), [r#"feature_login="v1", rate_limit=1.0"#]);
    }
    load.await_more(100);
    let report = load.stop();
    report.assert_none_failed(300);
}

fn await_told<C>(mesh: &Running<C>, expected: &str) {
    eventually("the switches", || {
        let found = told(mesh, false);
        if found == [expected] { Ok(()) } else { Err(format!("found {found:?}, expected {expected}")) }
    });
}
