//! What Prometheus sees: decisions by rule and variant, what was not decided and why, and which revision runs.

use graylane_integration::{Control, Mesh, Request, Running, samples};

fn scoped() -> String {
    samples::header_to_canary("gray").replace("spec:\n", "spec:\n  scope: {hosts: [shop.example.com]}\n")
}

/// The value of the one series of `name` that has every one of `labels`.
fn series(mesh: &Running<Control>, name: &str, labels: &[&str]) -> Option<f64> {
    let text = mesh.admin().text("/stats/prometheus").expect("the admin interface answers");
    let has_all = |line: &&str| labels.iter().all(|label| line.contains(label));
    let of_name = text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let found: Vec<_> = of_name.filter(has_all).collect();
    assert!(found.len() <= 1, "found several series {name} with {labels:?}: {found:#?}");
    found.first().map(|line| line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok()).expect("a number"))
}

#[test]
fn decisions_are_counted_by_rule_and_variant() {
    let mesh = Mesh::new("metrics").rules(&scoped()).workers(2).start();
    for (env, host, times) in
        [("gray", "shop.example.com", 5), ("blue", "shop.example.com", 3), ("gray", "elsewhere.com", 2)]
    {
        for _ in 0..times {
            mesh.send(&Request::get("/").host(host).header("x-env", env));
        }
    }
    let total = "graylane_requests_total";
    assert_eq!(series(&mesh, total, &["rule=\"checkout/qa\"", "variant=\"canary\""]), Some(5.0));
    assert_eq!(series(&mesh, total, &["rule=\"checkout/_default\"", "variant=\"stable\""]), Some(3.0));
    assert_eq!(series(&mesh, "graylane_requests_undecided_total", &["reason=\"out_of_scope\""]), Some(2.0));
}

#[test]
fn without_rules_that_is_counted() {
    let mesh = Mesh::new("metrics-no-rules").start();
    mesh.send(&Request::get("/"));
    assert_eq!(series(&mesh, "graylane_requests_undecided_total", &["reason=\"no_rules\""]), Some(1.0));
    assert_eq!(series(&mesh, "graylane_requests_total", &[]), None);
}

#[test]
fn the_revision_in_use_is_a_gauge() {
    let mut mesh = Mesh::new("metrics-revision").rules(&scoped()).start();
    let revision = mesh.publish(&[samples::header_to_canary("green")]);
    let shown = ["graylane_revision_epoch", "graylane_revision_number"].map(|name| series(&mesh, name, &[]));
    let [epoch, number] = shown.map(|value| value.expect("the gauge is there"));
    assert_eq!(format!("{epoch}.{number}"), revision);
    assert_eq!(series(&mesh, "graylane_snapshots_refused_total", &[]).unwrap_or(0.0), 0.0);
}
