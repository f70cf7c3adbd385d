//! Canary Ingresses of ingress-nginx as rule sets: they decide as its documentation says, and what differs is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test fails by panic"
)]

mod common;

use std::collections::BTreeMap;

use common::Scratch;
use serde_json::{Value, json};

const SHOPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/import/ingress-nginx.yaml");

/// What the documentation says, beside the file: which location nginx finds, and its canary, where it has one.
struct Location {
    host: &'static str,
    path: &'static str,
    exact: bool,
    canary: Option<Canary>,
}

/// Header, cookie and weight in a hundred, as annotated.
#[derive(Clone, Copy)]
struct Canary {
    header: Option<(&'static str, Option<&'static str>)>,
    cookie: Option<&'static str>,
    weight: u32,
}

fn locations() -> Vec<Location> {
    let canary = |header, cookie, weight| Some(Canary { header, cookie, weight });
    let at = |host, path, exact, canary| Location { host, path, exact, canary };
    vec![
        at("shop.example.com", "/", false, canary(Some(("x-canary", None)), Some("shop_canary"), 0)),
        at("shop.example.com", "/api", false, None),
        at("shop.example.com", "/status", true, None),
        at("shop.example.com", "/cart", false, canary(Some(("x-region", Some("us"))), Some("cart"), 100)),
        at("shop.example.com", "/login", true, canary(None, Some("login"), 0)),
        at("*.example.com", "/", false, canary(Some(("x-canary", None)), None, 0)),
        at("plain.example.com", "/", false, None),
    ]
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// nginx's way: the server of the host, its exact location before its longest prefix, then header, cookie and weight.
fn documented(host: &str, path: &str, headers: Pairs<'_>, cookies: Pairs<'_>) -> &'static str {
    let all = locations();
    let own = all.iter().any(|location| location.host == host);
    let wild = host.split_once('.').map(|(_, rest)| format!("*.{rest}")).unwrap_or_default();
    let server = if own { host } else { &wild };
    let within = |location: &&Location| {
        let below = path.strip_prefix(location.path.trim_end_matches('/'));
        let below = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        location.host == server && if location.exact { location.path == path } else { below }
    };
    let found = all.iter().filter(within).max_by_key(|location| (location.exact, location.path.len()));
    let Some(canary) = found.and_then(|location| location.canary) else { return "stable" };
    let value =
        |pairs: Pairs<'_>, name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
    if let Some((name, wanted)) = canary.header
        && let Some(value) = value(headers, name)
    {
        match (wanted, value.as_str()) {
            (Some(wanted), value) if wanted == value => return "canary",
            (None, "always") => return "canary",
            (None, "never") => return "stable",
            _ => {}
        }
    }
    if let Some(value) = canary.cookie.and_then(|name| value(cookies, name)) {
        match value.as_str() {
            "always" => return "canary",
            "never" => return "stable",
            _ => {}
        }
    }
    if canary.weight == 100 { "canary" } else { "stable" }
}

fn import(scratch: &Scratch, arguments: &[&str]) -> (i32, Vec<Value>) {
    let words: Vec<_> = ["import", "ingress-nginx", "--report", "json"].iter().chain(arguments).copied().collect();
    let (code, stdout, stderr) = scratch.run(&words, "");
    let remarks = serde_json::from_str(&stderr).unwrap_or_else(|why| panic!("{why}: {code} {stdout} {stderr}"));
    (code, remarks)
}

fn kinds_and_codes(remarks: &[Value]) -> BTreeMap<String, usize> {
    let word = |remark: &Value, key: &str| remark[key].as_str().unwrap().to_owned();
    let all: Vec<_> =
        remarks.iter().map(|remark| format!("{} {}", word(remark, "kind"), word(remark, "code"))).collect();
    all.iter().map(|one| (one.clone(), all.iter().filter(|other| *other == one).count())).collect()
}

/// The variants of requests, in order; None where nothing decides.
fn decided(scratch: &Scratch, rules: &str, requests: &[Value]) -> Vec<Option<String>> {
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let (code, stdout, stderr) = scratch.run(&["decide", rules], &lines);
    assert_eq!(code, 0, "{stderr}");
    let variant = |line: &str| serde_json::from_str::<Value>(line).unwrap()["variant"].as_str().map(str::to_owned);
    stdout.lines().map(variant).collect()
}

