//! The docker-compose harness: by rule, changed while it runs, and cut off from its control plane and back.

use std::{fs, os::unix::fs::PermissionsExt};

use graylane_integration::{
    Answer, Request, Rules, Wire,
    compose::{Compose, Engine},
    eventually,
    load::Load,
    samples,
};

#[test]
#[ignore = "needs a Docker engine and the images: `make test-compose` has both made"]
fn rules_reach_containers_and_survive_a_cut_network() {
    let engine = match Engine::find() {
        Ok(engine) => engine,
        Err(why) => return eprintln!("\n**** SKIPPED, nothing was tested: {why} ****\n"),
    };
    let directory = tempfile::tempdir().unwrap();
    // The containers' user is not ours.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let rules = Rules::new(directory.path().to_owned());
    rules.write(&[samples::header_to_canary("one")]);
    let compose = engine.up(directory.path().to_owned());
    eventually("every service to be healthy", || {
        let unwell = ["envoy", "control", "stable", "canary"].map(|service| (service, compose.health(service)));
        if unwell.iter().all(|(_, health)| health == "healthy") { Ok(()) } else { Err(format!("found {unwell:?}")) }
    });

    decided_by(&compose, "one");
    rules.write(&[samples::header_to_canary("two")]);
    decided_by(&compose, "two");

    let load = Load::of(100).over(8).header("x-env", "two").start(compose.address());
    compose.disconnect("control", "control");
    rules.write(&[samples::header_to_canary("three")]);
    // Several seconds, in which the fetcher finds nobody.
    load.await_more(600);
    assert_eq!(upstream(&compose, "two"), "canary", "while control is cut off");
    compose.connect("control", "control");
    decided_by(&compose, "three");
    load.stop().assert_none_failed(600);
}

/// Waits until who says `env` is sent to the canary, and checks that others are not.
fn decided_by(compose: &Compose, env: &str) {
    eventually(&format!("the rule about {env}"), || match upstream(compose, env) {
        upstream if upstream == "canary" => Ok(()),
        upstream => Err(format!("found {upstream}")),
    });
    assert_eq!(upstream(compose, "another"), "stable");
}

fn upstream(compose: &Compose, env: &str) -> String {
    let request = Request::get("/checkout").header("x-env", env);
    let answer = Wire::open(compose.address()).and_then(|mut wire| wire.exchange(&request));
    answer.as_ref().map(Answer::seen).unwrap_or_else(|why| panic!("{why}")).upstream
}
