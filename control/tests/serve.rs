//! `graylane serve`: what stands in the directory reaches whoever waits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panic"
)]

mod common;
#[path = "common/serving.rs"]
mod serving;

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use common::{Scratch, rule_set};
use graylane_rules::{Snapshot, envelope};
use serde_json::json;
use serving::Serving;

fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    fs::create_dir(scratch.path("rules")).unwrap();
    scratch
}

/// The names of the rule sets in an answer.
fn rule_sets(answer: &[u8]) -> Vec<String> {
    let (_, bytes) = envelope::open(answer).unwrap();
    let snapshot = Snapshot::load(bytes.to_vec()).unwrap();
    snapshot.rule_sets().map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
}

#[test]
fn a_file_renamed_into_place_wakes_a_long_poll() {
    let scratch = scratch("rename");
    scratch.write("rules/a.yaml", rule_set("a", "stable"));
    let serving = Serving::start(&scratch);
    let first = serving.published(1);
    let poll = serving.long_poll(&first);
    let renamed = Instant::now();
    scratch.rename_into_place("rules/b.yaml", rule_set("b", "stable"));
    let (status, body, woken) = poll.join().unwrap();
    println!("from rename to answer: {:?}", woken - renamed);
    assert_eq!((status, rule_sets(&body)), (200, vec!["a".to_owned(), "b".to_owned()]));
    assert!(woken - renamed < Duration::from_millis(900), "the event came, not the look of every second");

    fs::remove_file(scratch.path("rules/a.yaml")).unwrap();
    assert_eq!(rule_sets(&serving.get(&format!("~/snapshot?after={first}&wait=60s")).1).len(), 2);
    serving.published(3);
    assert_eq!(rule_sets(&serving.get("~/snapshot").1), ["b"]);
    assert_eq!(serving.get("/readyz").0, 200);
}

#[test]
fn a_broken_file_keeps_the_last_good_and_says_why() {
    let scratch = scratch("broken");
    scratch.write("rules/a.yaml", rule_set("a", "stable"));
    let serving = Serving::start(&scratch);
    serving.published(1);
    let good = serving.get("~/snapshot").1;
    scratch.rename_into_place("rules/a.yaml", rule_set("a", "gone"));
    let status = serving.eventually("problems", |status| status["problems"] != json!([]));
    let problem = &status["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&json!("rules/a.yaml"), &json!(7), &json!(12))
    );
    assert_eq!((&problem["code"], &problem["path"]), (&json!("unknown-variant"), &json!("spec.default")));
    assert_eq!(serving.get("~/snapshot").1, good);
    let metrics = String::from_utf8(serving.get("/metrics").1).unwrap();
    assert!(metrics.contains("\ngraylane_control_refused_documents_total 1\n"), "{metrics}");

    scratch.rename_into_place("rules/a.yaml", rule_set("a", "stable"));
    serving.eventually("no problems", |status| status["problems"] == json!([]));
    assert_eq!(serving.get("~/snapshot").1, good, "the same content is no new revision");
    scratch.rename_into_place("rules/a.yaml", rule_set("a", "canary"));
    serving.published(2);
    let (_, log) = serving.terminate();
    assert_eq!(log.lines().filter(|line| line.contains("rules/a.yaml:7:12 unknown-variant")).count(), 1, "{log}");
}

#[test]
fn warnings_are_logged_once_for_each_revision() {
    let scratch = scratch("warnings");
    scratch.write("rules/a.yaml", rule_set("shop", "stable"));
    scratch.write("rules/b.yaml", rule_set("shop", "stable").replace("name: shop", "name: other"));
    let serving = Serving::start(&scratch);
    let first = serving.published(1);
    // Read again, and no other revision: it begins two lines later.
    scratch.rename_into_place("rules/a.yaml", format!("#\n#\n{}", rule_set("shop", "stable")));
    serving.eventually("a warning", |status| status["problems"][0]["line"] == 5);
    scratch.rename_into_place("rules/a.yaml", rule_set("shop", "canary"));
    let second = serving.published(2);
    let (_, log) = serving.terminate();
    let warned = |revision: &str| {
        let said = format!(" WARN revision {revision}: rules/a.yaml:");
        log.lines().filter(|line| line.contains(&said) && line.contains(" warning rule-set-shadowed ")).count()
    };
    assert_eq!((warned(&first), warned(&second)), (1, 1), "{log}");
}

