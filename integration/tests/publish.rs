//! Publishing, rolling back, switching off: through the store and the control plane to every worker of two Envoys.

use graylane_integration::{Fleet, FleetPlan, Request, samples};

fn fleet(name: &str) -> Fleet {
    let fleet = FleetPlan::new(name).envoys(2).workers(2).tell_revision().start();
    fleet.await_reports();
    fleet
}

/// What variant and revision an Envoy gives to `x-env: gray`, and why.
fn decided(fleet: &Fleet, envoy: usize) -> (String, String, String) {
    let mut wire = fleet.connect(envoy);
    let answer = wire.exchange(&Request::get("/").header("x-env", "gray")).expect("an answer");
    let told = |name: &str| answer.header(&format!("x-graylane-{name}")).unwrap_or_default().to_owned();
    (told("variant"), told("revision"), told("reason"))
}

#[test]
fn a_revision_is_everywhere_when_publish_returns_and_gone_when_rollback_does() {
    let fleet = fleet("publish");
    let gray = fleet.documents("gray", &[("checkout.yaml", samples::header_to_canary("gray"))]);
    let blue = fleet.documents("blue", &[("checkout.yaml", samples::header_to_canary("blue"))]);
    let publish = |directory: &std::path::Path, why: &str| {
        let path = directory.to_str().unwrap();
        let said = fleet.graylane(0, &["publish", path, "-m", why, "--wait", "10s", "-o", "json"]).ended(0).json();
        assert_eq!(said["acks"]["everywhere"], true, "{said:#}");
        assert_eq!(said["acks"]["workers"].as_array().unwrap().len(), 4, "{said:#}");
        said["revision"].as_str().unwrap().to_owned()
    };
    let is = |variant: &str, revision: &str, reason: &str| {
        for envoy in 0..2 {
            let (found, by, why) = decided(&fleet, envoy);
            assert_eq!((found.as_str(), by.as_str(), why.as_str()), (variant, revision, reason));
        }
    };
    let first = publish(&gray, "gray is canary");
    is("canary", &first, "TARGETING_MATCH");
    let second = publish(&blue, "blue is canary");
    is("stable", &second, "DEFAULT");
    let said = fleet.graylane(0, &["rollback", "--within", "10s", "-m", "back", "-o", "json"]).ended(0).json();
    let third = said["revision"].as_str().unwrap();
    is("canary", third, "TARGETING_MATCH");
    let off = fleet.graylane(0, &["off", "--wait", "10s", "-o", "json"]).ended(0).json();
    is("stable", off["revision"].as_str().unwrap(), "DISABLED");
    let on = fleet.graylane(0, &["on", "--wait", "10s", "-o", "json"]).ended(0).json();
    is("canary", on["revision"].as_str().unwrap(), "TARGETING_MATCH");
    // A promise that nobody can keep is told to be broken, by the exit code.
    let broken = fleet.graylane(0, &["rollback", "--within", "0ms"]).ended(3);
    assert!(broken.stdout.contains("promise broken") || broken.stdout.contains("not everywhere"), "{broken:#?}");
}

#[test]
fn revisions_go_on_where_they_were_when_the_control_plane_starts_again() {
    let mut fleet = fleet("restart");
    let gray = fleet.documents("gray", &[("checkout.yaml", samples::header_to_canary("gray"))]);
    let blue = fleet.documents("blue", &[("checkout.yaml", samples::header_to_canary("blue"))]);
    let publish = |fleet: &Fleet, directory: &std::path::Path| {
        let path = directory.to_str().unwrap();
        let said = fleet.graylane(0, &["publish", path, "-m", "a test", "--wait", "20s", "-o", "json"]).ended(0).json();
        said["revision"].as_str().unwrap().to_owned()
    };
    let first = publish(&fleet, &gray);
    fleet.replicas()[0].kill();
    assert_eq!(decided(&fleet, 0).0, "canary", "Envoy goes on without");
    fleet.replicas()[0].start_again();
    fleet.await_reports();
    let second = publish(&fleet, &blue);
    let epoch = |revision: &str| revision.split_once('.').unwrap().0.to_owned();
    assert_eq!(epoch(&first), epoch(&second));
    assert!(second.ends_with(".2"), "{second}");
    assert_eq!(decided(&fleet, 1), ("stable".to_owned(), second, "DEFAULT".to_owned()));
}

