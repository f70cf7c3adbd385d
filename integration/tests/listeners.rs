//! Listeners that share the VMs and are configured differently: each request is decided by the configuration of the listener it
//! came through.

use graylane_integration::{Answer, Mesh, Request, Running, Wire};
use serde_json::json;

/// Sends what a client claims through the listener `name`.
fn through<C>(mesh: &Running<C>, name: &str) -> Answer {
    let claims = ["x-gray-variant", "x-feature-flags", "x-second"];
    let request = claims.iter().fold(Request::get("/"), |request, name| request.header(name, "claimed"));
    let mut wire = Wire::open(mesh.listener(name)).expect("Envoy accepts connections");
    wire.exchange(&request).expect("an answer")
}

/// Which claims reach the upstream through the listener `name`.
fn passed<C>(mesh: &Running<C>, name: &str) -> Vec<&'static str> {
    let answer = through(mesh, name);
    let seen = answer.seen();
    let claims = ["x-gray-variant", "x-feature-flags", "x-second"];
    claims.into_iter().filter(|name| seen.text(name) == Some("claimed")).collect()
}

/// Adds a listener that also owns `x-second`, whose plugin is called `plugin`, and checks that it and the first differ in that alone.
fn each_by_its_own(test: &str, plugin: &str) {
    let mut mesh = Mesh::new(test).workers(1).by_lds().start();
    mesh.push_listeners(|listeners| {
        listeners.add_copy("second");
        let mut second = listeners.plugin("second");
        second.rename(plugin);
        second.configure("ownedHeaders", json!(["x-gray-variant", "x-feature-flags", "x-second"]));
    })
    .expect("a second listener is accepted");
    for _ in 0..20 {
        assert_eq!(passed(&mesh, "front"), ["x-second"]);
        assert_eq!(passed(&mesh, "second"), Vec::<&str>::new());
    }
    // The first is configured last now.
    mesh.push_listeners(|listeners| listeners.plugin("front").configure("tick", json!("150ms"))).expect("an update");
    for _ in 0..20 {
        assert_eq!(passed(&mesh, "second"), Vec::<&str>::new());
        assert_eq!(passed(&mesh, "front"), ["x-second"]);
    }
}

#[test]
fn plugins_of_two_names() {
    each_by_its_own("two-names", "graylane_second");
}

#[test]
fn plugins_of_one_name() {
    each_by_its_own("one-name", "graylane");
}
