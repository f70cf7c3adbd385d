//! `graylane check --allow-list`, as an init container runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]

mod common;

use common::{Scratch, rule_set};
use serde_json::{Value, json};

const LIST: &str = "apiVersion: graylane.dev/v1
kind: AllowList
metadata: {name: production}
spec:
  gates:
    feature_login: {mode: allow, risk: low}
    rate_limit: {mode: audit, risk: medium}
    enable_tracing: {mode: deny, risk: high, reason: spans hold personal data}
";

/// `rules/` with one rule set of these switches, and the list beside it.
fn scratch(name: &str, switches: &[&str]) -> Scratch {
    let scratch = Scratch::with_rules(name);
    let switches: Vec<_> = switches.iter().map(|name| format!("    {name}: {{type: int, default: 1}}\n")).collect();
    scratch.write("rules/shop.yaml", format!("{}  switches:\n{}", rule_set("shop", "stable"), switches.concat()));
    scratch.write("production.yaml", LIST);
    scratch
}

fn check(scratch: &Scratch, more: &[&str]) -> (i32, String, String) {
    let owned = ["check", "--owned", "x-gray-variant,x-feature-flags,x-gray-switches"];
    scratch.run(&[&owned, &["--allow-list", "production.yaml", "rules"], more].concat(), "")
}

#[test]
fn what_is_allowed_passes_and_what_is_audited_is_told() {
    let scratch = scratch("allowed", &["feature_login"]);
    let summary = |gates: &str| format!("1 document: 0 errors, 0 warnings; {gates}\n");
    let one = summary("1 gate: 1 allowed, 0 audited, 0 refused");
    assert_eq!(check(&scratch, &[]), (0, String::new(), one));
    let text = std::fs::read_to_string(scratch.path("rules/shop.yaml")).unwrap();
    scratch.write("rules/shop.yaml", text + "    rate_limit: {type: float, default: 0.3}\n");
    let (code, stdout, stderr) = check(&scratch, &["--no-excerpt"]);
    let line = "rules/shop.yaml:15:5 warning gate-audited spec.switches.rate_limit: found the gate rate_limit, of medium risk, \
                to be audited, better rate_limit allowed by production.yaml once that was done\n";
    assert_eq!((code, stdout.as_str()), (0, line));
    assert_eq!(stderr, summary("2 gates: 1 allowed, 1 audited, 0 refused"));
}

#[test]
fn a_refused_gate_is_exit_code_126() {
    let scratch = scratch("refused", &["enable_tracing", "feature_login", "feature_logon"]);
    let (code, stdout, stderr) = check(&scratch, &[]);
    assert_eq!(code, 126);
    for line in [
        "rules/shop.yaml:14:5 gate-denied spec.switches.enable_tracing: found the gate enable_tracing, of high risk, which \
         production.yaml denies (spans hold personal data), expected no such switch, or another mode there\n",
        "14 |     enable_tracing: {type: int, default: 1}\n   |     ^^^^^^^^^^^^^^ expected no such switch",
        "rules/shop.yaml:16:5 gate-unlisted spec.switches.feature_logon: found the gate feature_logon, which production.yaml \
         does not list, expected a gate that is listed there; did you mean feature_login?\n",
    ] {
        assert!(stdout.contains(line), "{stdout}");
    }
    assert_eq!(stderr, "1 document: 0 errors, 0 warnings; 3 gates: 1 allowed, 0 audited, 2 refused\n");
    let (code, stdout, _) = check(&scratch, &["-o", "json"]);
    let findings: Vec<Value> = serde_json::from_str(&stdout).unwrap();
    let gates: Vec<_> = findings.iter().map(|finding| (&finding["severity"], &finding["gate"])).collect();
    let gate = |name, mode, risk| json!({"ruleSet": "shop", "name": name, "mode": mode, "risk": risk});
    let (denied, unlisted) =
        (gate("enable_tracing", "deny", json!("high")), gate("feature_logon", "deny", Value::Null));
    let error = json!("error");
    assert_eq!((code, gates), (126, vec![(&error, &denied), (&error, &unlisted)]));
    let (code, stdout, stderr) = check(&scratch, &["-o", "documents"]);
    assert_eq!((code, stdout.as_str(), stderr.lines().count()), (126, "[]\n", 2));
}

