//! `graylane check`, `compile` and `decide`, as a shell would run them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::{Scratch, rule_set};
use graylane_rules::{SNAPSHOT_FORMAT, Snapshot};
use serde_json::{Value, json};

fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("shop.yaml", rule_set("shop", "stable"));
    scratch.write("broken.yaml", rule_set("shop2", "gone").replace("exact:", "exakt:"));
    scratch
}

#[test]
fn check_reports_every_problem_as_text() {
    let scratch = scratch("check-text");
    assert_eq!(scratch.run(&["check", "shop.yaml"], "").0, 0);
    let (code, stdout, stderr) = scratch.run(&["check", "--no-excerpt", "."], "");
    assert_eq!(code, 1);
    let places: Vec<_> = stdout.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "./broken.yaml:7:12 unknown-variant spec.default",
            "./broken.yaml:10:22 no-operator spec.rules[0].when.header",
            "./broken.yaml:10:36 unknown-field spec.rules[0].when.header.exakt",
        ]
    );
    assert!(stdout.lines().all(|line| line.contains(": found ") && line.contains(", expected ")), "{stdout}");
    assert_eq!(stderr, "2 documents: 3 errors, 0 warnings\n");
    let (_, stdout, _) = scratch.run(&["check", "broken.yaml"], "");
    assert!(stdout.contains("7 |   default: gone\n  |            ^^^^ expected one of spec.variants"), "{stdout}");
}

#[test]
fn check_reports_every_problem_as_json() {
    let scratch = scratch("check-json");
    let (code, stdout, _) = scratch.run(&["check", "-o", "json", "broken.yaml"], "");
    assert_eq!(code, 1);
    let findings: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(findings.as_array().unwrap().len(), 3);
    let mut first = findings[0].clone();
    assert!(first["expected"].take().as_str().unwrap().starts_with("one of spec.variants"));
    let span = json!({"start": 150, "end": 154});
    assert_eq!(
        first,
        json!({
            "file": "broken.yaml", "line": 7, "column": 12, "severity": "error", "code": "unknown-variant",
            "path": "spec.default", "found": "\"gone\"", "expected": null, "span": span,
        })
    );
    assert_eq!(scratch.run(&["check", "-o", "json", "shop.yaml"], "").1, "[]\n");
}

#[test]
fn compile_writes_what_loads_and_only_that() {
    let scratch = scratch("compile");
    let (code, stdout, stderr) = scratch.run(&["compile", "-f", "shop.yaml", "-o", "out"], "");
    assert_eq!((code, stdout.as_str()), (0, ""));
    let bytes = std::fs::read(scratch.path("out")).unwrap();
    assert!(stderr.starts_with(&format!("out: {} bytes, format {SNAPSHOT_FORMAT}, sha256 ", bytes.len())), "{stderr}");
    assert!(Snapshot::load(bytes.clone()).is_ok());
    assert_eq!(scratch.run(&["compile", "-f", "broken.yaml", "-o", "out"], "").0, 1);
    assert_eq!(std::fs::read(scratch.path("out")).unwrap(), bytes);
    assert_eq!(scratch.run(&["compile", "-f", "shop.yaml", "-o", "none/out"], "").0, 2);
}

#[test]
fn decide_writes_a_line_for_each_request_in_order() {
    let scratch = scratch("decide");
    let requests = r#"{"path":"/","host":"shop.example.com","headers":[["X-Env","gray"],["X-Gray-Variant","evil"],["x_gray_variant","evil"]]}

{"path":"/","headers":[["host","SHOP.example.com:80"],["x-feature-flags","all=on"],["x-mine","1"]]}
{"path":"/","host":"elsewhere","headers":[["x-gray-variant","evil"]]}
"#;
    let (code, stdout, stderr) = scratch.run(&["decide", "--owned", "x-mine", "-f", "shop.yaml"], requests);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(
        stdout,
        r#"{"ruleSet":"shop","rule":"qa","variant":"canary","reason":"TARGETING_MATCH","slot":null,"experiment":null,"set":{"x-gray-variant":"canary","x-feature-flags":"new-cart=on"},"remove":["x_gray_variant"]}
{"ruleSet":"shop","rule":null,"variant":"stable","reason":"DEFAULT","slot":null,"experiment":null,"set":{"x-gray-variant":"stable"},"remove":["x-feature-flags","x-mine"]}
{"ruleSet":null,"rule":null,"variant":null,"reason":null,"slot":null,"experiment":null,"set":{},"remove":["x-gray-variant"]}
"#
    );
}

