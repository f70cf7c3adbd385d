//! `graylane serve` with TLS and callers: who comes in, and who does not.
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

use std::{fs, net::TcpStream, os::unix::fs::PermissionsExt as _};

use certificates::{Authority, Identity};
use place::{EDGE, OPTIONS, Place, new_token};
use serde_json::{Value, json};
use serving::Serving;
use visitor::Visitor;

/// The problems that are errors: who was refused lately is told besides, as a warning.
fn errors(status: &Value) -> Vec<Value> {
    let problems = status["problems"].as_array().unwrap().iter();
    problems.filter(|problem| problem["severity"] == "error").cloned().collect()
}

#[test]
fn tokens_and_certificates_let_in_by_role() {
    let place = Place::new("access-roles");
    let (serving, visitor) = place.serve();
    let ci = visitor.token(&place.ci);
    let edge = visitor.identity(place.authority.identity(EDGE, "workload"));
    assert_eq!((ci.get("~/status").status, ci.get("/metrics").status, ci.get("~/snapshot").status), (200, 200, 403));
    assert_eq!(ci.ask("POST", "/v1/switches/reload", "").unwrap().status, 403);
    assert_eq!((edge.get("~/snapshot").status, edge.get("~/status").status), (200, 403));
    assert_eq!(edge.ask("POST", "~/acks", "{}").unwrap().status, 400, "let in, and no report");
    assert_eq!((visitor.get("/healthz").status, visitor.get("/readyz").status), (200, 200));
    let nobody = visitor.get("~/status");
    assert_eq!((nobody.status, nobody.json()["title"].as_str()), (401, Some("Unauthorized")));
    assert!(nobody.head.contains("\r\nwww-authenticate: bearer realm=\"graylane\"\r\n"), "{}", nobody.head);
    let wrong = visitor.token("graylane_0000");
    assert_eq!(wrong.get("~/status").status, 401);
    let stranger = visitor.identity(place.authority.identity("spiffe://cluster.local/ns/edge/sa/gw2", "workload"));
    assert_eq!(stranger.get("~/snapshot").status, 401);

    let refused = ci.status()["problems"][0].clone();
    assert_eq!((&refused["code"], &refused["severity"]), (&json!("refused-caller"), &json!("warning")));
    let found = "requests that are refused, from 127.0.0.1: a certificate of \"spiffe://cluster.local/ns/edge/sa/gw2\"";
    assert!(refused["found"].as_str().unwrap().starts_with(found), "{refused}");

    // A token stands nowhere but in its caller's hands.
    let told = [
        ci.get("/metrics").text(),
        ci.status().to_string(),
        fs::read_to_string(place.scratch.path("callers.yaml")).unwrap(),
    ];
    let (exit, log) = serving.terminate();
    assert!(exit.success(), "{log}");
    for text in told.iter().chain([&log]) {
        assert!(!text.contains(&place.ci) && !text.contains(&place.ci["graylane_".len()..]), "{text}");
    }
}

#[test]
fn nobody_gets_a_word_without_tls_1_3_and_a_certificate_of_the_right_authority() {
    let place = Place::new("access-tls");
    let (_serving, visitor) = place.serve();
    let snapshot = |visitor: &Visitor| visitor.ask("GET", "~/snapshot", "").map(|reply| reply.status);
    let edge = |identity: Identity| snapshot(&visitor.identity(identity));
    assert_eq!(edge(place.authority.identity(EDGE, "workload")), Ok(200));
    assert!(snapshot(&visitor.old().token(&place.ci)).is_err(), "TLS 1.2");
    let address = &_serving.address;
    let told = |words: &str| {
        let found = format!("requests that are refused, from 127.0.0.1: {words}");
        let is = |problem: &Value| problem["found"].as_str().unwrap().starts_with(&found);
        visitor.token(&place.ci).eventually(words, |status| status["problems"].as_array().unwrap().iter().any(is));
    };
    told("no handshake (");
    assert!(snapshot(&Visitor::plain(address).token(&place.ci)).is_err(), "no TLS");
    told("no TLS, perhaps http://");
    assert!(edge(Authority::new().identity(EDGE, "workload")).is_err(), "another authority");
    assert!(edge(Identity::pretended(EDGE)).is_err(), "no authority");
    assert!(edge(place.authority.expired(EDGE, "workload")).is_err(), "expired");
    // The client does not take just any server either.
    assert!(snapshot(&Visitor::trusting(address, &Authority::new()).token(&place.ci)).is_err());
    told("that the client does not take the certificate that is shown (received fatal alert: ");
    let metrics = visitor.token(&place.ci).get("/metrics").text();
    let counted =
        metrics.lines().find_map(|line| line.strip_prefix("graylane_control_refusals_total{reason=\"handshake\"} "));
    assert!(counted.unwrap().parse::<u32>().unwrap() >= 5, "{metrics}");
}

