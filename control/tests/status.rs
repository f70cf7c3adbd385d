//! `graylane status`: who runs what, and an exit code that says whether all is well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;
#[path = "common/serving.rs"]
mod serving;

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use common::{Scratch, rule_set};
use serde_json::{Value, json};
use serving::Serving;

/// Reports the workers of an Envoy.
fn ack(serving: &Serving, node: &str, workers: &Value) {
    let body = json!({"node": {"id": node, "cluster": "edge"}, "fetcher": "bootstrap", "workers": workers}).to_string();
    assert_eq!(serving.post("~/acks", &body), 204);
}

fn worker(id: &str, revision: &str) -> Value {
    json!({"id": id, "revision": revision, "formats": [1], "role": "worker"})
}

/// Runs `graylane status`, with these arguments, against `serving`.
fn status(scratch: &Scratch, serving: &Serving, arguments: &[&str]) -> (i32, String, String) {
    let control = format!("http://{}", serving.address);
    scratch.run(&[&["status", "--control", &control], arguments].concat(), "")
}

#[test]
fn the_table_and_the_exit_code_say_what_is_not_well() {
    let scratch = Scratch::with_rules("status");
    let serving = Serving::start(&scratch);
    let first = serving.published(1);
    let (code, text, _) = status(&scratch, &serving, &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with(&format!("namespace default: revision {first} published ")), "{text}");
    assert!(text.contains("; rule sets: shop; not signed\n") && text.ends_with("\nno Envoy has reported\n"), "{text}");

    let main = json!({"id": "0c", "revision": null, "formats": [1], "role": "main"});
    ack(&serving, "envoy\u{1b}-1", &json!([worker("0a", &first), worker("0b", &first), main]));
    let (code, text, _) = status(&scratch, &serving, &[]);
    assert_eq!(code, 0, "{text}");
    let line = |text: &str, id: &str| {
        let line = text.lines().find(|line| line.contains(&format!("  {id}  "))).unwrap_or_else(|| panic!("{text}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let cells = line(&text, "0b");
    assert_eq!(cells[..6], ["envoy\\u{1b}-1", "edge", "bootstrap", "0b", "worker", &first].map(str::to_owned));
    assert!(cells[6].ends_with('Z') && cells[7..] == ["current"], "{text}");
    assert!(line(&text, "0c").ends_with(&["behind".to_owned()]), "{text}");
    assert!(text.ends_with("\n1 node, 2 workers: 2 current, 0 stale, 0 refusing\n"), "{text}");

    // The variants change places, so that each is given to somebody.
    let swapped = rule_set("shop", "canary").replace("variant: canary", "variant: stable");
    scratch.rename_into_place("rules/shop.yaml", swapped);
    let second = serving.published(2);
    let refusing = json!({"id": "0b", "revision": first, "formats": [1], "error": "found a\nheader, expected none", "refused": second});
    ack(&serving, "envoy\u{1b}-1", &json!([worker("0a", &first), refusing]));
    serving.eventually("both stale", |status| status["tally"]["stale"] == 2);
    let (code, text, _) = status(&scratch, &serving, &[]);
    assert_eq!(code, 1, "{text}");
    assert!(line(&text, "0a")[7..].starts_with(&["stale:", "1", "revision,"].map(str::to_owned)), "{text}");
    assert!(text.contains(&format!(" behind; refusing {second}: found a\\nheader, expected none\n")), "{text}");
    assert!(
        text.contains("\n1 node, 2 workers: 0 current, 2 stale, 1 refusing\nproblem: envoy\\u{1b}-1 refused: found a"),
        "{text}"
    );

    let (code, text, _) = status(&scratch, &serving, &["-o", "json"]);
    let told: Value = serde_json::from_str(&text).unwrap();
    let tally = json!({"nodes": 1, "silent": 0, "workers": 2, "current": 0, "stale": 2, "refusing": 1});
    assert_eq!((code, &told["tally"], &told["nodes"][0]["workers"][1]["refused"]), (1, &tally, &json!(second)));
}

#[test]
fn the_time_to_effect_begins_with_the_event_and_ends_with_the_ack() {
    let scratch = Scratch::with_rules("effect");
    let serving = Serving::start(&scratch);
    ack(&serving, "e", &json!([worker("0a", &serving.published(1))]));
    let before = Instant::now();
    scratch.rename_into_place("rules/shop.yaml", rule_set("shop", "canary"));
    ack(&serving, "e", &json!([worker("0a", &serving.published(2))]));
    let elapsed = before.elapsed();
    let effect = &serving.status()["timeToEffect"];
    let took = Duration::from_secs_f64(effect["lastSeconds"].as_f64().unwrap());
    // After the event it is waited 4 ms for others, before anything is read.
    assert!((Duration::from_millis(4)..=elapsed).contains(&took), "{took:?} of {elapsed:?}");
    assert_eq!((&effect["count"], &effect["superseded"]), (&json!(2), &json!(0)));
}

#[test]
fn it_waits_until_a_change_is_in_effect() {
    let scratch = Scratch::with_rules("status-wait");
    let serving = Serving::start(&scratch);
    let revision = serving.published(1);
    assert_eq!(status(&scratch, &serving, &["--wait", "1ms"]).0, 1);
    let control = format!("http://{}", serving.address);
    let mut waiting = scratch.graylane(&["status", "--control", &control, "--wait", "1m", "-o", "json"]);
    let waiting = waiting.stdout(Stdio::piped()).spawn().unwrap();
    ack(&serving, "e", &json!([worker("0a", &revision)]));
    let output = waiting.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &told["tally"]["current"]), (Some(0), &json!(1)));
    let newer_than = |revision| status(&scratch, &serving, &["--newer-than", revision]).0;
    assert_eq!((newer_than(revision.as_str()), newer_than("1.1"), newer_than("1")), (1, 0, 2));
}

#[test]
fn what_troubles_an_envoy_is_told_and_is_not_well() {
    let scratch = Scratch::with_rules("status-trouble");
    let serving = Serving::start(&scratch);
    let workers = json!([worker("0a", &serving.published(1))]);
    let mut report =
        json!({"node": {"id": "e"}, "trouble": "found a key\u{1b}[2J, expected another", "workers": workers});
    assert_eq!(serving.post("~/acks", &report.to_string()), 204);
    let (code, text, _) = status(&scratch, &serving, &["--wait", "200ms"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("  current\n  trouble: found a key\\u{1b}[2J, expected another\n"), "{text}");
    assert!(text.ends_with("\nproblem: e trouble: found a key\\u{1b}[2J, expected another\n"), "{text}");
    let node = &serving.status()["nodes"][0];
    assert_eq!(node["trouble"], report["trouble"]);
    report["trouble"] = json!(null);
    assert_eq!(serving.post("~/acks", &report.to_string()), 204);
    let told = serving.status();
    assert_eq!((told["nodes"][0].get("trouble"), &told["problems"]), (None, &json!([])));
    assert_eq!(status(&scratch, &serving, &[]).0, 0);
}

#[test]
fn all_is_not_well_while_an_envoy_has_no_worker() {
    let scratch = Scratch::with_rules("status-idle");
    let serving = Serving::start(&scratch);
    let revision = serving.published(1);
    ack(&serving, "e", &json!([worker("0a", &revision)]));
    let main = json!({"id": "0b", "revision": revision, "formats": [1], "role": "main"});
    for (workers, well) in [
        (json!([]), 1),
        (json!([main]), 1),
        (json!([main, worker("0c", &revision)]), 0),
        (json!([{"id": "0d", "revision": revision}, {"id": "0e", "revision": revision}]), 0),
    ] {
        ack(&serving, "idle", &workers);
        let (code, text, _) = status(&scratch, &serving, &["--wait", "200ms"]);
        assert_eq!(code, well, "{text}");
        let is_unknown =
            text.contains("\nunknown: 2 counted among the workers; one of each Envoy may be its main thread's");
        assert_eq!(is_unknown, workers[0]["id"] == "0d", "{text}");
        let told = text.contains("  no worker: is there a filter of the fetcher's vm_id?\n");
        assert_eq!(told, workers.as_array().unwrap().is_empty(), "{text}");
    }
}

#[test]
fn an_envoy_that_told_of_one_vm_is_waited_for() {
    let scratch = Scratch::with_rules("status-beginning");
    let serving = Serving::start(&scratch);
    let revision = serving.published(1);
    let first = json!({"id": "0a", "revision": revision});
    ack(&serving, "e\u{1b}", &json!([first]));
    assert_eq!(status(&scratch, &serving, &[]).0, 0, "asked once it is as it is told");
    let (code, text, stderr) = status(&scratch, &serving, &["--wait", "200ms"]);
    assert!(code == 1 && text.contains("1 node, 1 worker: 1 current"), "{text}");
    assert!(stderr.starts_with("found one VM alone of \"e\\u{1b}\", of unknown role, expected "), "{stderr}");
    ack(&serving, "e\u{1b}", &json!([first, {"id": "0b", "revision": revision}]));
    assert_eq!(status(&scratch, &serving, &["--wait", "1m"]).0, 0);
    ack(&serving, "e\u{1b}", &json!([worker("0a", &revision)]));
    assert_eq!(status(&scratch, &serving, &["--wait", "1m"]).0, 0, "it is known to be a worker");
}

#[test]
fn an_envoy_without_an_id_leaves_no_hole_in_the_table() {
    let scratch = Scratch::with_rules("status-nameless");
    let serving = Serving::start(&scratch);
    ack(&serving, "", &json!([worker("0a", &serving.published(1))]));
    let (code, text, _) = status(&scratch, &serving, &[]);
    assert_eq!((code, text.lines().any(|line| line.starts_with("-     edge     bootstrap  0a"))), (0, true), "{text}");
}

#[test]
fn all_is_not_well_while_envoys_share_an_id() {
    let scratch = Scratch::with_rules("status-shared");
    let serving = Serving::start(&scratch);
    let current = json!([worker("0a", &serving.published(1))]);
    let stuck = json!([worker("0b", "1.1")]);
    ack(&serving, "e", &current);
    assert_eq!(status(&scratch, &serving, &[]).0, 0);
    ack(&serving, "e", &stuck);
    ack(&serving, "e", &current);
    let (code, text, _) = status(&scratch, &serving, &["--wait", "200ms"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("1 current, 0 stale") && text.contains("problem: e shared-id: found two Envoys"), "{text}");
}

#[test]
fn no_answer_is_no_status() {
    let scratch = Scratch::with_rules("status-none");
    let serving = Serving::start(&scratch);
    let (code, stdout, said) = status(&scratch, &serving, &["--namespace", "ötherß"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        said.contains("/v1/namespaces/%C3%B6ther%C3%9F/status: found the status 404 Not Found (found the namespace"),
        "{said}"
    );
    let address = serving.address.clone();
    serving.terminate();
    let (code, _, said) = scratch.run(&["status", "--control", &format!("http://{address}")], "");
    assert!(code == 2 && said.starts_with("error: http://127.0.0.1:"), "{code} {said}");
    for arguments in [&["--control", "https://control/"][..], &["--wait", "30"]] {
        let (code, _, said) = scratch.run(&[&["status"], arguments].concat(), "");
        assert!(code == 2 && said.contains("expected "), "{said}");
    }
}

#[test]
fn all_is_not_well_while_the_documents_are_refused() {
    let scratch = Scratch::with_rules("status-refused");
    let serving = Serving::start(&scratch);
    let revision = serving.published(1);
    ack(&serving, "e", &json!([worker("0a", &revision)]));
    assert_eq!(status(&scratch, &serving, &["--wait", "1m"]).0, 0);
    scratch.rename_into_place("rules/shop.yaml", rule_set("shop", "gone"));
    let told = serving.eventually("refused", |status| status["documentsRefused"] == true);
    assert!(told["lookedAt"].is_string(), "{told:#}");
    let said = format!(
        "found documents that are refused, revision {revision} stays, expected sound ones: \
         rules/shop.yaml:7:12 unknown-variant spec.default: found "
    );
    let asked = Instant::now();
    for options in [&[][..], &["--wait", "1m"], &["--wait", "1m", "--newer-than", &revision]] {
        let (code, stdout, stderr) = status(&scratch, &serving, options);
        assert!(code == 1 && stderr.starts_with(&said), "{options:?}: {code}: {stderr}");
        assert!(stdout.contains("\nproblem: rules/shop.yaml:7:12 unknown-variant"), "{stdout}");
    }
    assert!(asked.elapsed() < Duration::from_secs(30), "the reason was known at once");

    scratch.rename_into_place("rules/shop.yaml", rule_set("shop", "canary"));
    ack(&serving, "e", &json!([worker("0a", &serving.published(2))]));
    let (code, stdout, stderr) = status(&scratch, &serving, &["--wait", "1m", "--newer-than", &revision]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
}

#[test]
fn all_is_not_well_while_a_problem_is_an_error() {
    let scratch = Scratch::with_rules("status-error");
    let serving = Serving::start(&scratch);
    ack(&serving, "e", &json!([worker("0a", &serving.published(1))]));
    assert_eq!(status(&scratch, &serving, &[]).0, 0);
    // Somebody who is ahead of what is published.
    assert_eq!(serving.get("~/snapshot?after=9999999999999.1&formats=2&wait=1ms").0, 204);
    let (code, text, _) = status(&scratch, &serving, &[]);
    assert!(code == 1 && text.contains("1 current, 0 stale, 0 refusing\nproblem: default outrun: "), "{code}: {text}");
}

#[test]
fn nothing_newer_is_said_to_be_so() {
    let scratch = Scratch::with_rules("status-older");
    let serving = Serving::start(&scratch);
    let revision = serving.published(1);
    ack(&serving, "e", &json!([worker("0a", &revision)]));
    scratch.rename_into_place("rules/shop.yaml", format!("# as before\n{}", rule_set("shop", "stable")));
    let (code, _, stderr) = status(&scratch, &serving, &["--newer-than", &revision, "--wait", "200ms"]);
    let said = format!("found revision {revision} still, expected one newer than {revision}\n");
    assert_eq!((code, stderr), (1, said));
}

#[test]
fn the_environment_says_whom_to_ask() {
    let scratch = Scratch::with_rules("status-environment");
    let serving = Serving::start(&scratch);
    let first = serving.published(1);
    let control = format!("http://{}", serving.address);
    let nobody = "http://127.0.0.1:1";
    let asked = |store: &str, named: &str| {
        let mut command = scratch.graylane(&["status"]);
        let output = command.env("GRAYLANE_STORE", store).env("GRAYLANE_CONTROL", named).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains(&first)
    };
    // A store that is none to be asked leaves it to the control plane that is named.
    assert!(asked("", &control) && asked("redb://graylane.redb", &control) && asked(&control, nobody));
    assert!(!asked(nobody, &control));
}

#[test]
fn who_published_and_what_is_off_and_frozen_is_told() {
    let scratch = Scratch::with_rules("status-standing");
    let serving = Serving::store(&scratch);
    let control = format!("http://{}", serving.address);
    let run = |arguments: &[&str]| {
        let (code, _, stderr) = scratch.run(&[arguments, &["--control", &control]].concat(), "");
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
    };
    run(&["publish", "rules/", "-m", "canary for a fifth", "--actor", "ann"]);
    let (_, text, _) = status(&scratch, &serving, &[]);
    let line = text.lines().nth(1).unwrap();
    assert!(line.starts_with("publish by ann, 20") && line.ends_with("Z: canary for a fifth"), "{text}");
    assert!(!text.contains("off:") && !text.contains("frozen:"), "{text}");
    run(&["off", "--rule-set", "shop", "-m", "carts\u{1b} fail", "--actor", "bob"]);
    run(&["freeze", "-m", "sale", "--actor", "eve"]);
    let (_, text, _) = status(&scratch, &serving, &[]);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}"));
    assert!(line("off: shop, by bob, 20").ends_with("Z: carts\\u{1b} fail; everybody has the default"), "{text}");
    assert!(line("frozen: all rule sets, by eve, 20").ends_with("Z: sale"), "{text}");
    let (_, json, _) = status(&scratch, &serving, &["-o", "json"]);
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&told["origin"]["actor"], &told["origin"]["action"]), (&json!("eve"), &json!("freeze")));
    assert_eq!((&told["off"][0]["actor"], &told["frozen"][0]["ruleSet"]), (&json!("bob"), &Value::Null));
    assert_eq!(told["overrides"], 0);
}