#[test]
fn decide_writes_a_line_for_each_variant_header() {
    let scratch = scratch("decide-two");
    let other = rule_set("other", "stable").replace("spec:", "spec:\n  output: {variantHeader: x-gray-other}");
    scratch.write("other.yaml", other.replace("  scope: {hosts: [other.example.com]}\n", ""));
    let request =
        r#"{"path":"/","host":"shop.example.com","headers":[["x-gray-other","evil"],["x-gray-variant","evil"]]}"#;
    let (code, stdout, _) = scratch.run(&["decide", "-f", "shop.yaml", "other.yaml"], request);
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, lines.len()), (0, 2));
    // Each header is set by one of the two, so neither is to be removed.
    assert!(lines.iter().all(|line| line["remove"] == json!([]) && line["variant"] == "stable"), "{stdout}");
}

#[test]
fn decide_stops_at_a_wrong_line() {
    let scratch = scratch("decide-wrong");
    let requests = "{\"path\":\"/\"}\n{\"path\":\"/\",\"hosst\":\"x\"}\n{\"path\":\"/\"}\n";
    let (code, stdout, stderr) = scratch.run(&["decide", "-f", "shop.yaml"], requests);
    assert_eq!((code, stdout.lines().count()), (1, 1));
    assert!(
        stderr.starts_with("error: stdin: line 2, column 19: found unknown field `hosst`, expected one of"),
        "{stderr}"
    );
    let (_, _, stderr) = scratch.run(&["decide", "-f", "shop.yaml"], r#"{"path":"/","headers":{"a":"b"}}"#);
    let said = r#"found map, expected `headers` as a list of pairs, [["name","value"]]"#;
    assert!(stderr.contains(said), "{stderr}");
    assert_eq!(scratch.run(&["decide", "-f", "broken.yaml"], requests).0, 1);
    assert_eq!(scratch.run(&["decide", "-f", "shop.yaml", "--owned", "host"], requests).0, 2);
}

#[test]
fn every_command_tells_its_exit_codes() {
    let scratch = scratch("help");
    let keys = ["keys", "keys new", "keys show"];
    let commands = [
        "serve",
        "status",
        "check",
        "explain",
        "decide",
        "allocate",
        "diff",
        "simulate",
        "compile",
        "import",
        "probe",
        "schema",
        "publish",
        "rollback",
        "off",
        "on",
        "freeze",
        "unfreeze",
        "history",
        "show",
        "backup",
        "restore",
        "verify",
        "compact",
        "embed",
        "istio lint",
        "tokens new",
        "watch",
        "completions",
    ];
    for command in commands.into_iter().chain(keys) {
        let words: Vec<_> = std::iter::once("help").chain(command.split(' ')).collect();
        let (code, stdout, _) = scratch.run(&words, "");
        assert!(code == 0 && stdout.contains("Examples:") && stdout.contains("Exit codes:"), "{command}: {stdout}");
        // Whatever is to be pasted must not be wrapped, in 80 columns neither.
        let examples = stdout.split("Examples:").nth(1).unwrap();
        let long: Vec<_> = examples.lines().filter(|line| line.chars().count() > 78).collect();
        assert!(long.is_empty(), "{command}: {long:#?}");
    }
    let (_, stdout, _) = scratch.run(&["help"], "");
    let full: Vec<_> = stdout.lines().filter(|line| line.starts_with("  ") && line.ends_with('.')).collect();
    assert!(full.is_empty(), "{full:#?}");
}

#[test]
fn every_shell_has_completions_and_bash_understands_its_own() {
    let scratch = Scratch::new("completions");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, stderr) = scratch.run(&["completions", shell], "");
        assert_eq!((code, stderr.as_str()), (0, ""), "{shell}");
        assert!(script.contains("rollback") && script.contains("until-in-effect"), "{shell}: {script}");
    }
    let (_, script, _) = scratch.run(&["completions", "bash"], "");
    let bash = std::process::Command::new("bash").arg("-n").arg(scratch.write("graylane.bash", script)).status();
    assert!(bash.unwrap().success());
    assert_eq!(scratch.run(&["completions", "tcsh"], "").0, 2);
}