#[test]
fn an_envoy_can_take_the_canary_out_without_a_control_plane() {
    let mut fleet = fleet("without-control");
    let gray = fleet.documents("gray", &[("checkout.yaml", samples::header_to_canary("gray"))]);
    let arguments = ["publish", gray.to_str().unwrap(), "-m", "gray is canary", "--wait", "20s"];
    let _ = fleet.graylane(0, &arguments).ended(0);
    fleet.replicas()[0].kill();
    let upstream = |fleet: &Fleet| {
        let answer = fleet.connect(0).exchange(&Request::get("/").header("x-env", "gray")).expect("an answer");
        answer.seen().upstream.clone()
    };
    assert_eq!(upstream(&fleet), "canary");
    fleet.envoys()[0].admin().order("/runtime_modify?graylane.canary=0").expect("Envoy takes it");
    assert_eq!(upstream(&fleet), "stable");
    fleet.envoys()[0].admin().order("/runtime_modify?graylane.canary=100").expect("Envoy takes it");
    assert_eq!(upstream(&fleet), "canary");
}

/// A split of three variants, so that an allocation remembers who is where.
fn three(weights: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: checkout}}\nspec:\n  identity: {{from: [{{header: \
         x-user-id}}]}}\n  variants: [stable, canary, other]\n  default: stable\n  splits: {{s: {{weights: {{{weights}}}}}}}\n  rules: \
         [{{id: all, split: s}}]\n"
    )
}

#[test]
fn exactly_those_move_who_were_predicted_to() {
    const IDENTITIES: usize = 5_000;
    let fleet = fleet("moves");
    let publish = |weights: &str, more: &[&str]| {
        let directory = fleet.documents("rules", &[("checkout.yaml", three(weights))]);
        let arguments = [&["publish", directory.to_str().unwrap(), "-m", weights, "-o", "json"], more].concat();
        fleet.graylane(0, &arguments).ended(0).json()
    };
    publish("stable: 60, canary: 30, other: 10", &["--wait", "20s"]);
    let identities: Vec<String> = (0..IDENTITIES).map(|number| format!("user-{number}")).collect();
    let file = fleet.scratch().join("identities");
    std::fs::write(&file, identities.join("\n")).unwrap();
    let before = variants(&fleet, &identities);
    let weights = "stable: 35, canary: 45, other: 20";
    let planned = publish(weights, &["--dry-run", "--identities", file.to_str().unwrap()]);
    publish(weights, &["--wait", "20s"]);
    let after = variants(&fleet, &identities);
    let mut moved = std::collections::BTreeMap::new();
    for (was, is) in before.iter().zip(&after).filter(|(was, is)| was != is) {
        *moved.entry((was.clone(), is.clone())).or_insert(0_u64) += 1;
    }
    let predicted = planned["movement"]["moves"].as_array().unwrap().iter().map(|one| {
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        ((text("from"), text("to")), one["identities"].as_u64().unwrap())
    });
    assert_eq!(moved, predicted.collect(), "{planned:#}");
    let all: u64 = moved.values().sum();
    assert!(all > 1_000, "{moved:?}");
    // As the slots say: a fourth of all, but for chance.
    assert_eq!(planned["difference"]["ruleSets"][0]["splits"][0]["moves"]["slots"], 25_000);
    println!("{all} of {IDENTITIES} identities moved, as many as were predicted: {moved:?}");
}

/// What variant each identity has, asked of both Envoys in turn.
fn variants(fleet: &Fleet, identities: &[String]) -> Vec<String> {
    let mut wires = [fleet.connect(0), fleet.connect(1)];
    let mut variants = Vec::new();
    for (place, identity) in identities.iter().enumerate() {
        let request = Request::get("/").header("x-user-id", identity);
        let answer = wires[place % 2].exchange(&request).expect("an answer");
        variants.push(answer.header("x-graylane-variant").expect("a variant").to_owned());
    }
    variants
}
