//! Whole VMs on a host in memory: requests here, the update path in `mesh`.

use super::*;
use crate::host::{Status, fake::host};

mod lost;
mod mesh;
mod several;

/// A rule set whose rule `qa` gives `canary` to requests with `x-env: gray` on `host`, and sets the header `sets`.
fn rule_set(name: &str, host: &str, sets: &str) -> String {
    format!(
        r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
            "scope": {{"hosts": ["{host}"]}}, "variants": ["stable", "canary"], "default": "stable",
            "rules": [{{"id": "qa", "variant": "canary", "set": {{"{sets}": "new-cart=on"}},
                        "when": {{"header": {{"name": "x-env", "exact": "gray"}}}}}}]}}}}"#
    )
}

fn configuration(rule_sets: &[String]) -> String {
    format!(r#"{{"ownedHeaders": ["x-gray-variant", "x-feature-flags"], "ruleSets": [{}]}}"#, rule_sets.join(","))
}

/// Makes and configures the root `id` of `vm`.
fn root(vm: &mut Vm, id: u32, root_id: &str, plugin: &str, text: &str) -> bool {
    host(|host| {
        host.root = id;
        host.configuration = text.into();
        host.properties.insert("plugin_root_id".into(), root_id.into());
        host.properties.insert("plugin_name".into(), plugin.into());
    });
    vm.configure(id, text.len())
}

fn filter(text: &str) -> Vm {
    let mut vm = Vm::new(1);
    assert!(root(&mut vm, 1, "graylane", "front", text), "{:?}", host(|host| host.log.clone()));
    vm
}

/// Sends a request through the root 1 of `vm`.
fn request(vm: &mut Vm, headers: &[(&str, &str)]) {
    host(|host| {
        let bytes = |text: &str| text.as_bytes().to_vec();
        host.request = Some(headers.iter().map(|(name, value)| (bytes(name), bytes(value))).collect());
        host.state.clear();
        host.root = 1;
    });
    vm.request();
}

fn get<'a>(authority: &'a str, headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[(":authority", authority), (":path", "/"), (":method", "GET")], headers].concat()
}

fn header(name: &str) -> Vec<String> {
    host(|host| host.request_header(name).iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect())
}

fn state(key: &str) -> String {
    host(|host| String::from_utf8_lossy(&host.state.get(key).cloned().unwrap_or_default()).into_owned())
}

#[test]
fn a_request_is_decided_told_and_counted() {
    let mut vm = filter(&configuration(&[rule_set("checkout", "shop", "x-feature-flags")]));
    request(&mut vm, &get("shop", &[("x-env", "gray")]));
    assert_eq!(
        (header("x-gray-variant"), header("x-feature-flags")),
        (vec!["canary".into()], vec!["new-cart=on".into()])
    );
    let told = ["variant", "rule", "reason", "revision"].map(|key| state(&format!("graylane_{key}")));
    assert_eq!(told, ["canary", "checkout/qa", "TARGETING_MATCH", "embedded"]);
    request(&mut vm, &get("shop", &[("x-env", "gray")]));
    request(&mut vm, &get("shop", &[]));
    assert_eq!((header("x-gray-variant"), state("graylane_rule")), (vec!["stable".into()], "checkout/_default".into()));
    let counted = |rule, variant| {
        host(|host| host.metric(&format!("rule=.=checkout/{rule};.;variant=.={variant};.;graylane_requests_total")))
    };
    assert_eq!((counted("qa", "canary"), counted("_default", "stable")), (2, 1));
}

#[test]
fn what_a_client_sends_under_owned_names_neither_decides_nor_passes() {
    let spoofed = [
        ("x-gray-variant", "canary"),
        ("x_gray_variant", "canary"),
        ("x-gray_variant", "canary"),
        ("x-gray-variant", "other"),
        ("x-feature-flags", "all"),
    ];
    let set =
        rule_set("checkout", "shop", "x-feature-flags").replace("x-env", "x-feature-flags").replace("gray\"", "all\"");
    for text in [configuration(&[set]), configuration(&[]), String::new()] {
        let mut vm = filter(&text);
        request(&mut vm, &get("shop", &spoofed));
        let passed = host(|host| host.request.clone().unwrap());
        assert!(!passed.iter().any(|(_, value)| value == b"canary" || value == b"other"), "{passed:?}");
        assert_eq!(header("x-feature-flags").is_empty(), !text.is_empty(), "{text}");
    }
}

