//! Configurations of Higress's traffic-tag as rule sets: they tag as its documentation says, and what differs is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test fails by panic"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Scratch;
use serde_json::{Value, json};

const TAGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/import/traffic-tag.yaml");

/// A request by what the plugin can ask about.
#[derive(Clone, Debug, Default)]
struct Asked {
    headers: BTreeMap<&'static str, &'static str>,
    cookies: BTreeMap<&'static str, &'static str>,
    /// Decoded.
    foo: Option<&'static str>,
}

/// What the file's conditions mean by the documentation: what is absent holds for `not_exists` alone.
fn documented(asked: &Asked) -> &'static str {
    let header = |name| asked.headers.get(name).copied();
    let cookie = |name| asked.cookies.get(name).copied();
    let testers =
        header("role").is_some_and(|role| ["user", "viewer", "editor"].contains(&role)) && asked.foo == Some("bar baz");
    let abroad = cookie("plan").is_some_and(|plan| plan != "free")
        && header("x-region").is_some_and(|region| region != "cn" && region != "us");
    let insiders = header("x-build").is_some_and(|build| build.starts_with("2."))
        || cookie("beta").is_some()
        || header("role").is_some_and(|role| role != "guest");
    let free = header("x-debug").is_none()
        && cookie("plan") == Some("free")
        && asked.foo.is_some_and(|value| value.is_empty() || value == "a+b");
    match (testers, abroad, insiders, free) {
        (true, ..) => "gray",
        (_, true, ..) => "blue",
        (_, _, true, _) => "gray",
        (.., true) => "green",
        _ => "base",
    }
}

fn request(asked: &Asked) -> Value {
    let mut headers: Vec<_> = asked.headers.iter().map(|(name, value)| json!([name, value])).collect();
    let cookies: Vec<_> = asked.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !cookies.is_empty() {
        headers.push(json!(["cookie", cookies.join("; ")]));
    }
    let query = asked
        .foo
        .map(|value| format!("?foo={}&foo=x", value.replace('+', "%2B").replace(' ', "+")))
        .unwrap_or_default();
    json!({"path": format!("/{query}"), "headers": headers})
}

fn import(scratch: &Scratch, arguments: &[&str]) -> (i32, String, BTreeSet<String>) {
    let words: Vec<_> =
        ["import", "higress-traffic-tag", "--report", "json"].iter().chain(arguments).copied().collect();
    let (code, stdout, stderr) = scratch.run(&words, "");
    let remarks: Value = serde_json::from_str(&stderr).unwrap_or_else(|why| panic!("{why}: {code} {stdout} {stderr}"));
    let text = |remark: &Value, key: &str| remark[key].as_str().unwrap().to_owned();
    let codes = remarks.as_array().unwrap().iter();
    let codes =
        codes.map(|remark| format!("{} {} {}", text(remark, "kind"), text(remark, "code"), text(remark, "about")));
    scratch.write("rules.yaml", &stdout);
    (code, stdout, codes.collect())
}

/// For each request the headers that are set.
fn tagged(scratch: &Scratch, requests: &[Value]) -> Vec<BTreeMap<String, String>> {
    let lines: String = requests.iter().map(|request| format!("{request}\n")).collect();
    let (code, stdout, stderr) = scratch.run(&["decide", "rules.yaml"], &lines);
    assert_eq!(code, 0, "{stderr}");
    let set = |line: &str| {
        serde_json::from_value(serde_json::from_str::<Value>(line).unwrap()["set"].clone()).unwrap_or_default()
    };
    stdout.lines().map(set).collect()
}

