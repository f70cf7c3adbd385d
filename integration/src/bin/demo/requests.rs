//! A dozen requests, what was decided about each, and one of them explained in full.

use std::{net::SocketAddr, process::Command};

use graylane_integration::{Access, Control, Mesh, Request, Running, artefact, root};

use crate::page::{heading, indented};

/// The rule sets that the demo shows.
pub(crate) const RULES: &str = "envoy/rules";

/// Starts everything, with a copy of the shipped rules.
pub(crate) fn start() -> Running<Control> {
    println!("Envoy with envoy/envoy.yaml, control with {RULES}, the upstreams `stable` and `canary`: starting.");
    let mesh = Mesh::new("demo").rules_from(root().join(RULES)).workers(2).start();
    println!("Ready: each of {} VMs runs the rules.", mesh.vms());
    mesh
}

/// Sends the dozen.
pub(crate) fn show(mesh: &Running<Control>) {
    heading("A dozen requests");
    for (remark, request) in dozen(mesh.envoy().address()) {
        let answer = mesh.send(&request);
        println!("{remark}");
        println!("    {}", request.curl(mesh.envoy().address()));
        println!("    -> upstream {}: {}\n", answer.seen().upstream, in_words(&mesh.access(&answer)));
    }
}

/// The requests that `make demo` sends to `address` and `make up` proposes.
pub(crate) fn dozen(address: SocketAddr) -> Vec<(&'static str, Request)> {
    let get = || Request::get("/checkout").host(address.to_string());
    let preview = || Request::get("/checkout?preview=1").host(address.to_string());
    let user = |id: &str| get().header("x-user-id", id);
    vec![
        ("Nobody in particular", get()),
        ("A tester asks for gray", get().header("x-env", "gray")),
        ("A client that claims a variant is not believed", get().header("x-gray-variant", "canary")),
        (
            "Neither with an underscore, nor twice",
            get().header("x_gray_variant", "canary").header("X-Gray-Variant", "canary"),
        ),
        ("A member of staff, previewing", preview().header("x-user-id", "1500")),
        ("The same, having opted out", preview().header("x-user-id", "1500").header("cookie", "optout=1")),
        ("One customer in five is in the experiment: not this one", user("8")),
        ("This one is, and stays on stable", user("9")),
        ("And this one gets the canary, always", user("22")),
        ("The identity may come from a cookie", get().header("cookie", "uid=22")),
        ("Twice an identity is none", user("22").header("x-user-id", "9")),
        ("Bytes that are no text harm nobody", get().header("x-env", b"caf\xe9")),
    ]
}

fn in_words(access: &Access) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let why = match (text(&access.reason).as_str(), text(&access.rule)) {
        ("TARGETING_MATCH", rule) => format!("because rule {rule} matches"),
        ("SPLIT", rule) => format!("because rule {rule} matches and its split says so"),
        ("NO_IDENTITY", rule) => format!("because rule {rule} splits, and the request has no identity"),
        ("DEFAULT", _) => "because no rule matches".to_owned(),
        ("OUT_OF_SCOPE", _) => "because no rule set is about this request".to_owned(),
        (reason, _) => format!("because of {reason}"),
    };
    let variant = access.variant.as_ref().map_or("no variant".to_owned(), |variant| format!("variant {variant}"));
    let experiment = access.experiment.as_ref().map(|name| format!(", experiment {name}")).unwrap_or_default();
    format!("{variant} {why}{experiment} [revision {}]", text(&access.revision))
}

/// Explains one request by the same rules, without Envoy.
pub(crate) fn explain(mesh: &mut Running<Control>) {
    heading("Why? Without Envoy, by the same rules");
    let curl = ["-H", "x-user-id: 22", "https://shop.example.com/checkout"];
    println!("    graylane explain -f {RULES} -- -H 'x-user-id: 22' https://shop.example.com/checkout\n");
    let rules = mesh.control().rules().directory();
    let output = Command::new(artefact("target/debug/graylane"))
        .args(["explain", "-f"])
        .arg(rules)
        .arg("--")
        .args(curl)
        .output();
    let output = output.unwrap_or_else(|why| panic!("graylane explain: {why}"));
    assert!(output.status.success(), "graylane explain: {}", String::from_utf8_lossy(&output.stderr));
    print!("{}", indented(&String::from_utf8_lossy(&output.stdout)));
}