#[test]
fn imported_canaries_decide_as_documented() {
    let scratch = Scratch::new("import-nginx");
    let (code, remarks) = import(&scratch, &[SHOPS, "--out", "rules"]);
    assert_eq!(code, 0, "{remarks:?}");
    let words = [None, Some("always"), Some("never"), Some("us"), Some("maybe")];
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    let hosts = ["shop.example.com", "brand.example.com", "plain.example.com", "elsewhere.org"];
    let paths = [
        "/",
        "/x",
        "/api",
        "/api/x",
        "/apiary",
        "/status",
        "/status/x",
        "/cart",
        "/cart/1",
        "/carts",
        "/login",
        "/login/x",
    ];
    for host in hosts {
        for path in paths {
            for (header, value) in words.iter().flat_map(|value| [("x-canary", *value), ("x-region", *value)]) {
                for (cookie, kept) in
                    words.iter().flat_map(|kept| [("shop_canary", *kept), ("cart", *kept), ("login", *kept)])
                {
                    let headers: Vec<_> = value.map(|value| (header, value)).into_iter().collect();
                    let cookies: Vec<_> = kept.map(|kept| (cookie, kept)).into_iter().collect();
                    // Below an exact path its rule set decides, and that is told; the documented way goes on to `/`.
                    if path == "/login/x" && host == "shop.example.com" {
                        continue;
                    }
                    expected.push((
                        documented(host, path, &headers, &cookies),
                        format!("{host}{path} {headers:?} {cookies:?}"),
                    ));
                    let mut lines: Vec<_> = headers.iter().map(|(name, value)| json!([name, value])).collect();
                    lines.extend(cookies.iter().map(|(name, value)| json!(["cookie", format!("a=b; {name}={value}")])));
                    requests.push(json!({"host": host, "path": path, "headers": lines}));
                }
            }
        }
    }
    let decided = decided(&scratch, "rules", &requests);
    assert_eq!(decided.len(), expected.len());
    let canaries = expected.iter().filter(|(variant, _)| *variant == "canary").count();
    assert!(canaries > 500 && canaries < expected.len() / 2, "{canaries} of {}", expected.len());
    for (decided, (expected, request)) in decided.iter().zip(&expected) {
        assert_eq!(decided.as_deref().unwrap_or("stable"), *expected, "{request}");
    }
}

#[test]
fn weights_become_shares_of_identities_and_need_one() {
    let scratch = Scratch::new("import-weights");
    let annotations = r#"
    nginx.ingress.kubernetes.io/canary: "true"
    nginx.ingress.kubernetes.io/canary-weight: "3"
    nginx.ingress.kubernetes.io/canary-weight-total: "1000""#;
    scratch.write("in.yaml", pair("canary", annotations));
    let (code, remarks) = import(&scratch, &["in.yaml", "--out", "none"]);
    assert_eq!((code, kinds_and_codes(&remarks).get("lost no-identity")), (3, Some(&1)), "{remarks:?}");
    let (code, remarks) =
        import(&scratch, &["in.yaml", "--out", "some", "--identity", "header:x-user", "--identity", "cookie:uid"]);
    assert_eq!((code, kinds_and_codes(&remarks).get("changed weight")), (0, Some(&1)), "{remarks:?}");
    let count = 50_000;
    let requests: Vec<_> = (0..count)
        .map(|user| json!({"host": "shop.example.com", "path": "/shop/1", "headers": [["x-user", user.to_string()]]}))
        .collect();
    let canaries = |rules| {
        decided(&scratch, rules, &requests).iter().filter(|variant| variant.as_deref() == Some("canary")).count()
    };
    assert_eq!(canaries("none"), 0);
    // 150 are expected, the standard deviation is 12.
    let found = canaries("some");
    assert!((90..=210).contains(&found), "{found}");
    let anonymous = json!({"host": "shop.example.com", "path": "/shop"});
    let of_cookie = json!({"host": "shop.example.com", "path": "/shop", "headers": [["cookie", "uid=7"]]});
    assert_eq!(decided(&scratch, "some", &[anonymous, of_cookie])[0].as_deref(), Some("stable"));
}

/// A main Ingress and a canary of it with `annotations`.
fn pair(name: &str, annotations: &str) -> String {
    let ingress = |name: &str, annotations: &str, service: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  annotations:\n    a/b: c{annotations}\nspec:\n  \
             rules:\n    - host: shop.example.com\n      http:\n        paths:\n          - path: /shop\n            \
             backend: {{service: {{name: {service}, port: {{number: 80}}}}}}\n"
        )
    };
    format!("{}---\n{}", ingress("shop", "", "v1"), ingress(name, annotations, "v2"))
}