#[test]
fn imported_conditions_tag_as_documented() {
    let scratch = Scratch::new("import-tags");
    let (code, _, codes) = import(&scratch, &[TAGS]);
    assert_eq!(code, 0, "{codes:?}");
    let mut all = vec![Asked::default()];
    let headers = [
        ("role", &["user", "guest"][..]),
        ("x-region", &["cn", "de"]),
        ("x-build", &["2.1", "12."]),
        ("x-debug", &["1"]),
    ];
    for (name, values) in headers {
        let with = all.iter().flat_map(|asked| {
            values.iter().map(|value| {
                let mut asked = asked.clone();
                asked.headers.insert(name, value);
                asked
            })
        });
        all = all.iter().cloned().chain(with.collect::<Vec<_>>()).collect();
    }
    for (name, values) in [("plan", &["free", "paid"][..]), ("beta", &["no"])] {
        let with = all.iter().flat_map(|asked| {
            values.iter().map(|value| {
                let mut asked = asked.clone();
                asked.cookies.insert(name, value);
                asked
            })
        });
        all = all.iter().cloned().chain(with.collect::<Vec<_>>()).collect();
    }
    let with = all.iter().flat_map(|asked| ["bar baz", "a+b", ""].map(|foo| Asked { foo: Some(foo), ..asked.clone() }));
    all = all.iter().cloned().chain(with.collect::<Vec<_>>()).collect();
    let requests: Vec<_> = all.iter().map(request).collect();
    let mut counts = BTreeMap::<_, usize>::new();
    for (asked, set) in all.iter().zip(tagged(&scratch, &requests)) {
        let expected = documented(asked);
        assert_eq!(set.get("x-mse-tag").map(String::as_str), Some(expected), "{asked:?}");
        *counts.entry(expected).or_default() += 1;
    }
    assert!(counts.len() == 4 && counts.values().all(|&count| count > 10), "{counts:?}");
}

#[test]
fn weights_and_percentages_become_shares_of_identities() {
    let scratch = Scratch::new("import-shares");
    let weights = "weightGroups:\n  - {headerName: x-mse-tag, headerValue: gray, weight: 30}\n  - {headerName: x-mse-tag, headerValue: blue, weight: 20}\n";
    scratch.write("in.yaml", weights);
    let (code, _, codes) = import(&scratch, &["in.yaml"]);
    assert!(code == 3 && codes.contains("lost no-identity weightGroups"), "{codes:?}");
    let users: Vec<_> =
        (0..20_000).map(|user| json!({"path": "/", "headers": [["x-user-id", format!("user-{user}")]]})).collect();
    let shares = |header: &str| {
        let mut shares = BTreeMap::<String, usize>::new();
        for set in tagged(&scratch, &users) {
            *shares.entry(set.get(header).cloned().unwrap_or_default()).or_default() += 1;
        }
        shares
    };
    let near = |found: Option<&usize>, share: usize| found.is_some_and(|found| found.abs_diff(share * 200) < 400);
    let (code, _, codes) = import(&scratch, &["in.yaml", "--identity", "header:x-user-id", "--default", "old"]);
    assert!(
        code == 0 && codes.contains("changed weight weightGroups") && codes.contains("changed no-tag x-mse-tag"),
        "{codes:?}"
    );
    let found = shares("x-mse-tag");
    assert!(near(found.get("gray"), 30) && near(found.get("blue"), 20) && near(found.get("old"), 50), "{found:?}");
    // Several headers, and a value that is no id: each rule sets its header, and whoever got none there gets none here.
    scratch.write("in.yaml", weights.replacen("x-mse-tag, headerValue: gray", "x-lane, headerValue: Gray/2", 1));
    let (code, _, _) = import(&scratch, &["in.yaml", "--identity", "header:x-user-id"]);
    let (lanes, tags) = (shares("x-lane"), shares("x-mse-tag"));
    assert!(code == 0 && near(lanes.get("Gray/2"), 30) && near(lanes.get(""), 70), "{lanes:?}");
    assert!(near(tags.get("blue"), 20) && near(tags.get(""), 80), "{tags:?}");
    // One hash for all percentages: the second group gets what the first left of its share.
    let group = |value, percent| {
        format!(
            "  - headerName: x-mse-tag\n    headerValue: {value}\n    logic: and\n    conditions:\n      - {{conditionType: header, key: \
             X-User-Id, operator: percentage, value: [\"{percent}\"]}}\n"
        )
    };
    scratch.write("in.yaml", format!("conditionGroups:\n{}{}", group("gray", 10), group("blue", 25)));
    let (code, _, codes) = import(&scratch, &["in.yaml"]);
    assert!(code == 0 && codes.contains("changed hash conditionGroups[1].conditions[0]"), "{codes:?}");
    let found = shares("x-mse-tag");
    assert!(near(found.get("gray"), 10) && near(found.get("blue"), 15) && near(found.get("base"), 75), "{found:?}");
}

