//! No document, snapshot or request makes the decision panic, hang or lie about its bounds.
#![cfg(not(target_family = "wasm"))]
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops loudly"
)]

#[path = "common/sent.rs"]
mod sent;

use std::{fmt::Write, sync::LazyLock};

use graylane_rules::{Attributes, Format, SNAPSHOT_LIMIT, Snapshot, Source, compile};
use proptest::prelude::*;
use sent::Sent;

#[derive(Debug)]
struct Anything {
    method: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Attributes for Anything {
    fn method(&self) -> Option<&[u8]> {
        self.method.as_deref()
    }

    fn target(&self) -> Option<&[u8]> {
        self.target.as_deref()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.authority.as_deref()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    fn source(&self) -> Option<&[u8]> {
        self.authority.as_deref()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    fn now(&self) -> Option<i64> {
        i64::try_from(self.headers.len()).ok()?.checked_mul(1_000_000_000_000)
    }
}

fn rich() -> String {
    let mut rules = String::new();
    let whens = [
        "{header: {name: x-a, exact: b}}",
        "{cookie: {name: uid, prefix: b, ignoreCase: true}}",
        "{query: {name: q, contains: b}}",
        "{path: {suffix: /x}}",
        "{host: {in: [a.example, b.example]}}",
        "{identity: {range: {from: -5, to: 5}}}",
        "{header: {name: x-c, semver: ^1.2.3-b || 2.x}}",
        "{header: {name: x-c, regex: '(b|-5)+.*', ignoreCase: true}}",
        "{header: {name: x-a, cidr: [10.0.0.0/8, '2001:db8::/32']}}",
        "{source: {cidr: [10.0.0.0/8, 192.0.2.0/24]}}",
        "{jwtClaim: {header: x-b, claim: [a, b], exact: c}}",
        "{labels: {a: b, c: d}}",
        "{time: {after: 2026-01-01T00:00:00Z}}",
        "{audience: few}",
        "{all: [{percent: {from: 10, to: 50}}, {any: [{method: {exact: GET}}, {not: {header: {name: x-b, present: true}}}]}]}",
    ];
    for (number, when) in whens.iter().enumerate() {
        writeln!(rules, "    - {{id: r{number}, when: {when}, split: s, set: {{x-feature-flags: f{number}}}}}")
            .unwrap();
    }
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: rich}}\nspec:\n  scope: {{hosts: ['*.example', b.example], pathPrefixes: [/, /shop]}}\n  identity: {{from: [{{header: x-user}}, {{cookie: uid}}]}}\n  variants: [a, b, c]\n  default: a\n  splits: {{s: {{weights: {{a: 1, b: 1, c: 1}}, experiment: e}}}}\n  output: {{experimentHeader: x-exp, evaluatedAtHeader: x-at}}\n  switches: {{flag: {{type: string, default: v1, variants: {{b: v2}}}}, limit: {{type: float, default: 0.3}}}}\n  rules:\n{rules}"
    )
}

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let text = rich();
    let audience =
        "apiVersion: graylane.dev/v1\nkind: Audience\nmetadata: {name: few}\nspec: {identities: [b, '3', GET]}\n";
    let compiled = compile(&[&text, audience].map(|text| Source { format: Format::Yaml, text: text.as_bytes() }));
    compiled.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).snapshot
});

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[a-c=;%+&?/. -]{0,30}".prop_map(String::into_bytes),
        prop::sample::select(vec![
            "b",
            "3",
            "-5",
            "a.example",
            "b.example:80",
            "/shop/x?q=b",
            "uid=B; uid=2",
            "GET",
            "1.2.3-b",
            "v2.0.0",
            "10.1.2.3:80",
            "2001:db8::1",
            "Bearer e30.eyJhIjp7ImIiOiJjIn19.x"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn request() -> impl Strategy<Value = Anything> {
    let name =
        prop::sample::select(vec!["x-a", "x-b", "x-user", "cookie", "x-c"]).prop_map(|name| name.as_bytes().to_vec());
    let headers = prop::collection::vec((name, bytes()), 0..6);
    (prop::option::of(bytes()), prop::option::of(bytes()), prop::option::of(bytes()), headers)
        .prop_map(|(method, target, authority, headers)| Anything { method, target, authority, headers })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_request_gets_a_whole_decision(request in request()) {
        let snapshot = Snapshot::load(BYTES.clone()).unwrap();
        for decision in snapshot.decide(&request) {
            prop_assert!([&b"a"[..], b"b", b"c"].contains(&decision.variant()));
            prop_assert!(decision.set().count() <= 3 && decision.switches().is_some());
        }
        for explanation in snapshot.explain(&request) {
            prop_assert!(!explanation.to_string().chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_harmless(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        request in request(),
    ) {
        let mut bytes = BYTES.clone();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(snapshot) = Snapshot::load(bytes) {
            snapshot.decide(&request).for_each(|decision| assert!(decision.set().count() < 100));
            drop(snapshot.explain(&request).iter().map(ToString::to_string).collect::<String>());
            assert!(snapshot.header_names().count() < 100);
            for testers in [&[][..], &["x-a", "x-b"]] {
                prop_assert!(snapshot.shares(testers).iter().all(|share| share.slots <= 100_000));
            }
        }
    }

    #[test]
    fn cut_bytes_are_refused(at in any::<prop::sample::Index>()) {
        let cut = at.index(BYTES.len());
        prop_assert!(Snapshot::load(BYTES[..cut].to_vec()).is_err());
    }

    #[test]
    fn any_text_is_compiled_or_refused(
        lines in prop::collection::vec(any::<prop::sample::Index>(), 0..2),
        noise in "[ -~\n]{0,40}",
        at in any::<prop::sample::Index>(),
    ) {
        let whole = rich();
        let mut source: Vec<&str> = whole.lines().collect();
        for line in &lines {
            let (from, to) = (line.index(source.len()), at.index(source.len()));
            source.swap(from, to);
        }
        let mut text = source.join("\n");
        text.insert_str(at.index(text.len() + 1).min(text.len()), &noise);
        for format in [Format::Yaml, Format::Json] {
            if let Err(problems) = compile(&[Source { format, text: text.as_bytes() }]) {
                prop_assert!(problems.iter().all(|problem| problem.span.start <= problem.span.end && problem.span.end <= text.len()));
            }
        }
    }
}

#[test]
fn deep_and_large_documents_are_refused_not_read() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    for (format, text) in [
        (Format::Json, deep("[", "]")),
        (Format::Json, deep("{\"a\":", "}")),
        (Format::Yaml, deep("[", "]")),
        (Format::Yaml, deep("- ", "")),
        (Format::Yaml, format!("a: \"{}\"", "x".repeat(5 << 20))),
    ] {
        assert!(compile(&[Source { format, text: text.as_bytes() }]).is_err());
    }
}

#[test]
fn ten_thousand_rules_fit_and_more_than_fits_is_told() {
    let compiled = compile(&[Source { format: Format::Yaml, text: many(10_000, 20).as_bytes() }]).unwrap();
    assert!(compiled.snapshot.len() < SNAPSHOT_LIMIT, "{} bytes", compiled.snapshot.len());
    let snapshot = Snapshot::load(compiled.snapshot).unwrap();
    assert_eq!(snapshot.shares(&["x-0"]).iter().map(|share| share.slots).collect::<Vec<_>>(), [100_000, 100_000]);
    let problems = compile(&[Source { format: Format::Yaml, text: many(20_000, 100).as_bytes() }]).unwrap_err();
    assert_eq!(problems.last().map(|problem| problem.code), Some("too-large"));
}

#[test]
fn problems_beyond_those_kept_are_counted_and_still_refuse() {
    let warnings: String =
        (0..1_500).map(|n| format!("  - {{id: w{n}, when: {{percent: 0}}, variant: b}}\n")).collect();
    let text = format!("{}{warnings}  - {{id: BAD ID, variant: nope}}\n", many(0, 1));
    let problems = compile(&[Source { format: Format::Yaml, text: text.as_bytes() }]).unwrap_err();
    assert!(problems.iter().any(|problem| problem.code == "bad-id"));
    let more: Vec<_> = problems.iter().filter(|problem| problem.code == "more").collect();
    assert!(more.iter().any(|problem| problem.found.starts_with("2000 more")), "{more:?}");
}

/// What took the square of their length did not end within minutes, or asked for gigabytes.
#[test]
fn documents_made_to_be_slow_or_large_are_refused() {
    let list = |n: usize, item: &dyn Fn(usize) -> String| (0..n).map(item).collect::<Vec<_>>().join(", ");
    let head = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: slow}\n";
    let key = "k".repeat(100_000);
    let documents = [
        format!("{{{}}}", list(200_000, &|n| format!("k{n}: 1"))),
        format!(
            "{head}spec: {{scope: {{hosts: [{}], pathPrefixes: [{}]}}}}",
            list(900, &|n| format!("h{n}")),
            list(900, &|n| format!("/{n}"))
        ),
        format!(
            "{head}spec: {{variants: [a], default: a, splits: {{{}}}}}",
            list(80_000, &|n| format!("s{n}: {{weights: {{a: 1}}}}"))
        ),
        format!(
            "{head}spec: {{variants: [a], default: a, splits: {{s: {{weights: {{{}}}}}}}}}",
            list(200_000, &|n| format!("w{n}: 1"))
        ),
        format!("{head}spec: {{{key}: {{{}}}}}", list(1_000, &|n| format!("u{n}: 1"))),
        format!(
            "{head}spec: {{variants: [a], default: a, rules: [{}]}}",
            list(257, &|n| format!("{{id: r{n}, when: {{path: {{contains: x}}}}, variant: a}}"))
        ),
    ];
    for text in documents {
        let problems = compile(&[Source { format: Format::Yaml, text: text.as_bytes() }]).unwrap_err();
        let size: usize = problems.iter().map(|problem| problem.to_string().len()).sum();
        assert!(size < 1 << 20, "{size} bytes of problems");
    }
}

/// An audience as large as may be fits beside rules, and finds exactly its members.
#[test]
fn a_hundred_thousand_members_fit() {
    let rules = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: shop}\nspec:\n  identity: {from: [{header: x-user}]}\n  \
                 variants: [a, b]\n  default: a\n  rules: [{id: r, when: {audience: big}, variant: b}]\n";
    let audience = |members: u32| {
        let identities: Vec<_> = (0..members).map(|n| format!("\"{n:08x}-1111-4222-8333-{n:012x}\"")).collect();
        let identities = identities.join(",");
        format!(
            "{{\"apiVersion\":\"graylane.dev/v1\",\"kind\":\"Audience\",\"metadata\":{{\"name\":\"big\"}},\"spec\":{{\"identities\":[{identities}]}}}}"
        )
    };
    let compiled = |members: u32| {
        let audience = audience(members);
        compile(&[
            Source { format: Format::Yaml, text: rules.as_bytes() },
            Source { format: Format::Json, text: audience.as_bytes() },
        ])
    };
    let snapshot = compiled(100_000).unwrap().snapshot;
    assert!((1_200_000..1_201_000).contains(&snapshot.len()), "{} bytes", snapshot.len());
    let snapshot = Snapshot::load(snapshot).unwrap();
    let variant = |n: u32| {
        let identity = format!("{n:08x}-1111-4222-8333-{n:012x}");
        let request = Sent(identity.as_bytes());
        snapshot.decide(&request).next().unwrap().variant().to_vec()
    };
    for n in (0..100_000).step_by(97).chain([99_999]) {
        assert_eq!(variant(n), b"b", "{n}");
        assert_eq!(variant(n + 100_000), b"a", "{n}");
    }
    let problems = compiled(100_001).unwrap_err();
    assert_eq!(problems[0].code, "too-many");
}

fn many(rules: usize, length: usize) -> String {
    let rules: String = (0..rules)
        .map(|n| {
            format!("  - {{id: r{n}, when: {{header: {{name: x-{}, exact: '{n:0length$}'}}}}, variant: b}}\n", n % 3)
        })
        .collect();
    format!(
        "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: many}}\nspec:\n  variants: [a, b]\n  default: a\n  rules:\n{rules}"
    )
}