#[test]
fn the_directory_may_come_later_go_and_be_swapped_by_a_link() {
    let scratch = Scratch::new("swap");
    let serving = Serving::start(&scratch);
    serving.eventually("a problem", |status| status["problems"][0]["code"] == "unreadable");
    assert_eq!((serving.get("/healthz").0, serving.get("/readyz").0), (200, 503));

    // As Kubernetes mounts a ConfigMap: rules/a.yaml -> ..data/a.yaml, ..data -> ..1.
    for (version, default) in [("..1", "stable"), ("..2", "canary")] {
        fs::create_dir_all(scratch.path("rules").join(version)).unwrap();
        scratch.write(&format!("rules/{version}/a.yaml"), rule_set("a", default));
    }
    symlink("..1", scratch.path("rules/..data")).unwrap();
    symlink("..data/a.yaml", scratch.path("rules/a.yaml")).unwrap();
    let first = serving.published(1);
    let poll = serving.long_poll(&first);
    symlink("..2", scratch.path("rules/..data_tmp")).unwrap();
    fs::rename(scratch.path("rules/..data_tmp"), scratch.path("rules/..data")).unwrap();
    assert_eq!(poll.join().unwrap().0, 200);

    fs::rename(scratch.path("rules"), scratch.path("away")).unwrap();
    serving.eventually("a problem", |status| status["problems"][0]["code"] == "unreadable");
    serving.published(2);
    fs::create_dir(scratch.path("rules")).unwrap();
    serving.eventually("a problem", |status| status["problems"][0]["code"] == "no-documents");
    scratch.rename_into_place("rules/b.json", r#"{"apiVersion":"graylane.dev/v1","kind":"RuleSet","metadata":{"name":"b"},"spec":{"variants":["stable"],"default":"stable","rules":[]}}"#);
    serving.published(3);
    assert_eq!(rule_sets(&serving.get("~/snapshot").1), ["b"]);
    let (_, log) = serving.terminate();
    assert!(log.contains(" WARN --rules: found no directory rules, expected one: waiting for it\n"), "{log}");
}

#[test]
fn sigterm_answers_whoever_waits_and_ends_well() {
    let scratch = scratch("sigterm");
    scratch.write("rules/a.yaml", rule_set("a", "stable"));
    let serving = Serving::start(&scratch);
    let revision = serving.published(1);
    let poll = serving.long_poll(&revision);
    let told = Instant::now();
    let (exit, log) = serving.terminate();
    let (status, _, answered) = poll.join().unwrap();
    assert!(exit.success(), "{exit}: {log}");
    assert_eq!(status, 204);
    assert!(answered - told < Duration::from_secs(2));
}

#[test]
fn a_probe_tells_by_its_exit_code() {
    let scratch = scratch("probe");
    let serving = Serving::start(&scratch);
    let probe = |path: &str| scratch.run(&["probe", &format!("http://{}{path}", serving.address)], "");
    assert_eq!(probe("/healthz").0, 0);
    let (code, _, said) = probe("/readyz");
    assert!(code == 1 && said.contains("503") && said.contains("expected a status of 200 to 299"), "{said}");
    let address = serving.address.clone();
    serving.terminate();
    assert_eq!(scratch.run(&["probe", &format!("http://{address}/healthz")], "").0, 1);
    assert_eq!(scratch.run(&["probe", "https://shop/"], "").0, 2);
}