/// One group of one condition.
fn group(logic: &str, condition: &str) -> String {
    format!(
        "conditionGroups:\n- headerName: x-tag\n  headerValue: gray\n  logic: {logic}\n  conditions:\n  - {{{condition}}}\n  - {{conditionType: header, key: x-other, operator: exists}}\n"
    )
}

#[test]
fn what_cannot_be_said_is_lost_and_never_widens_a_group() {
    let scratch = Scratch::new("import-lost");
    let cases = [
        ("conditionType: header, key: x-tag, operator: equal, value: [gray]", "lost attribute"),
        ("conditionType: header, key: ':path', operator: equal, value: [/]", "lost attribute"),
        ("conditionType: cookie, key: 'a b', operator: exists", "lost attribute"),
        ("conditionType: parameter, key: uid, operator: percentage, value: [10]", "lost percentage"),
        ("conditionType: header, key: x-a, operator: regex, value: ['(?<=a)b']", "lost pattern"),
    ];
    let other = json!({"path": "/", "headers": [["x-other", "1"]]});
    for (condition, told) in cases {
        let told = format!("{told} conditionGroups[0].conditions[0]");
        scratch.write("in.yaml", group("and", condition));
        let (code, text, codes) = import(&scratch, &["in.yaml"]);
        assert!(code == 3 && codes.contains(&told) && !text.contains("rules:"), "{condition}: {codes:?} {text}");
        scratch.write("in.yaml", group("OR", condition));
        let (code, text, codes) = import(&scratch, &["in.yaml"]);
        assert!(code == 3 && codes.contains(&told) && text.contains("x-other"), "{condition}: {codes:?} {text}");
        assert_eq!(
            tagged(&scratch, std::slice::from_ref(&other))[0].get("x-tag").map(String::as_str),
            Some("gray"),
            "{condition}"
        );
    }
}

#[test]
fn what_the_plugin_refuses_is_refused_with_its_place() {
    let scratch = Scratch::new("import-refused");
    for (condition, said) in [
        ("conditionType: header, key: a, operator: like, value: [b]", "found the operator \"like\""),
        ("conditionType: body, key: a, operator: equal, value: [b]", "found the conditionType \"body\""),
        ("conditionType: header, operator: equal, value: [b]", "found no key"),
        (
            "conditionType: header, key: a, operator: equal, value: [b, c]",
            "found 2 values for equal, expected exactly one",
        ),
        (
            "conditionType: header, key: a, operator: percentage, value: [101]",
            "expected one whole number from 0 to 100",
        ),
    ] {
        scratch.write("in.yaml", group("and", condition));
        let (code, stdout, stderr) = scratch.run(&["import", "higress-traffic-tag", "in.yaml"], "");
        assert!(
            code == 1 && stdout.is_empty() && stderr.contains("in.yaml:6:5: conditionGroups[0].conditions[0]"),
            "{stderr}"
        );
        assert!(stderr.contains(said), "{stderr}");
    }
    scratch.write(
        "in.yaml",
        "weightGroups: [{headerName: a, headerValue: b, weight: 60}, {headerName: a, headerValue: c, weight: 60}]",
    );
    let (code, _, stderr) = scratch.run(&["import", "higress-traffic-tag", "in.yaml"], "");
    assert!(code == 1 && stderr.contains("found weights of 120 together, expected at most 100"), "{stderr}");
}