#[test]
fn a_bound_of_risk_is_the_lists_or_the_command_lines() {
    let scratch = scratch("bounded", &["rate_limit"]);
    assert_eq!(check(&scratch, &["--max-risk", "medium"]).0, 0);
    assert_eq!(check(&scratch, &["--max-risk", "low"]).0, 126);
    scratch.write("production.yaml", format!("{LIST}  maxRisk: low\n"));
    let (code, stdout, _) = check(&scratch, &["--no-excerpt", "--max-risk", "critical"]);
    assert!(
        code == 126
            && stdout.contains("gate-risk spec.switches.rate_limit: found the gate rate_limit, of medium risk, ")
    );
    let (code, _, stderr) = check(&scratch, &["--max-risk", "extreme"]);
    assert!(code == 2 && stderr.contains("expected one of low, medium, high, critical"), "{stderr}");
    assert_eq!(scratch.run(&["check", "--max-risk", "low", "rules"], "").0, 2);
}

#[test]
fn errors_and_what_cannot_be_read_have_their_own_exit_codes() {
    let scratch = scratch("wrong", &["enable_tracing"]);
    let broken = format!("{LIST}  gate: {{}}\n");
    scratch.write("production.yaml", &broken);
    let (code, stdout, stderr) = check(&scratch, &[]);
    assert!(code == 1 && stdout.starts_with("production.yaml:9:3 unknown-field spec.gate: found "), "{stdout}");
    assert!(stdout.contains("9 |   gate: {}\n"), "{stdout}");
    assert_eq!(stderr, "1 document: 1 error, 0 warnings\n");
    scratch.write("production.yaml", LIST);
    scratch.write("rules/broken.yaml", rule_set("shop2", "gone"));
    let (code, stdout, _) = check(&scratch, &[]);
    assert!(code == 1 && stdout.contains("unknown-variant") && !stdout.contains("gate"), "{stdout}");
    std::fs::remove_file(scratch.path("rules/broken.yaml")).unwrap();
    for (list, said) in [
        ("gone.yaml", "gone.yaml unreadable: found no such file"),
        ("rules", "rules unreadable: found a directory, expected the file of one AllowList document"),
    ] {
        let (code, stdout, stderr) = scratch.run(&["check", "--allow-list", list, "rules"], "");
        assert!(code == 2 && stdout.starts_with(said), "{stdout}");
        assert!(stderr.starts_with("1 document, 1 unreadable: 1 error, 0 warnings"), "{stderr}");
    }
}

#[test]
fn a_list_among_the_documents_is_told_to_be_none_of_them() {
    let scratch = scratch("among", &["feature_login"]);
    scratch.write("rules/production.yaml", LIST);
    let (code, stdout, _) = check(&scratch, &["--no-excerpt"]);
    let line = "rules/production.yaml:2:7 unsupported-kind kind: found \"AllowList\", expected ";
    assert!(code == 1 && stdout.starts_with(line), "{stdout}");
    assert!(
        stdout.ends_with("; an AllowList stands apart from the documents, for `graylane check --allow-list`\n"),
        "{stdout}"
    );
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = include_str!("../../docs/allow-list.md");
    let block = |opener: &str| page.split(opener).nth(1).unwrap().split("```").next().unwrap();
    let scratch = Scratch::with_rules("page");
    std::fs::remove_file(scratch.path("rules/shop.yaml")).unwrap();
    let head = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: checkout}\nspec:\n  variants: [a]\n  default: a\n";
    let switches = ["enable_tracing", "feature_login", "rate_limit"];
    let switches = switches.map(|name| format!("    {name}: {{type: int, default: 1}}\n"));
    scratch.write("rules/checkout.yaml", format!("{head}  switches:\n{}", switches.concat()));
    scratch.write("production.yaml", block("```yaml\n"));
    let shown = block("```\n$ graylane check ");
    let (command, rest) = shown.split_once('\n').unwrap();
    let words: Vec<_> = std::iter::once("check").chain(command.split(' ')).collect();
    let (code, stdout, _) = scratch.run(&words, "");
    assert_eq!(format!("{stdout}$ echo $?\n{code}\n"), rest);
}
