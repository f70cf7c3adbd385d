//! Switches: overridden on the command line and in the environment, read again while serving, told as events.
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
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Duration,
};

use common::{Scratch, rule_set};
use graylane_rules::{Snapshot, envelope};
use serde_json::{Value, json};
use serving::Serving;

const SWITCHES: &str = "  switches:\n    feature_login: {type: string, default: v1, variants: {canary: v2}}\n    \
                        rate_limit: {type: float, default: 0.3}\n";

fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    std::fs::create_dir(scratch.path("rules")).unwrap();
    scratch.write("rules/shop.yaml", format!("{}{SWITCHES}", rule_set("shop", "stable")));
    scratch
}

/// The values of the switches of a served snapshot, as operators write them.
fn served(serving: &Serving) -> Vec<String> {
    let (_, answer) = serving.get("~/snapshot");
    let (_, bytes) = envelope::open(&answer).unwrap();
    let snapshot = Snapshot::load(bytes.to_vec()).unwrap();
    snapshot.switches().map(|switch| switch.kind.plain(switch.default)).collect()
}

#[test]
fn overrides_come_by_an_option_by_a_file_and_by_the_environment() {
    let scratch = scratch("overrides");
    scratch.write("switches", "gray.rate_limit=0.5\ngray.feature_login=\"a, b\"\n");
    let request = r#"{"path":"/","host":"shop.example.com"}"#;
    let decided = |options: &[&str], variable: Option<&str>| {
        let mut command = scratch.graylane(&[&["decide", "rules"], options].concat());
        command.env_remove("GRAYLANE_SWITCHES").envs(variable.map(|value| ("GRAYLANE_SWITCHES", value)));
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments reads nothing, and closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
        let output = child.wait_with_output().unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), line["set"]["x-gray-switches"].as_str().unwrap_or_default().to_owned(), said)
    };
    let set = |options: &[&str], variable| decided(options, variable).1;
    assert_eq!(set(&[], None), r#"feature_login="v1", rate_limit=0.3"#);
    assert_eq!(set(&["--switches", "gray.rate_limit=1"], None), r#"feature_login="v1", rate_limit=1.0"#);
    assert_eq!(set(&["--switches", "@switches"], None), r#"feature_login="a, b", rate_limit=0.5"#);
    assert_eq!(set(&[], Some("gray.feature_login=v9")), r#"feature_login="v9", rate_limit=0.3"#);
    assert_eq!(set(&[], Some("@switches")), r#"feature_login="a, b", rate_limit=0.5"#);
    let both = set(&["--switches", "gray.rate_limit=1"], Some("gray.feature_login=v9"));
    assert_eq!(both, r#"feature_login="v1", rate_limit=1.0"#, "the option stands instead of the environment");
    for (option, code, said) in [
        (
            "gray.rate_limits=1",
            1,
            "--switches:1:1 unknown-switch gray.rate_limits: found a switch that no rule set has",
        ),
        ("gray.rate_limit=x", 1, "--switches:1:1 bad-switch-value gray.rate_limit: found \"x\", expected a number"),
        ("rate_limit=1", 2, "--switches: byte 0: found \"rate_limit\", expected gray.NAME=VALUE"),
        ("@gone", 2, "gone: found no such file"),
    ] {
        let (found, _, told) = decided(&["--switches", option], None);
        assert!(found == code && told.contains(said), "{option}: {found} {told}");
    }
}

#[test]
fn check_explain_and_compile_know_overrides() {
    let scratch = scratch("overrides-known");
    let (code, stdout, _) = scratch.run(&["check", "--no-excerpt", "--switches", "gray.a=1,\ngray.b=2", "rules"], "");
    assert_eq!(code, 2, "a comma at the end of a line promises another entry: {stdout}");
    let (code, stdout, _) =
        scratch.run(&["check", "--no-excerpt", "--switches", "gray.rate_limit=1\ngray.b=2", "rules"], "");
    let line = "--switches:2:1 unknown-switch gray.b: found a switch that no rule set has, expected one of feature_login, rate_limit\n";
    assert_eq!((code, stdout.as_str()), (1, line));
    let (_, _, summary) = scratch.run(&["check", "rules"], "");
    assert!(summary.contains("sets x-feature-flags, x-gray-switches, x-gray-variant:"), "{summary}");
    let owned = ["check", "--owned", "x-gray-variant,x-feature-flags", "--no-excerpt", "rules"];
    let (code, stdout, _) = scratch.run(&owned, "");
    assert!(code == 1 && stdout.contains("not-owned: found the header x-gray-switches"), "{stdout}");
    let explain = ["explain", "-f", "rules", "--switches", "gray.rate_limit=2", "--", "http://shop.example.com/"];
    let (_, stdout, _) = scratch.run(&explain, "");
    assert!(stdout.contains("\n  switches    feature_login=\"v1\", rate_limit=2.0\n"), "{stdout}");
    let compiled = |options: &[&str]| {
        assert_eq!(scratch.run(&[&["compile", "rules", "-o", "out"], options].concat(), "").0, 0);
        std::fs::read(scratch.path("out")).unwrap()
    };
    assert_ne!(compiled(&[]), compiled(&["--switches", "gray.rate_limit=2"]));
    assert_eq!(compiled(&[]), compiled(&["--switches", "gray.rate_limit=0.30"]));
}

/// The events that come next, each by its name and its data.
fn listen(serving: &Serving) -> impl use<> + FnMut() -> (String, Value) {
    let mut stream = TcpStream::connect(&serving.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /v1/events HTTP/1.1\r\nhost: control\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    let head: Vec<_> = lines.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    assert!(head[0].contains("200") && head.iter().any(|line| line == "content-type: text/event-stream"), "{head:?}");
    move || {
        let mut of = |field: &str| {
            lines.by_ref().map(Result::unwrap).find_map(|line| line.strip_prefix(field).map(str::to_owned)).unwrap()
        };
        // Besides, what is published is told.
        let mut told = || (of("event: "), serde_json::from_str(&of("data: ")).unwrap());
        std::iter::repeat_with(&mut told).find(|(name, _)| name == "SwitchChanged").unwrap()
    }
}

#[test]
fn a_file_of_overrides_is_read_again_and_changes_are_told() {
    let scratch = scratch("reload");
    scratch.write("switches", "gray.rate_limit=0.5");
    let serving = Serving::with(&scratch, &["--listen", "127.0.0.1:0", "--switches", "@switches"]);
    let first = serving.published(1);
    assert_eq!(served(&serving), ["v1", "0.5"]);
    let mut next = listen(&serving);

    scratch.write("switches", "gray.rate_limit=0.75");
    let (status, answer) = serving.ask("POST", "/v1/switches/reload");
    let second = serving.published(2);
    let values = |default: Value| json!({"default": default, "variants": {}});
    let limit = json!({"ruleSet": "shop", "name": "rate_limit", "type": "float", "old": values(json!(0.5)), "new": values(json!(0.75))});
    assert_eq!((status, &answer), (200, &json!({"revision": second, "published": true, "changed": [limit]})));
    let (name, event) = next();
    let mut expected = limit.as_object().unwrap().clone();
    expected.extend([("event".to_owned(), json!("SwitchChanged")), ("revision".to_owned(), json!(second))]);
    assert_eq!((name.as_str(), event), ("SwitchChanged", Value::Object(expected)));

    // Read again and the same: nothing new.
    let (status, answer) = serving.ask("POST", "/v1/switches/reload");
    assert_eq!((status, answer), (200, json!({"revision": second, "published": false, "changed": []})));

    // What cannot be used changes nothing, and says why.
    scratch.write("switches", "gray.rate_limit=fast");
    let (status, answer) = serving.ask("POST", "/v1/switches/reload");
    assert_eq!((status, &answer["problems"][0]["code"]), (422, &json!("bad-switch-value")), "{answer:#}");
    let detail =
        "switches:1:1 bad-switch-value gray.rate_limit: found \"fast\", expected a number of at most 12 digits";
    assert!(answer["detail"].as_str().unwrap().contains(detail), "{answer:#}");
    let problems = serving.status()["problems"].clone();
    assert_eq!(problems[0]["code"], json!("bad-switch-value"), "{problems:#}");
    assert_eq!(served(&serving), ["v1", "0.75"]);

    // The overrides in use stay above documents that change.
    let changed = format!("{}{SWITCHES}", rule_set("shop", "stable"));
    scratch.rename_into_place("rules/shop.yaml", changed.replace("variants: {canary: v2}", "variants: {canary: v3}"));
    serving.published(3);
    assert_eq!(served(&serving), ["v1", "0.75"]);
    let (_, event) = next();
    assert_eq!((&event["name"], &event["new"]["variants"]), (&json!("feature_login"), &json!({"canary": "v3"})));

    scratch.write("switches", "");
    serving.signal("-USR1");
    let (_, event) = next();
    assert_eq!((&event["name"], &event["new"]), (&json!("rate_limit"), &values(json!(0.3))));
    serving.published(4);
    assert_eq!(serving.status()["problems"], json!([]));
    let (_, log) = serving.terminate();
    for line in [
        "SwitchChanged rate_limit (float) of rule set shop: 0.5 -> 0.75",
        "SwitchChanged rate_limit (float) of rule set shop: 0.75 -> 0.3",
        "SIGUSR1: switches read again, revision ",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(first < second);
}

#[test]
fn without_a_file_there_is_nothing_to_read_again() {
    let scratch = scratch("reload-nothing");
    let serving = Serving::with(&scratch, &["--listen", "127.0.0.1:0", "--switches", "gray.rate_limit=0.5"]);
    serving.published(1);
    let (status, answer) = serving.ask("POST", "/v1/switches/reload");
    let detail = "found no file of switches, expected graylane serve --switches @FILE";
    assert_eq!((status, &answer["detail"]), (409, &json!(detail)));
    serving.signal("-USR1");
    assert_eq!(serving.ask("POST", "/v1/switches/reload").0, 409, "the signal ended nothing");
    assert_eq!(served(&serving), ["v1", "0.5"]);
    let bad = scratch.run(&["serve", "--rules", "rules", "--listen", "127.0.0.1:0", "--switches", "@gone"], "");
    assert!(bad.0 == 2 && bad.2.contains("gone: found no such file"), "{bad:?}");
}

#[test]
fn an_override_that_no_rule_set_knows_publishes_nothing() {
    let scratch = scratch("unknown");
    let serving = Serving::with(&scratch, &["--listen", "127.0.0.1:0", "--switches", "gray.gone=1"]);
    let status = serving.eventually("a problem", |status| status["problems"] != json!([]));
    assert_eq!((&status["problems"][0]["code"], &status["revision"]), (&json!("unknown-switch"), &Value::Null));
}