#[test]
fn without_a_decision_the_reason_is_told_and_counted() {
    let undecided =
        |reason| host(|host| host.metric(&format!("reason=.={reason};.;graylane_requests_undecided_total")));
    request(&mut filter(""), &get("shop", &[]));
    assert_eq!(
        (state("graylane_reason"), state("graylane_revision"), undecided("no_rules")),
        ("NO_RULES".into(), "".into(), 1)
    );
    request(&mut filter(&configuration(&[rule_set("a", "shop", "x-feature-flags")])), &get("other", &[]));
    let told = (state("graylane_reason"), state("graylane_revision"), undecided("out_of_scope"));
    assert_eq!(told, ("OUT_OF_SCOPE".into(), "embedded".into(), 1));
}

#[test]
fn decisions_of_two_variant_headers_are_joined() {
    let other =
        rule_set("search", "shop", "x-a").replace(r#""rules""#, r#""output": {"variantHeader": "x-b"}, "rules""#);
    let rule_sets = [rule_set("checkout", "shop", "x-feature-flags"), other].join(",");
    let owned = r#"["x-gray-variant", "x-feature-flags", "x-a", "x-b"]"#;
    let mut vm = filter(&format!(r#"{{"ownedHeaders": {owned}, "ruleSets": [{rule_sets}]}}"#));
    request(&mut vm, &get("shop", &[("x-env", "gray")]));
    assert_eq!((header("x-gray-variant"), header("x-b")), (vec!["canary".into()], vec!["canary".into()]));
    assert_eq!(
        (state("graylane_variant"), state("graylane_reason")),
        ("canary,canary".into(), "TARGETING_MATCH,TARGETING_MATCH".into())
    );
    let mut rules: Vec<_> = state("graylane_rule").split(',').map(str::to_owned).collect();
    rules.sort();
    assert_eq!(rules, ["checkout/qa", "search/qa"]);
}

#[test]
fn an_experiment_is_handed_on_with_its_time() {
    let rules = r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "checkout"}, "spec": {
        "output": {"experimentHeader": "x-exp", "evaluatedAtHeader": "x-at"},
        "identity": {"from": [{"header": "x-user"}]}, "variants": ["stable", "canary"], "default": "stable",
        "splits": {"login": {"weights": {"canary": 1}, "experiment": "exp-login"}},
        "rules": [{"id": "login", "split": "login"}]}}"#;
    let mut vm = filter(&format!(r#"{{"ownedHeaders": ["x-gray-variant", "x-exp", "x-at"], "ruleSets": [{rules}]}}"#));
    host(|host| host.unix_time = 1_795_996_800);
    let now = "2026-11-30T00:00:00.000Z";
    request(&mut vm, &get("a.example", &[("x-user", "7"), ("x-exp", "mine"), ("x-at", "mine"), ("x_at", "mine")]));
    assert_eq!(["x-exp", "x-at", "x_at"].map(header), [vec!["exp-login".to_owned()], vec![now.to_owned()], vec![]]);
    assert_eq!([state("graylane_experiment"), state("graylane_evaluated_at")], ["exp-login", now]);
    // Without an identity nobody chose, and there is no experiment.
    request(&mut vm, &get("a.example", &[("x-exp", "mine")]));
    assert_eq!(["x-exp", "x-at"].map(header), [vec![], Vec::<String>::new()]);
    let told = ["graylane_experiment", "graylane_evaluated_at"].map(|key| host(|host| host.state.contains_key(key)));
    assert_eq!(told, [false, false]);
}

#[test]
fn switches_of_all_decisions_are_one_header_under_what_stands_above_them() {
    let rules = |name: &str, header: &str, switches: &str| {
        format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{
                "output": {{"variantHeader": "{header}"}}, "variants": ["a", "b"], "default": "a", "switches": {{{switches}}},
                "rules": [{{"id": "b", "variant": "b", "when": {{"header": {{"name": "x-env", "exact": "b"}}}}}}]}}}}"#
        )
    };
    let one = rules("one", "x-one", r#""flag": {"type": "string", "default": "v1", "variants": {"b": "v2"}}"#);
    let two = rules("two", "x-two", r#""limit": {"type": "float", "default": 0.3}"#);
    let configuration = |more: &str| {
        format!(r#"{{"ownedHeaders": ["x-one", "x-two", "x-gray-switches"], {more} "ruleSets": [{one}, {two}]}}"#)
    };
    let mut vm = filter(&configuration(""));
    for (env, expected) in [("a", r#"flag="v1", limit=0.3"#), ("b", r#"flag="v2", limit=0.3"#)] {
        let claimed = [("x-env", env), ("x-gray-switches", "limit=9"), ("x_gray_switches", "limit=9")];
        request(&mut vm, &get("a.example", &claimed));
        assert_eq!(
            [header("x-gray-switches"), header("x_gray_switches")],
            [vec![expected.to_owned()], vec![]],
            "{env}"
        );
    }
    let mut vm = filter(&configuration(r#""switches": "gray.flag=own,gray.limit=fast","#));
    request(&mut vm, &get("a.example", &[("x-env", "b")]));
    assert_eq!(header("x-gray-switches"), [r#"flag="own", limit=0.3"#]);
    vm.tick(1);
    assert_eq!(host(|host| host.metric("graylane_switch_overrides_ineffective")), 1);
    let refused = configuration("").replace("\"x-gray-switches\"", "\"x-other\"");
    assert!(!root(&mut Vm::new(1), 1, "graylane", "front", &refused), "it is owned as any other header");
}

#[test]
fn owned_names_are_stripped_from_trailers() {
    let mut vm = filter("");
    let trailers = [("x-gray-variant", "canary"), ("x_gray_variant", "canary"), ("grpc-status", "0")];
    let trailers = trailers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    host(|host| host.trailers = trailers.to_vec());
    vm.trailers();
    assert_eq!(host(|host| host.trailers.clone()), [(b"grpc-status".to_vec(), b"0".to_vec())]);
}

#[test]
fn trailers_that_cannot_be_read_are_stripped_unseen() {
    let mut vm = filter("");
    let trailers = ["x-gray-variant", "x_gray_variant", "grpc-status"].map(|name| (name.into(), b"0".to_vec()));
    host(|host| {
        host.trailers = trailers.to_vec();
        host.refusals.insert("header_pairs", Status::NotFound);
    });
    vm.trailers();
    assert_eq!(host(|host| host.trailers.clone()), [(b"grpc-status".to_vec(), b"0".to_vec())]);
}

#[test]
fn a_fetcher_among_the_http_filters_still_lets_no_owned_header_through() {
    let mut vm = Vm::new(1);
    assert!(root(&mut vm, 1, "graylane_fetcher", "fetcher", ""));
    request(&mut vm, &get("shop", &[("x-gray-variant", "canary")]));
    assert!(header("x-gray-variant").is_empty());
}

#[test]
fn odd_requests_pass() {
    let mut vm = filter(&configuration(&[rule_set("checkout", "shop", "x-feature-flags")]));
    request(&mut vm, &[(":method", "CONNECT"), (":authority", "shop:443"), ("x-env", "gray")]);
    assert_eq!(header("x-gray-variant"), ["canary"]);
    request(&mut vm, &[]);
    let huge = "x".repeat(60 << 10);
    request(&mut vm, &get("shop", &[("x-env", &huge), (&huge, "gray"), ("x-env", "gray")]));
    assert_eq!(header("x-gray-variant"), ["canary"]);
    let mut seed = 1_u64;
    for _ in 0..2000 {
        let mut bytes = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed.to_le_bytes()[..(seed >> 60) as usize % 9].to_vec()
        };
        host(|host| host.request = Some((0..12).map(|_| (bytes(), bytes())).collect()));
        vm.request();
    }
}

#[test]
fn a_map_that_cannot_be_read_is_stripped_unseen() {
    let mut vm = filter("");
    host(|host| host.request = None);
    vm.request();
    // The host in memory notes that something was removed from a request it would not show.
    assert!(host(|host| host.request.is_some()));
}

#[test]
fn a_configuration_is_taken_or_refused_with_reasons() {
    let mut vm = Vm::new(1);
    assert!(root(&mut vm, 1, "", "front", ""));
    assert!(root(&mut vm, 2, "graylane_fetcher", "fetcher", ""));
    for (root_id, text, place) in [
        ("graylane", r#"{"rules": []}"#.to_owned(), "unknown field `rules`"),
        ("graylane_fetcher", r#"{"ownedHeaders": []}"#.to_owned(), "unknown field `ownedHeaders`"),
        ("graylane", configuration(&[rule_set("a", "shop", "x-not-owned")]), "the header x-not-owned"),
        ("graylane", "{\n\"ruleSets\": [\n{\"kind\": 1}]}".to_owned(), "ruleSets[0] (line 3 of the configuration): "),
        ("graylane", "{\"ruleSets\": [{}]".to_owned(), "EOF"),
    ] {
        host(|host| host.log.clear());
        log::set_max_level(log::LevelFilter::Info);
        crate::logger::install();
        assert!(!root(&mut vm, 3, root_id, "x", &text), "{text}");
        let log = host(|host| host.log.join("\n"));
        assert!(log.contains("the configuration is refused: ") && log.contains(place), "{text}: {log}");
    }
}