#[test]
fn what_is_lost_or_changed_is_told_with_its_place() {
    let scratch = Scratch::new("import-told");
    let cases: &[(&str, &str, i32)] = &[
        ("canary-by-header: Host", "lost header", 3),
        ("canary-by-header: x-gray-variant", "lost header", 3),
        ("canary-by-cookie: a=b", "lost cookie", 3),
        ("canary-weight: ten", "lost weight", 3),
        ("canary-by-query: x", "lost unknown-annotation", 3),
        ("canary-by-header-value: x", "note no-effect", 0),
        ("canary-weight: \"0\"", "changed path-type", 0),
        ("affinity-canary-behavior: sticky", "changed path-type", 0),
    ];
    for (annotation, told, exit) in cases {
        let annotations =
            format!("\n    nginx.ingress.kubernetes.io/canary: \"true\"\n    nginx.ingress.kubernetes.io/{annotation}");
        scratch.write("in.yaml", pair("canary", &annotations));
        let _ = std::fs::remove_dir_all(scratch.path("out"));
        let (code, remarks) = import(&scratch, &["in.yaml", "--out", "out"]);
        let codes = kinds_and_codes(&remarks);
        assert!(code == *exit && codes.contains_key(*told), "{annotation}: {code} {codes:?}");
        if told.starts_with("lost") {
            let lost: Vec<_> = remarks.iter().filter(|remark| remark["kind"] == "lost").collect();
            // The annotations of the canary begin in line 20 of the file.
            assert!(lost.iter().all(|remark| remark["file"] == "in.yaml" && remark["line"] == 22), "{lost:?}");
        }
        assert_eq!(scratch.run(&["check", "out"], "").0, 0, "{annotation}");
    }
}

#[test]
fn what_stands_alone_or_twice_is_lost_and_affinity_changes() {
    let scratch = Scratch::new("import-alone");
    let marked =
        "\n    nginx.ingress.kubernetes.io/canary: \"true\"\n    nginx.ingress.kubernetes.io/canary-by-header: x-c";
    let both = pair("one", marked);
    let (main, canary) = both.split_once("---\n").unwrap();
    scratch.write("alone.yaml", canary);
    let (code, remarks) = import(&scratch, &["alone.yaml"]);
    assert_eq!((code, kinds_and_codes(&remarks).get("lost no-main")), (3, Some(&1)), "{remarks:?}");
    scratch.write("twice.yaml", format!("{both}---\n{}", canary.replace("name: one", "name: two").replace("v2", "v3")));
    let (code, remarks) = import(&scratch, &["twice.yaml"]);
    assert_eq!((code, kinds_and_codes(&remarks).get("lost second-canary")), (3, Some(&1)), "{remarks:?}");
    let sticky = main.replace("a/b: c", "nginx.ingress.kubernetes.io/affinity: cookie");
    scratch.write("sticky.yaml", format!("{sticky}---\n{canary}"));
    let (code, remarks) = import(&scratch, &["sticky.yaml"]);
    assert_eq!((code, kinds_and_codes(&remarks).get("changed affinity")), (0, Some(&1)), "{remarks:?}");
    let legacy = canary.replace("a/b: c", "nginx.ingress.kubernetes.io/affinity-canary-behavior: legacy");
    scratch.write("legacy.yaml", format!("{sticky}---\n{legacy}"));
    assert_eq!(kinds_and_codes(&import(&scratch, &["legacy.yaml"]).1).get("changed affinity"), None);
    // The same service elsewhere takes part in the canary there, and not here.
    let shared = main.replace("name: shop\n", "name: other\n").replace("/shop", "/other");
    scratch.write("shared.yaml", format!("{both}---\n{shared}"));
    assert_eq!(kinds_and_codes(&import(&scratch, &["shared.yaml"]).1).get("changed shared-service"), Some(&1));
}

