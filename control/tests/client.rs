//! The commands that ask a control plane, with a token, a certificate, and without.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panic"
)]

#[path = "../../integration/src/certificates.rs"]
mod certificates;
mod common;
#[path = "common/place.rs"]
mod place;
#[path = "common/serving.rs"]
mod serving;
#[path = "common/visitor.rs"]
mod visitor;

use std::{fs, os::unix::fs::PermissionsExt as _};

use certificates::Authority;
use place::{OPTIONS, Place, new_token};
use serving::Serving;

/// Writes a file for its owner's eyes.
fn secret(place: &Place, name: &str, text: &str) {
    let path = place.scratch.write(name, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_token_or_a_certificate_gets_the_status_and_nothing_else_does() {
    let place = Place::new("client");
    let reader = "spiffe://cluster.local/ns/ops/sa/dashboard";
    let entry = format!("{{name: dashboard, role: reader, certificate: \"{reader}\"}}");
    place.write_callers(&[&place.entries[..], &[entry]].concat());
    let (serving, _) = place.serve();
    let port = serving.address.rsplit_once(':').unwrap().1;
    let control = format!("https://localhost:{port}");
    secret(&place, "ci.token", &format!("{}\n", place.ci));
    place.authority.identity(reader, "workload").write(&place.scratch.path(""), "dashboard");
    fs::set_permissions(place.scratch.path("dashboard-key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    let ask = |options: &[&str]| {
        let (code, stdout, stderr) = place.scratch.run(&[&["status", "-o", "json", "--control"], options].concat(), "");
        (code, stdout.contains("\"revision\": \""), stderr)
    };
    // No Envoy is there, which is the exit code 1.
    let good = (1, true, String::new());
    assert_eq!(ask(&[&control, "--ca", "ca.pem", "--token-file", "ci.token"]), good);
    assert_eq!(ask(&[&control, "--ca", "ca.pem", "--cert", "dashboard.pem", "--key", "dashboard-key.pem"]), good);
    let by_address = format!("https://127.0.0.1:{port}");
    let options = ["--ca", "ca.pem", "--token-file", "ci.token"];
    assert_eq!(ask(&[&[by_address.as_str(), "--server-name", "localhost"], &options[..]].concat()), good);
    let mut from_environment = place.scratch.graylane(&["status", "--control", &control, "--ca", "ca.pem"]);
    let output = from_environment.env("GRAYLANE_TOKEN_FILE", "ci.token").output().unwrap();
    assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(1), true), "{output:?}");

    let wrong = format!("graylane_{}", "12".repeat(32));
    secret(&place, "wrong.token", &format!("{wrong}\n"));
    secret(&place, "cut.token", "graylane_1234\n");
    let stranger = Authority::new().identity(reader, "workload");
    stranger.write(&place.scratch.path(""), "stranger");
    fs::set_permissions(place.scratch.path("stranger-key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    secret(&place, "empty.token", "\n");
    place.scratch.write("open.token", &place.ci);
    place.scratch.write("other.pem", Authority::new().pem());
    let remote = "http://control.example:8460";
    for (options, said) in [
        (&[control.as_str()][..], "without --ca, expected the file of its authorities, such as /etc/ssl/certs"),
        (
            &[&control, "--ca", "ca.pem"],
            "/v1/namespaces/default/status: found the status 401 Unauthorized (found no credentials, expected a token of",
        ),
        (
            &[&control, "--ca", "ca.pem", "--token-file", "wrong.token"],
            "found the status 401 Unauthorized (found a token that no caller has, expected a token",
        ),
        (
            &[&control, "--ca", "ca.pem", "--token-file", "empty.token"],
            "empty.token: found no token, expected one line",
        ),
        (&[&control, "--ca", "ca.pem", "--token-file", "cut.token"], "cut.token: found no token, expected one line"),
        (
            &[&control, "--ca", "ca.pem", "--token-file", &place.ci],
            "found a token itself, expected the name of a file with it: it may stand in the history",
        ),
        (
            &[&control, "--ca", "ca.pem", "--cert", "stranger.pem", "--key", "stranger-key.pem"],
            "found that the control plane refuses the certificate in --cert (received fatal alert: DecryptError), expected one",
        ),
        (
            &[&control, "--ca", "ca.pem", "--token-file", "open.token"],
            "open.token: found the mode 0644, open to everybody",
        ),
        (
            &[&control, "--ca", "other.pem", "--token-file", "ci.token"],
            "by an authority that --ca does not have, expected one",
        ),
        (&[&by_address, "--ca", "ca.pem", "--token-file", "ci.token"], "; --server-name where it has another name"),
        (
            &[remote, "--token-file", "ci.token"],
            "found a token for http://control.example:8460, which is not this host",
        ),
        (&[&control, "--ca", "gone.pem"], "gone.pem: found no such file"),
        (&[&control, "--ca", "ca.pem", "--cert", "dashboard.pem"], "--key <FILE>"),
    ] {
        let (code, _, stderr) = ask(options);
        assert!(code == 2 && stderr.contains(said), "{options:?}: {code} {stderr}");
        assert!(!stderr.contains("graylane_1") && !stderr.contains(&place.ci), "{stderr}");
    }
    let mut help = place.scratch.graylane(&["status", "--help"]);
    let output = help.env("GRAYLANE_TOKEN_FILE", &place.ci).output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains(&place.ci), "the help tells no token either");
    // What only encrypts where nobody expects it.
    let (code, _, said) = ask(&[&control.replace("https", "http"), "--token-file", "ci.token"]);
    assert!(code == 2 && said.contains("found no HTTP answer") && said.contains("is it https://?"), "{said}");
}

#[test]
fn an_authority_is_no_server_and_what_encrypts_nothing_is_told() {
    let place = Place::new("client-authority");
    // What `openssl req -x509` makes unless it is told otherwise.
    let own = Authority::of_host("localhost");
    place.certify(&own);
    place.scratch.write("own.pem", &own.certificate);
    let serving = Serving::with(&place.scratch, &OPTIONS);
    let port = serving.address.rsplit_once(':').unwrap().1;
    let status = |control: &str| place.scratch.run(&["status", "--ca", "own.pem", "--control", control], "");
    let (code, _, said) = status(&format!("https://localhost:{port}"));
    let found = "found a certificate authority's certificate, expected the server's own";
    assert!(code == 2 && said.contains(found), "{said}");
    drop(serving);
    let serving = Serving::start(&place.scratch);
    let (code, _, said) = status(&format!("https://{}", serving.address));
    assert!(code == 2 && said.contains("expected a server that encrypts: is it http://?"), "{said}");
}

#[test]
fn a_probe_needs_no_token_but_an_authority() {
    let place = Place::new("client-probe");
    let (serving, _) = place.serve();
    let port = serving.address.rsplit_once(':').unwrap().1;
    let ready = format!("https://localhost:{port}/readyz");
    let probe = |options: &[&str]| place.scratch.run(&[&["probe"], options].concat(), "");
    assert_eq!(probe(&["--ca", "ca.pem", &ready]), (0, String::new(), String::new()));
    let (code, _, said) = probe(&["--ca", "ca.pem", &format!("https://localhost:{port}/metrics")]);
    assert!(code == 1 && said.contains("found the status 401 Unauthorized, expected a status of 200 to 299"), "{said}");
    assert_eq!(probe(&[&ready]).0, 2);
}

#[test]
fn a_revision_names_the_caller_and_a_publisher_does_not_switch_off() {
    let place = Place::new("client-publish");
    let (operator, entry) = new_token(&place.scratch, "ops", "operator");
    place.write_callers(&[&place.entries[..], &[entry]].concat());
    secret(&place, "ci.token", &place.ci);
    secret(&place, "ops.token", &operator);
    let options = [&["serve", "--store", "redb://revisions.redb"], &OPTIONS[..]].concat();
    let serving = Serving::of(&mut place.scratch.graylane(&options));
    let control = format!("https://localhost:{}", serving.address.rsplit_once(':').unwrap().1);
    let ask = |words: &[&str], token: &str| {
        let whom = ["--control", &control, "--ca", "ca.pem", "--token-file", token];
        place.scratch.run(&[words, &whom[..]].concat(), "")
    };
    let (code, _, said) = ask(&["publish", "rules", "-m", "first", "--actor", "somebody"], "ci.token");
    assert_eq!(code, 0, "{said}");
    let (code, history, said) = ask(&["history", "-o", "json"], "ci.token");
    assert!(code == 0 && history.contains("\"actor\": \"ci (somebody)\""), "{history} {said}");
    let (code, _, said) = ask(&["off", "-m", "no"], "ci.token");
    let found = "found the caller \"ci\", a publisher, expected a caller of the role operator";
    assert!(code == 2 && said.contains(found), "{code} {said}");
    let (code, _, said) = ask(&["off", "-m", "yes", "--actor", "ops"], "ops.token");
    assert_eq!(code, 0, "{said}");
    let (_, history, _) = ask(&["history", "-o", "json"], "ops.token");
    assert!(history.contains("\"actor\": \"ops\""), "{history}");
}

#[test]
fn the_file_of_callers_in_the_help_is_a_whole_one() {
    let place = Place::new("client-help");
    let (_, help, _) = place.scratch.run(&["tokens", "--help"], "");
    let lines = help.lines().skip_while(|line| !line.starts_with("  apiVersion: ")).take_while(|line| !line.is_empty());
    let file: Vec<_> = lines.map(|line| line.strip_prefix("  ").unwrap()).collect();
    let file = file.join("\n").replacen('…', &"a".repeat(64), 1).replacen('…', &"b".repeat(64), 1);
    assert!(file.contains("kind: Callers"), "{help}");
    place.scratch.write("callers.yaml", file);
    // It listens: the file is read before.
    drop(Serving::with(&place.scratch, &OPTIONS));
}
