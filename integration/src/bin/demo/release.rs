//! A release: published as a revision, taken back within a second, and who said so when.

use graylane_integration::{Fleet, FleetPlan, fleet::Said, root};

use crate::page::heading;

/// Publishes to two Envoys of two workers, rolls back, and switches off, and prints what the commands say; gives how many of
/// them did not end well.
pub(crate) fn show() -> usize {
    heading("A release with a history: one control plane over a store, two Envoys of two workers");
    let fleet = FleetPlan::new("demo-release").envoys(2).workers(2).start();
    fleet.await_reports();
    let shipped = root().join("envoy/rules/checkout.yaml");
    let first = std::fs::read_to_string(&shipped).expect("the shipped rules");
    let second = first.replace("percent: 20", "percent: 40");
    assert_ne!(first, second, "the shipped rules have a percentage");
    let steps = [
        publish(&fleet, &first, &["-m", "as shipped", "--wait", "20s"]),
        publish(&fleet, &second, &["-m", "twice as many", "--dry-run"]),
        publish(&fleet, &second, &["-m", "twice as many", "--wait", "20s"]),
        told(&fleet, &["rollback", "-m", "too many", "--within", "1s"]),
        told(&fleet, &["off", "--rule-set", "checkout", "-m", "to be safe", "--wait"]),
        told(&fleet, &["history"]),
    ];
    steps.iter().filter(|code| **code != 0).count()
}

fn publish(fleet: &Fleet, text: &str, more: &[&str]) -> i32 {
    let directory = fleet.documents("rules", &[("checkout.yaml", text.to_owned())]);
    let arguments = [&["publish", directory.to_str().expect("a path that is text")], more].concat();
    said(&fleet.graylane(0, &arguments), &[&["publish", "rules/"], more].concat())
}

fn told(fleet: &Fleet, arguments: &[&str]) -> i32 {
    said(&fleet.graylane(0, arguments), arguments)
}

/// Prints a command as it is typed, and what it said.
fn said(said: &Said, arguments: &[&str]) -> i32 {
    let word = |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
    println!("\n  $ graylane {}", arguments.iter().map(word).collect::<Vec<_>>().join(" "));
    said.stdout.lines().chain(said.stderr.lines()).for_each(|line| println!("  {line}"));
    said.code
}