#[test]
fn what_does_not_guard_an_address_that_others_reach_is_refused() {
    let place = Place::new("access-address");
    let all = &OPTIONS[2..];
    let refused = |options: &[&str]| {
        let (code, _, said) =
            place.scratch.run(&[&["serve", "--rules", "rules", "--listen", "0.0.0.0:0"], options].concat(), "");
        assert_eq!(code, 2, "{said}");
        said
    };
    let found = "error: --listen: found 0.0.0.0:0, which other machines reach, without";
    assert!(
        refused(&[]).starts_with(&format!("{found} --tls-cert, --tls-key and --callers, expected these, a loopback"))
    );
    assert!(refused(&all[..4]).starts_with(&format!("{found} --callers, expected")));
    assert!(refused(&all[6..]).starts_with(&format!("{found} --tls-cert and --tls-key, expected")));
    let serving = Serving::with(&place.scratch, &[&["--listen", "0.0.0.0:0"], all].concat());
    drop(serving);
}

#[test]
fn files_that_cannot_be_used_do_not_begin_to_serve() {
    let place = Place::new("access-files");
    let refused = |said: &str| {
        let (code, stdout, stderr) = place.scratch.run(&[&["serve", "--rules", "rules"], &OPTIONS[..]].concat(), "");
        assert!(code == 2 && stdout.is_empty() && stderr.contains(said), "{said}: {stderr}");
    };
    fs::set_permissions(place.scratch.path("server-key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    refused("error: --tls-key: server-key.pem: found the mode 0644, open to everybody on this machine, expected 0600");
    place.scratch.write("server.pem", "x");
    refused(
        "server.pem: found no certificate, expected at least one in PEM\n--tls-key: server-key.pem: found the mode",
    );
    place.certify(&Authority::new().identity("spiffe://a/b", "localhost"));
    let other = place.authority.identity("spiffe://a/b", "localhost");
    place.scratch.write("server-key.pem", other.key);
    refused("error: --tls-key: server-key.pem: found no key of the certificate (");
    place.certify(&place.authority.expired("spiffe://a/b", "localhost"));
    refused(
        "error: --tls-cert: server.pem: found a certificate that expired at 2001-01-01T00:00:00Z, expected one that",
    );
    place.certify(&place.authority.identity("spiffe://a/b", "localhost"));
    place.certify(&place.authority.identity("spiffe://a/b", "localhost"));
    place.scratch.write("ca.pem", "");
    refused("error: --client-ca: ca.pem: found no certificate, expected at least one in PEM");
    place.write_callers(&["{name: a, role: boss, certificate: b}".to_owned()]);
    refused(
        "error: --callers: callers.yaml:5:23 callers spec.callers[0].role: found \"boss\", expected fetcher, reader,",
    );
    fs::set_permissions(place.scratch.path("callers.yaml"), fs::Permissions::from_mode(0o666)).unwrap();
    refused("callers.yaml callers: found the mode 0666, open to changes by others, expected");
    let usage = place.scratch.run(&["serve", "--rules", "rules", "--tls-cert", "server.pem"], "").2;
    assert!(usage.contains("--tls-key <FILE>"), "{usage}");
}

#[test]
fn rotation_drops_no_poll_and_a_bad_file_changes_nothing() {
    let place = Place::new("access-rotation");
    let (serving, visitor) = place.serve();
    let ci = visitor.token(&place.ci);
    let edge = visitor.identity(place.authority.identity(EDGE, "workload"));
    let revision = ci.status()["revision"].as_str().unwrap().to_owned();
    let poll = {
        let (edge, revision) = (edge.clone(), revision.clone());
        std::thread::spawn(move || edge.get(&format!("~/snapshot?after={revision}&wait=60s")))
    };
    ci.eventually("a waiting poll", |status| status["waiting"] == 1);

    // A new authority and certificate, a second token of ci: all is read again, and the poll waits on.
    let next = Authority::new();
    place.scratch.write("ca.pem", format!("{}{}", place.authority.pem(), next.pem()));
    place.certify(&next.identity("spiffe://cluster.local/ns/graylane/sa/control", "localhost"));
    let (second, entry) = new_token(&place.scratch, "ci", "publisher");
    place.write_callers(&[&place.entries[..], &[entry]].concat());
    serving.signal("-HUP");
    let renewed = Visitor::trusting(&serving.address, &next);
    let start = std::time::Instant::now();
    while renewed.token(&second).ask("GET", "~/status", "").map(|reply| reply.status) != Ok(200) {
        assert!(start.elapsed().as_secs() < 20, "not read again");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = renewed.token(&place.ci).status();
    assert_eq!((&status["waiting"], errors(&status)), (&json!(1), Vec::new()));
    assert!(visitor.ask("GET", "/healthz", "").is_err(), "the old certificate is in use no more");
    let of_new = renewed.identity(next.identity(EDGE, "workload"));
    assert_eq!(of_new.get("~/snapshot").status, 200);

    // Files that cannot be used are problems, and nothing else.
    place.scratch.write("server-key.pem", "x");
    place.write_callers(&["{name: a, role: reader}".to_owned()]);
    serving.signal("-HUP");
    let ci = renewed.token(&second);
    let status = ci.eventually("problems", |status| errors(status).len() == 2);
    assert_eq!((&errors(&status)[0]["file"], &errors(&status)[0]["code"]), (&json!("server-key.pem"), &json!("tls")));
    assert_eq!((&errors(&status)[1]["file"], &errors(&status)[1]["line"]), (&json!("callers.yaml"), &json!(5)));
    assert_eq!(status["waiting"], 1);

    // What waited all the while is answered.
    place.scratch.rename_into_place("rules/shop.yaml", common::rule_set("shop", "canary"));
    assert_eq!(poll.join().unwrap().status, 200);
    place.certify(&next.identity("spiffe://cluster.local/ns/graylane/sa/control", "localhost"));
    place.write_callers(&place.entries[..1]);
    serving.signal("-HUP");
    let ci = renewed.token(&place.ci);
    ci.eventually("no problems", |status| errors(status).is_empty());
    assert_eq!((renewed.token(&second).get("~/status").status, of_new.get("~/snapshot").status), (401, 401));
}

#[test]
fn the_end_of_the_certificate_is_told_and_an_expired_one_is_not_taken() {
    let place = Place::new("access-expiry");
    let control = "spiffe://cluster.local/ns/graylane/sa/control";
    let end = jiff::Timestamp::now() + std::time::Duration::from_secs(10 * 86_400);
    let day = jiff::tz::TimeZone::UTC.to_datetime(end).date();
    let date = (day.year().into(), day.month().try_into().unwrap(), day.day().try_into().unwrap());
    place.certify(&place.authority.until(control, "localhost", date));
    let (serving, visitor) = place.serve();
    let ci = visitor.token(&place.ci);
    let warning = ci.status()["problems"][0].clone();
    assert_eq!((&warning["code"], &warning["file"]), (&json!("certificate-expires"), &json!("server.pem")));
    let found = format!("a certificate that expires at {day}T00:00:00Z");
    assert_eq!((&warning["severity"], &warning["found"]), (&json!("warning"), &json!(found)));
    let told = || {
        let metrics = ci.get("/metrics").text();
        let name = "graylane_control_certificate_expiry_timestamp_seconds ";
        metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().parse::<i64>().unwrap()
    };
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    assert_eq!(told(), jiff::tz::TimeZone::UTC.to_timestamp(midnight).unwrap().as_second());

    place.certify(&place.authority.expired(control, "localhost"));
    serving.signal("-HUP");
    let status = ci.eventually("refused", |status| errors(status).len() == 1);
    let refused = &errors(&status)[0];
    assert_eq!((&refused["code"], &refused["file"]), (&json!("tls"), &json!("server.pem")));
    assert_eq!(refused["found"], "a certificate that expired at 2001-01-01T00:00:00Z");
    assert!(status["problems"].as_array().unwrap().contains(&warning), "what was in use stays: {status}");

    place.certify(&place.authority.identity(control, "localhost"));
    serving.signal("-HUP");
    ci.eventually("no problems", |status| status["problems"] == json!([]));
    assert!(told() > 10_000_000_000, "the default of certificates here");
}

#[test]
fn a_handshake_goes_by_the_authorities_of_when_it_begins() {
    let place = Place::new("access-late");
    let (serving, visitor) = place.serve();
    let edge = visitor.identity(place.authority.identity(EDGE, "workload"));
    let early = TcpStream::connect(&serving.address).unwrap();
    assert_eq!(edge.get("~/snapshot").status, 200, "and what came before was accepted");
    let next = Authority::new();
    place.scratch.write("ca.pem", next.pem());
    serving.signal("-HUP");
    let renewed = visitor.identity(next.identity(EDGE, "workload"));
    let start = std::time::Instant::now();
    while renewed.ask("GET", "~/snapshot", "").map(|reply| reply.status) != Ok(200) {
        assert!(start.elapsed().as_secs() < 8, "not read again");
    }
    let asked = edge.open_on(early).and_then(|stream| edge.ask_on(stream, "GET", "~/snapshot", ""));
    assert!(asked.is_err(), "{asked:?}");
}

#[test]
fn a_waiting_poll_is_answered_when_serving_ends() {
    let place = Place::new("access-drain");
    let (serving, visitor) = place.serve();
    let revision = visitor.token(&place.ci).status()["revision"].as_str().unwrap().to_owned();
    let edge = visitor.identity(place.authority.identity(EDGE, "workload"));
    let poll = std::thread::spawn(move || edge.get(&format!("~/snapshot?after={revision}&wait=60s")));
    visitor.token(&place.ci).eventually("a waiting poll", |status| status["waiting"] == 1);
    // An idle connection holds nobody up.
    let idle = visitor.open().unwrap();
    let (exit, log) = serving.terminate();
    assert!(exit.success() && !log.contains("cut off"), "{log}");
    assert_eq!(poll.join().unwrap().status, 204);
    drop(idle);
}
