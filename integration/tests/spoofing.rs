//! A client cannot choose its variant by sending the headers that Graylane owns.

use graylane_integration::{Control, Mesh, Request, Running, Seen, samples};

/// Every way in which a client may write an owned header, and a value that no rule sets.
const SPOOFS: [(&str, &str); 9] = [
    ("x-gray-variant", "canary"),
    ("X-Gray-Variant", "canary"),
    ("X-GRAY-VARIANT", ""),
    ("x_gray_variant", "canary"),
    ("X-Gray_Variant", "canary"),
    ("x_gray-variant", "canary"),
    ("x-feature-flags", "spoofed"),
    ("X_Feature_Flags", "spoofed"),
    ("x-gray-variant", "caf\u{e9}"),
];

/// What the shipped configuration has besides the filter, and must not be needed.
const SECOND_LINE: [&str; 2] = [
    "headers_with_underscores_action: DROP_HEADER",
    "internal_only_headers: [x-gray-variant, x-feature-flags, x-gray-experiment, x-gray-evaluated-at, x-gray-switches]",
];

fn scoped() -> String {
    samples::header_to_canary("gray").replace("spec:\n", "spec:\n  scope: {hosts: [shop.example.com]}\n")
}

/// The rule asks about an owned header itself, which at that point must be gone.
fn gullible() -> String {
    samples::header_to_canary("gray").replace("name: x-env, exact: \"gray\"", "name: x-gray-variant, present: true")
}

#[test]
fn as_shipped_no_spelling_gets_through() {
    let mesh = Mesh::new("spoofing").rules(&scoped()).start();
    nobody_is_fooled(&mesh, Request::get("/"), Some("stable"));
    nobody_is_fooled(&mesh, Request::get("/").header("x-env", "gray"), Some("canary"));
    nobody_is_fooled(&mesh, Request::get("/").host("elsewhere.example.com"), None);
}

#[test]
fn the_filter_alone_lets_no_spelling_through() {
    let mesh = alone("spoofing-alone").rules(&scoped()).start();
    nobody_is_fooled(&mesh, Request::get("/"), Some("stable"));
    nobody_is_fooled(&mesh, Request::get("/").header("x-env", "gray"), Some("canary"));
    nobody_is_fooled(&mesh, Request::get("/").host("elsewhere.example.com"), None);
}

#[test]
fn without_any_rules_no_spelling_gets_through() {
    let mesh = alone("spoofing-no-rules").start();
    nobody_is_fooled(&mesh, Request::get("/"), None);
    let answer = mesh.send(&Request::get("/"));
    assert_eq!(mesh.access(&answer).reason.as_deref(), Some("NO_RULES"));
}

#[test]
fn a_rule_about_an_owned_header_never_sees_the_clients() {
    let mesh = alone("spoofing-gullible").rules(&gullible()).start();
    nobody_is_fooled(&mesh, Request::get("/"), Some("stable"));
}

#[test]
#[should_panic(expected = "after x-feature-flags")]
fn this_very_check_notices_a_header_that_gets_through() {
    let configuration = r#"{"ownedHeaders": ["x-gray-variant"]}"#;
    let mesh = alone("spoofing-leak").filter_configuration(configuration).rules(&scoped()).start();
    nobody_is_fooled(&mesh, Request::get("/"), Some("stable"));
}

fn alone(name: &str) -> Mesh {
    SECOND_LINE.iter().fold(Mesh::new(name), |mesh, line| mesh.without(line))
}

/// Sends `request` with each spoof, twice the same, and all of them: the upstream sees the variant that was decided.
fn nobody_is_fooled(mesh: &Running<Control>, request: Request, decided: Option<&str>) {
    for (name, value) in SPOOFS {
        let spoofed = request.clone().header(name, value);
        check(&mesh.send(&spoofed).seen(), decided, name);
        let twice = spoofed.header(name, "stable").header(name, "other");
        check(&mesh.send(&twice).seen(), decided, name);
    }
    let all = SPOOFS.iter().fold(request, |request, (name, value)| request.header(name, value));
    check(&mesh.send(&all).seen(), decided, "all of them");
}

fn check(seen: &Seen, decided: Option<&str>, sent: &str) {
    assert_eq!(seen.text("x-gray-variant"), decided, "after {sent}");
    assert_eq!(seen.upstream, decided.unwrap_or("stable"), "after {sent}");
    let leaked = seen.headers.iter().filter(|(name, _)| {
        let read_with_dashes = name.replace('_', "-");
        name != "x-gray-variant" && ["x-gray-variant", "x-feature-flags"].contains(&read_with_dashes.as_str())
    });
    assert_eq!(leaked.count(), 0, "after {sent}: {:?}", seen.headers);
}
