//! What is published and how VMs are configured: by name, so that scripts stay short.

use std::sync::LazyLock;

use graylane_rules::{Format, Source, compile};

use super::publication::PUBLIC_KEYS;

/// What may be published. The first is taken by every filter of [`CONFIGURATIONS`].
pub(super) static SNAPSHOTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let plain = compiled(&[rule_set("plain", "", "x-gray-variant", &rule("qa", "x-gray-variant"))]);
    let cut = plain[..plain.len() - 9].to_vec();
    vec![
        compiled(&[rule_set("plain", "", "x-gray-variant", "").replace(", \"canary\"", "")]),
        plain,
        compiled(&[rule_set(
            "flags",
            r#""scope": {"hosts": ["shop"]},"#,
            "x-gray-variant",
            &rule("qa", "x-feature-flags"),
        )]),
        compiled(&[rule_set("foreign", "", "x-gray-variant", &rule("qa", "x-foreign"))]),
        compiled(&[
            rule_set("two", "", "x-gray-variant", &rule("qa", "x-feature-flags")),
            rule_set("other", "", "x-other-variant", &rule("qa", "x-feature-flags")),
        ]),
        compiled(&[rule_set("split", SPLIT, "x-gray-variant", r#"{"id": "half", "split": "half"}"#)]),
        compiled(&[]),
        cut,
        vec![7; 2000],
        Vec::new(),
        compiled(&[rule_set("lanes", LANES, "x-gray-variant", &rule("qa", "x-gray-variant"))]),
    ]
});

/// Whom it trusts, every host of a script knows; see [`PEER`](super::requests::PEER).
const LANES: &str = r#""inherit": {"peers": ["spiffe://cluster.local/ns/a"], "outbound": true},"#;

const SPLIT: &str =
    r#""identity": {"from": [{"header": "x-user"}]}, "splits": {"half": {"weights": {"stable": 1, "canary": 1}}},"#;

fn rule(id: &str, sets: &str) -> String {
    let set = if sets == "x-gray-variant" { String::new() } else { format!(r#""set": {{"{sets}": "on"}},"#) };
    format!(
        r#"{{"id": "{id}", {set} "when": {{"header": {{"name": "x-env", "exact": "gray"}}}}, "variant": "canary"}}"#
    )
}

fn rule_set(name: &str, more: &str, header: &str, rules: &str) -> String {
    format!(
        r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "{name}"}}, "spec": {{{more}
            "output": {{"variantHeader": "{header}"}}, "variants": ["stable", "canary"], "default": "stable", "rules": [{rules}]}}}}"#
    )
}

fn compiled(rule_sets: &[String]) -> Vec<u8> {
    let sources: Vec<_> = rule_sets.iter().map(|text| Source { format: Format::Json, text: text.as_bytes() }).collect();
    compile(&sources).expect("rule sets without errors").snapshot
}

/// A plugin configuration.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// Whether it is the fetcher's.
    pub(super) fetcher: bool,
    /// Whether what it fetches must be signed; none where it fetches nothing.
    pub(super) signed: Option<bool>,
}

/// The configurations that have names.
pub(super) static CONFIGURATIONS: LazyLock<Vec<Configuration>> = LazyLock::new(|| {
    let owned = r#""ownedHeaders": ["x-gray-variant", "x-feature-flags"]"#;
    let embedded =
        rule_set("embedded", r#""scope": {"hosts": ["shop"]},"#, "x-gray-variant", &rule("qa", "x-feature-flags"));
    let [one, other] = &*PUBLIC_KEYS;
    let keys = format!(r#""keys": {{"a": "{one}", "b": "{other}"}}"#);
    let fetch = r#""namespace": "shop", "wait": "5s", "tick": "50ms""#;
    let two = r#""control": [{"cluster": "near", "authority": "near:80"}, {"cluster": "far"}]"#;
    let named = |name, signed, text| Configuration { name, text, fetcher: false, signed };
    let fetcher = |name, signed, text| Configuration { name, text, fetcher: true, signed: Some(signed) };
    vec![
        named("bare", None, String::new()),
        named("plain", None, format!(r#"{{{owned}, "ruleSets": [{embedded}], "tick": "100ms"}}"#)),
        named(
            "wide",
            None,
            r#"{"ownedHeaders": ["x-gray-variant", "x-feature-flags", "x-foreign", "x-other-variant"]}"#.into(),
        ),
        named("limited", None, format!(r#"{{{owned}, "limits": {{"variants": ["stable"]}}}}"#)),
        named(
            "capped",
            None,
            format!(r#"{{{owned}, "limits": {{"shares": {{"canary": 12.5}}, "testerHeaders": ["x-env"]}}}}"#),
        ),
        named("ready", None, format!(r#"{{{owned}, "readinessPath": "/ready"}}"#)),
        named("electable", Some(false), format!(r#"{{{owned}, "ruleSets": [{embedded}], "fetcher": {{{fetch}}}}}"#)),
        named("electable-signed", Some(true), format!(r#"{{{owned}, "fetcher": {{{fetch}, {two}, {keys}}}}}"#)),
        fetcher("fetcher", false, format!("{{{fetch}}}")),
        fetcher("fetcher-signed", true, format!("{{{fetch}, {keys}}}")),
        fetcher("fetcher-two", true, format!("{{{fetch}, {two}, {keys}}}")),
    ]
});