#[test]
fn a_list_from_kubectl_is_read_from_stdin_and_nothing_is_overwritten() {
    let scratch = Scratch::new("import-stdin");
    let marked =
        "\n    nginx.ingress.kubernetes.io/canary: \"true\"\n    nginx.ingress.kubernetes.io/canary-by-cookie: c";
    let both = pair("shop-canary", marked);
    let items: String =
        both.split("---\n").map(|one| format!("- {}\n", one.trim_end().replace('\n', "\n  "))).collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    let (code, stdout, stderr) = scratch.run(&["import", "ingress-nginx", "-"], &list);
    assert!(
        code == 0 && stdout.contains("kind: RuleSet") && stderr.ends_with("notes\n") | stderr.ends_with("note\n"),
        "{code} {stdout} {stderr}"
    );
    assert!(
        stderr.contains("stdin:") && stdout.contains("# From Ingress shop-canary, the canary of Ingress shop."),
        "{stderr} {stdout}"
    );
    scratch.write("rules.yaml", &stdout);
    assert_eq!(scratch.run(&["check", "rules.yaml"], "").0, 0);
    let out = ["import", "ingress-nginx", "-", "--out", "out"];
    assert_eq!(scratch.run(&out, &list).0, 0);
    let (code, _, stderr) = scratch.run(&out, &list);
    assert!(code == 2 && stderr.starts_with("error: found out/shop-canary.yaml, expected no such file: "), "{stderr}");
    let (code, _, stderr) = scratch.run(&["import", "ingress-nginx", "-"], "kind: Ingress\nmetadata: {}\n");
    assert!(code == 1 && stderr.contains("stdin:1:1: an Ingress without metadata.name"), "{stderr}");
    for (other, found) in [("kind: ConfigMap\n", "no Ingress among the resources"), ("", "no document")] {
        let (code, stdout, stderr) = scratch.run(&["import", "ingress-nginx", "-"], other);
        let said = format!("error: stdin: found {found}, expected manifests of kind Ingress\n");
        assert_eq!((code, stdout.as_str(), stderr), (1, "", said));
    }
    let (code, _, stderr) = scratch.run(&["import", "ingress-nginx", "-"], "kind: [\n");
    assert!(code == 1 && stderr.starts_with("error: stdin:"), "{stderr}");
}

#[test]
fn patterns_search_as_pcre_does_and_fall_through_to_the_cookie() {
    let scratch = Scratch::new("import-patterns");
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("^us-", &["us-east", "us-"], &["eu-us-east", "US-east", ""]),
        ("east$", &["us-east", "east"], &["east-1", "easT"]),
        ("(?i)beta", &["Beta", "my BETA tester"], &["bet", "b e t a"]),
        (r"v2\.[0-9]", &["v2.3", "app/v2.0 (x)"], &["v23", "v2.", "v2,3"]),
        ("^(blue|green)$", &["blue", "green"], &["blue ", "bluegreen", "lightblue"]),
        ("a|^b$", &["a", "cab", "b"], &["bc", "cb"]),
        (r"[[:digit:]]{3}[&[]", &["a123&", "123["], &["12&", "123]"]),
    ];
    for (pattern, yes, no) in cases {
        let annotations = format!(
            "\n    nginx.ingress.kubernetes.io/canary: \"true\"\n    nginx.ingress.kubernetes.io/canary-by-header: x-a\n    \
             nginx.ingress.kubernetes.io/canary-by-header-pattern: '{pattern}'\n    nginx.ingress.kubernetes.io/canary-by-cookie: c"
        );
        scratch.write("in.yaml", pair("canary", &annotations));
        let _ = std::fs::remove_dir_all(scratch.path("out"));
        let (code, remarks) = import(&scratch, &["in.yaml", "--out", "out"]);
        assert_eq!((code, kinds_and_codes(&remarks).get("note pattern")), (0, Some(&1)), "{pattern}: {remarks:?}");
        let ask = |value: &str, cookie: &str| {
            let headers = json!([["x-a", value], ["cookie", format!("c={cookie}")]]);
            json!({"host": "shop.example.com", "path": "/shop", "headers": headers})
        };
        for (values, expected) in [(yes, "canary"), (no, "stable")] {
            let requests: Vec<_> = values.iter().map(|value| ask(value, "never")).collect();
            for (variant, value) in decided(&scratch, "out", &requests).iter().zip(*values) {
                assert_eq!(variant.as_deref(), Some(expected), "{pattern}: {value}");
            }
        }
        assert_eq!(decided(&scratch, "out", &[ask(no[0], "always")])[0].as_deref(), Some("canary"), "{pattern}");
    }
    for (pattern, named) in
        [("(?<!x)y", "look behind"), (r"(a)\1", "back reference"), ("a++", "possessive"), ("a{,2}", "{,"), ("(", "")]
    {
        let annotations = format!(
            "\n    nginx.ingress.kubernetes.io/canary: \"true\"\n    nginx.ingress.kubernetes.io/canary-by-header: x-a\n    \
             nginx.ingress.kubernetes.io/canary-by-header-pattern: '{pattern}'"
        );
        scratch.write("in.yaml", pair("canary", &annotations));
        let _ = std::fs::remove_dir_all(scratch.path("out"));
        let (code, remarks) = import(&scratch, &["in.yaml", "--out", "out"]);
        let lost = remarks
            .iter()
            .find(|remark| remark["code"] == "pattern")
            .unwrap_or_else(|| panic!("{pattern}: {remarks:?}"));
        assert!(code == 3 && lost["says"].as_str().unwrap().contains(named), "{pattern}: {lost}");
    }
}
