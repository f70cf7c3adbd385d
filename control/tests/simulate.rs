//! `graylane simulate`, as a shell would run it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test fails by panic"
)]

mod common;

use common::{Scratch, rule_set};
use serde_json::Value;

const SHOP: &str = "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {name: shop}
spec:
  scope: {hosts: [shop.example.com]}
  identity: {from: [{header: x-user-id}, {cookie: uid}]}
  variants: [stable, canary, canary-b]
  default: stable
  splits:
    thirds: {weights: {stable: 50, canary: 30, canary-b: 20}}
  rules:
    - {id: qa, when: {header: {name: x-env, exact: gray}}, variant: canary}
    - {id: staff, when: {identity: {range: {from: 1, to: 1000}}}, variant: canary-b}
    - {id: beta, when: {all: [{header: {name: x-beta, present: true}}, {percent: 50}]}, variant: canary}
    - {id: some, when: {percent: 20}, split: thirds}
";

fn simulated(scratch: &Scratch, more: &[&str]) -> Value {
    remembered(scratch);
    let words = [&["simulate", "-f", "shop.yaml", "-o", "json", "--identities", "20000"], more].concat();
    let (code, stdout, stderr) = scratch.run(&words, "");
    assert_eq!((code, stderr.as_str()), (0, ""));
    serde_json::from_str(&stdout).unwrap()
}

/// Writes the lock of the three variants, which are warned of without one.
fn remembered(scratch: &Scratch) {
    let (code, _, said) = scratch.run(&["allocate", "shop.yaml"], "");
    assert_eq!(code, 0, "{said}");
}

/// The expected share of a rule and variant in percent, and whether what was observed is near it.
fn share(simulated: &Value, rule: Option<&str>, variant: &str) -> f64 {
    let rules = simulated[0]["rules"].as_array().unwrap();
    let found = rules.iter().find(|found| found["rule"].as_str() == rule && found["variant"] == variant);
    let found = found.unwrap_or_else(|| panic!("{rule:?} {variant}: {simulated}"));
    let (expected, observed) = (found["expected"].as_f64().unwrap(), found["observed"].as_f64().unwrap());
    assert!((expected - observed).abs() < 0.015, "{found}");
    (expected * 100_000_000.0).round() / 1_000_000.0
}

#[test]
fn what_is_observed_stands_beside_what_is_expected() {
    let scratch = Scratch::new("simulate");
    scratch.write("shop.yaml", SHOP);
    let all = simulated(&scratch, &["--", "https://shop.example.com/"]);
    assert_eq!(share(&all, Some("staff"), "canary-b"), 5.0, "asked of each identity, no matter of chance");
    assert_eq!(share(&all, Some("some"), "stable"), 9.5);
    assert_eq!(share(&all, Some("some"), "canary"), 5.7);
    assert_eq!(share(&all, None, "stable"), 76.0);
    assert_eq!((all[0]["ruleSet"].as_str(), all[0]["identities"].as_u64()), (Some("shop"), Some(20_000)));
    let of_canary_b = &all[0]["variants"][1];
    assert!((of_canary_b["expected"].as_f64().unwrap() - 0.088).abs() < 1e-9, "{of_canary_b}");
    // A request of another shape; an identity of its own takes no part.
    let beta = ["-H", "x-beta: 1", "--", "-H", "x-user-id: 1", "-b", "uid=3", "https://shop.example.com/"];
    let beta = simulated(&scratch, &beta);
    assert_eq!(share(&beta, Some("beta"), "canary"), 47.5);
    let gray = simulated(&scratch, &["-H", "x-env: gray", "--", "shop.example.com"]);
    assert_eq!(share(&gray, Some("qa"), "canary"), 100.0);
}

