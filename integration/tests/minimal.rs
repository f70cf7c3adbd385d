//! The smallest configuration that people copy, with the rules that are shipped: it decides, follows, counts and tells.

use graylane_integration::{Mesh, Request, eventually, root};

#[test]
fn the_minimal_configuration_is_whole() {
    let mut mesh = Mesh::new("minimal").minimal().rules_from(root().join("envoy/rules")).workers(2).start();
    let gray = Request::get("/checkout").header("x-env", "gray");
    let answer = mesh.send(&gray);
    assert_eq!(answer.seen().upstream, "canary");
    let access = mesh.access(&answer);
    let told = [&access.variant, &access.rule, &access.reason].map(|told| told.as_deref().unwrap_or_default());
    assert_eq!(told, ["canary", "checkout/qa", "TARGETING_MATCH"]);
    // Nobody chooses a variant for himself.
    let plain = mesh.send(&Request::get("/checkout").header("x-gray-variant", "canary"));
    assert_eq!((plain.seen().upstream.as_str(), plain.seen().text("x-gray-variant")), ("stable", Some("stable")));

    let counted = |rule: &str, variant: &str| {
        let series = format!("graylane_requests_total{{rule=\"checkout/{rule}\",variant=\"{variant}\"}} 1\n");
        let text = mesh.admin().text("/stats/prometheus").expect("the admin interface answers");
        assert!(text.contains(&series), "expected {series}, found {text}");
    };
    counted("qa", "canary");
    counted("_default", "stable");

    let status = mesh.control().status().expect("control answers");
    let names: Vec<_> = status.nodes.iter().map(|node| (node.id.as_str(), node.fetcher.as_deref())).collect();
    assert_eq!((names, &access.revision), (vec![("graylane-envoy", Some("bootstrap"))], &status.revision));

    let file = mesh.control().rules().directory().join("checkout.yaml");
    let rules = std::fs::read_to_string(&file).expect("the shipped rules").replace("exact: gray", "exact: green");
    std::fs::write(&file, rules).expect("the rules are changed");
    eventually("the new rules", || match mesh.send(&gray).seen().upstream.as_str() {
        "stable" => Ok(()),
        other => Err(format!("found {other}")),
    });
}