#[test]
fn a_wasm_plugin_resource_has_a_configuration_for_each_domain() {
    let scratch = Scratch::new("import-plugin");
    let config = |value: &str| format!("{{defaultTagKey: x-tag, defaultTagVal: {value}}}");
    let plugin = format!(
        "apiVersion: extensions.higress.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{name: traffic-tag}}\nspec:\n  defaultConfig: {}\n  matchRules:\n  \
         - {{domain: [shop.example.com, '*.shop.example.com'], config: {}}}\n  - {{ingress: [web/shop], config: {}}}\n",
        config("all"),
        config("shop"),
        config("route")
    );
    scratch.write("in.yaml", plugin);
    let words = ["import", "higress-traffic-tag", "in.yaml", "--out", "out"];
    let (code, _, stderr) = scratch.run(&words, "");
    assert!(code == 3 && stderr.contains("in.yaml:8:5 lost match-rule spec.matchRules"), "{stderr}");
    let lines: String = ["shop.example.com", "a.shop.example.com", "b.org"]
        .map(|host| format!("{}\n", json!({"path": "/", "host": host})))
        .concat();
    let (_, stdout, _) = scratch.run(&["decide", "out"], &lines);
    let variants: Vec<_> =
        stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["variant"].clone()).collect();
    assert_eq!(variants, ["shop", "shop", "all"]);
}

#[test]
fn a_regex_searches_as_re2_does() {
    let scratch = Scratch::new("import-regex");
    for (pattern, yes, no) in [
        (".*Mobile.*", "Mozilla (Mobile; x)", "mobile"),
        ("^v[12]", "v2-x", "av1"),
        (r"\d+$", "a7", "7a"),
        ("(?P<n>ab)+", "xababx", "ba"),
    ] {
        let condition = format!("conditionType: header, key: x-a, operator: regex, value: ['{pattern}']");
        scratch.write("in.yaml", group("and", &condition));
        let (code, text, codes) = import(&scratch, &["in.yaml"]);
        assert!(
            code == 0 && codes.contains("note pattern conditionGroups[0].conditions[0]"),
            "{pattern}: {codes:?} {text}"
        );
        let ask = |value: &str| json!({"path": "/", "headers": [["x-a", value], ["x-other", "1"]]});
        let tags: Vec<_> = tagged(&scratch, &[ask(yes), ask(no)]).iter().map(|set| set["x-tag"].clone()).collect();
        assert_eq!(tags, ["gray", "base"], "{pattern}");
    }
}

#[test]
fn what_is_none_of_the_plugins_is_refused() {
    let scratch = Scratch::new("import-foreign");
    let expected = ", expected the configuration of traffic-tag, which has conditionGroups, weightGroups, ";
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec: {rules: []}\n";
    let plugin = |config: &str| format!("kind: WasmPlugin\nspec:\n  defaultConfig: {config}\n");
    let other = plugin("{allow: [a]}");
    for (text, found) in [
        (ingress, "in.yaml:1:1: found a document of kind \"Ingress\""),
        ("# nothing\n", "in.yaml: found no document"),
        ("conditionGroup: []\n", "in.yaml:1:1: found a document with no field of the plugin"),
        ("- conditionGroups: []\n", "in.yaml:1:1: found a document with no field of the plugin"),
        (&other, "in.yaml:1:1: found a WasmPlugin with no field of the plugin"),
    ] {
        scratch.write("in.yaml", text);
        let (code, stdout, stderr) = scratch.run(&["import", "higress-traffic-tag", "in.yaml"], "");
        let said = format!("error: {found}{expected}");
        assert!(code == 1 && stdout.is_empty() && stderr.starts_with(&said), "{text}: {code}: {stderr}");
    }
    // Among several resources one is enough.
    scratch.write("in.yaml", format!("{ingress}---\n{}", plugin("{defaultTagKey: x-tag, defaultTagVal: all}")));
    let (code, stdout, stderr) = scratch.run(&["import", "higress-traffic-tag", "in.yaml"], "");
    assert!(code == 0 && stdout.contains("x-tag"), "{code}: {stderr}");
    assert!(stderr.starts_with("in.yaml:1:1 note other-resource a document of kind \"Ingress\": "), "{stderr}");
    // What is switched off, or empty, is of the plugin all the same.
    for text in ["kind: WasmPlugin\nspec: {url: 'oci://x'}\n", "conditionGroups: []\n"] {
        scratch.write("in.yaml", text);
        let (code, _, stderr) = scratch.run(&["import", "higress-traffic-tag", "in.yaml"], "");
        assert!(code == 0 && stderr.contains("note nothing"), "{text}: {code}: {stderr}");
    }
}
