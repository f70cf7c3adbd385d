//! The control plane gone, back, or lying: what was good serves on, and the next good thing is taken.

use std::time::{Duration, Instant};

use graylane_integration::{
    FakeControl, Mesh, Running,
    fake_control::{Reply, sealed},
    load::Load,
    samples,
};
use graylane_rules::{Revision, envelope};

#[test]
fn killed_and_started_again_under_load_costs_no_request() {
    let mut mesh = Mesh::new("control-killed").rules(&samples::numbered(1)).workers(2).start();
    let load = Load::of(500).over(32).header("x-user-id", "42").start(mesh.envoy().address());
    load.await_more(200);
    mesh.control().kill();
    mesh.write(&[samples::numbered(2)]);
    // Long enough that the fetcher has failed a few times.
    load.await_more(1000);
    mesh.control().start_again();
    mesh.await_everyone();
    load.await_more(200);
    let report = load.stop();

    report.assert_none_failed(1400);
    let numbers: Vec<_> = report.answers().filter_map(|(_, outcome)| outcome.flags.clone()).collect();
    assert_eq!((numbers[0].as_str(), numbers[numbers.len() - 1].as_str()), ("n=1", "n=2"));
}

#[test]
fn a_broken_document_keeps_the_last_good_rules() {
    let mut mesh = Mesh::new("control-broken").rules(&samples::numbered(1)).start();
    let name = mesh.control().rules().directory().join("00.yaml");
    std::fs::write(&name, "kind: RuleSet\nspec: [").unwrap();
    graylane_integration::eventually("control to find the problem", || {
        let status = mesh.control().status()?;
        if status.problems.is_empty() { Err(format!("found {status:?}")) } else { Ok(()) }
    });
    assert_eq!(flags(&mesh), "n=1");
    mesh.publish(&[samples::numbered(2)]);
    assert_eq!(flags(&mesh), "n=2");
}

const GOOD: Revision = Revision { epoch: 100, number: 5 };
/// What every bad answer claims to be.
const BAD: Revision = Revision { epoch: 100, number: 6 };
const NEXT: Revision = Revision { epoch: 100, number: 7 };

fn rules(n: u32) -> [String; 1] {
    [samples::numbered(n)]
}

fn flags<C>(mesh: &Running<C>) -> String {
    mesh.flags().unwrap_or_default()
}

/// Serves rules 1, then `bad` for a while, which would bring rules 2 if anything of it were used, then rules 3.
fn survives(what: &str, bad: Reply) {
    let fake = FakeControl::start(Reply::good(GOOD, &rules(1)));
    let mut mesh = Mesh::new("control-fake").start_with(fake);
    let vms = mesh.vms();
    mesh.control().await_everyone(GOOD, vms);
    let silent = matches!(bad, Reply::Silence);
    mesh.control().reply(bad);
    if !silent {
        mesh.control().await_asked(2);
    }
    stays(&mesh, "n=1", what);

    mesh.control().reply(Reply::good(NEXT, &rules(3)));
    mesh.control().await_everyone(NEXT, vms);
    assert_eq!(flags(&mesh), "n=3", "after {what}");
}

/// Watches for longer than any tick of fetcher and workers that every answer is by the rules that set `expected`.
fn stays<C>(mesh: &Running<C>, expected: &str, what: &str) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(350) {
        assert_eq!(flags(mesh), expected, "during {what}");
    }
}

#[test]
#[should_panic(expected = "during good rules")]
fn this_very_check_notices_rules_that_are_used() {
    survives("good rules", Reply::envelope(sealed("default", BAD, &rules(2))));
}

#[test]
fn error_pages_are_no_rules() {
    let page = |status, media_type, body: &[u8]| Reply::Always { status, media_type, body: body.to_vec() };
    survives("503", page(503, "text/plain", b"upstream connect error"));
    survives("an error with rules in it", page(500, envelope::MEDIA_TYPE, &sealed("default", BAD, &rules(2))));
    survives("a page of HTML", page(200, "text/html", b"<html>hello</html>"));
    survives("rules as another media type", page(200, "application/json", &sealed("default", BAD, &rules(2))));
}

#[test]
fn damaged_answers_are_no_rules() {
    let whole = sealed("default", BAD, &rules(2));
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    survives("garbage", Reply::envelope(b"\xff\x00\xfe".repeat(500)));
    survives("nothing", Reply::envelope(Vec::new()));
    survives("half of it", Reply::envelope(whole[..whole.len() / 2].to_vec()));
    survives("a flipped bit", Reply::envelope(flipped));
    survives("a torn connection", Reply::Torn(whole));
}

#[test]
fn oversized_answers_are_no_rules() {
    let mut large = sealed("default", BAD, &rules(2));
    large.resize(envelope::LIMIT + 1, b' ');
    survives("one byte too many", Reply::envelope(large.clone()));
    large.resize(8 << 20, b' ');
    survives("8 MiB", Reply::envelope(large));
}

#[test]
fn what_is_meant_for_others_or_is_older_is_not_used() {
    let older = Revision { epoch: 100, number: 4 };
    let earlier = Revision { epoch: 99, number: 900 };
    survives("another namespace", Reply::envelope(sealed("other", BAD, &rules(2))));
    survives("an older number", Reply::envelope(sealed("default", older, &rules(2))));
    survives("an earlier epoch", Reply::envelope(sealed("default", earlier, &rules(2))));
    survives("other rules under the same number", Reply::envelope(sealed("default", GOOD, &rules(2))));
}

#[test]
fn a_sound_envelope_with_an_unusable_snapshot_is_refused_by_the_workers() {
    let garbage = b"no snapshot at all".to_vec();
    let format = graylane_rules::SNAPSHOT_FORMAT;
    survives("garbage, well packed", Reply::envelope(envelope::seal("default", BAD, format, &garbage)));
}

#[test]
fn a_request_that_is_never_answered_is_given_up() {
    // The fetcher waits 25 s, and 5 s more for the answer to come; then it asks again.
    survives("silence", Reply::Silence);
}