#[test]
fn tables_are_for_people() {
    let scratch = Scratch::new("simulate-text");
    scratch.write("shop.yaml", SHOP.replace("{header: x-user-id}, ", ""));
    scratch.write("users.txt", "1\r\n\n2\n");
    let line = ["simulate", "-f", "shop.yaml", "--identities-from", "users.txt", "--", "shop.example.com"];
    let (code, stdout, _) = scratch.run(&line, "");
    assert_eq!(code, 0);
    assert!(stdout.starts_with("x-gray-variant by rule set shop, 2 identities\n"), "{stdout}");
    let staff = format!("  {:<64}{:>12}{:>12}\n", "staff: canary-b TARGETING_MATCH", "100.000 %", "100.000 %");
    assert!(stdout.contains(&staff), "{stdout}");
    let (code, stdout, _) = scratch.run(&["simulate", "-f", "shop.yaml", "--identities", "10"], "");
    assert!(code == 0 && stdout.starts_with("no scope includes the request"), "{stdout}");
    for (line, code, said) in [
        ("--identities 0", 2, "expected a whole number from 1 to 1000000"),
        ("--identities 9 --identities-from users.txt", 2, "cannot be used with"),
        ("--identities-from none.txt", 2, "none.txt: found no such file"),
        ("-H x-a", 2, "found the header \"x-a\""),
        ("-f plain.yaml", 1, "found no header and no cookie in any spec.identity.from"),
    ] {
        scratch.write("plain.yaml", rule_set("plain", "stable"));
        let file = if line.starts_with("-f ") { &[][..] } else { &["-f", "shop.yaml"] };
        let words: Vec<_> = ["simulate"].into_iter().chain(file.iter().copied()).chain(line.split(' ')).collect();
        let (found, _, stderr) = scratch.run(&words, "");
        assert!(found == code && stderr.contains(said), "{line}: {found}: {stderr}");
    }
}

#[test]
fn cookies_that_are_issued_carry_identities_and_tokens_do_not() {
    let scratch = Scratch::new("simulate-carriers");
    let line = ["simulate", "-f", "shop.yaml", "cart.yaml", "--identities", "10", "--", "shop.example.com"];
    let from = "[{header: x-user-id}, {cookie: uid}]";
    let cart = SHOP.replace("shop", "cart").replace(from, "[{jwtClaim: {claim: sub}}]");
    scratch.write("cart.yaml", cart.replace("cart.example.com", "shop.example.com"));
    scratch.write("shop.yaml", SHOP.replace(from, "[{jwtClaim: {claim: sub}}, {issueCookie: {name: gl_id}}]"));
    let (code, stdout, stderr) = scratch.run(&line, "");
    let said =
        "rule set cart: found no header and no cookie in spec.identity.from, expected one to put identities into";
    assert!(code == 0 && stderr.contains(said), "{stderr}");
    assert!(stdout.starts_with("x-gray-variant by rule set cart"), "{stdout}");
    remembered(&scratch);
    let (_, stdout, stderr) = scratch.run(&["simulate", "-f", "shop.yaml", "--", "shop.example.com"], "");
    assert!(stderr.is_empty() && stdout.contains("staff: canary-b TARGETING_MATCH"), "{stdout}{stderr}");
    let (code, _, stderr) = scratch.run(&["simulate", "-f", "cart.yaml", "--", "shop.example.com"], "");
    assert!(code == 1 && stderr.contains("tokens are not made up"), "{stderr}");
}

/// Rules that share many salts: what is expected is not known, and nothing hangs.
#[test]
fn entangled_rules_are_observed_alone() {
    let scratch = Scratch::new("simulate-entangled");
    let salt = |n: usize| format!("{{percent: {{from: 0, to: {}, salt: s{}}}}}", n % 90 + 5, n % 40);
    let rule = |n: usize| {
        let (one, two, three) = (salt(n), salt(n * 7 + 1), salt(n * 13 + 5));
        format!("    - {{id: r{n}, when: {{all: [{one}, {{any: [{two}, {three}]}}]}}, variant: canary}}\n")
    };
    let rules: String = (0..400).map(rule).collect();
    scratch.write("shop.yaml", format!("{}  rules:\n{rules}", SHOP.split("  rules:\n").next().unwrap()));
    let line = ["simulate", "-f", "shop.yaml", "--identities", "1000", "--", "shop.example.com"];
    let (code, stdout, _) = scratch.run(&line, "");
    assert!(code == 0 && stdout.contains("expected: not known, the rules share salts in too many ways"), "{stdout}");
}

#[test]
fn what_is_no_number_and_no_file_says_what_would_be_right() {
    let scratch = Scratch::with_documents("simulate-wrong");
    for (line, said) in [
        ("--identities 1e6", "'1e6' for '--identities <N>': expected a whole number from 1 to 1000000"),
        (
            "http://shop/",
            "found http://shop/ beside other documents, expected it alone, since a revision is all documents of a namespace; if it \
             is the request, put -- before it",
        ),
    ] {
        let words: Vec<_> = ["simulate", "-f", "shop.yaml"].into_iter().chain(line.split(' ')).collect();
        let (code, _, stderr) = scratch.run(&words, "");
        assert!(code == 2 && stderr.contains(said), "{line}: {code}: {stderr}");
    }
}
