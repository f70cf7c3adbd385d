use super::*;
use crate::{
    history::{Bounds, Promise, check},
    load::{Failure, Outcome as Answered},
    samples,
};

fn numbered(n: u32) -> ([String; 1], Snapshot) {
    let documents = [samples::numbered(n)];
    let snapshot = Snapshot::load(crate::control::compiled(&documents).snapshot).unwrap();
    (documents, snapshot)
}

fn revision(number: u64) -> Revision {
    Revision { epoch: 1, number }
}

fn times(recorder: &Recorder) -> Vec<u128> {
    recorder.read(|history| history.published.iter().map(|published| published.at.as_millis()).collect())
}

/// So long after the recorder's beginning.
fn after(recorder: &Recorder, millis: u64) -> Instant {
    recorder.0.begin + Duration::from_millis(millis)
}

#[test]
fn what_was_written_counts_from_then_and_once() {
    let recorder = Recorder::new();
    let ((one, first), (two, second)) = (numbered(1), numbered(2));
    recorder.writes(after(&recorder, 10), &one);
    recorder.published(after(&recorder, 15), revision(1), first);
    recorder.writes(after(&recorder, 20), &two);
    recorder.published(after(&recorder, 25), revision(2), second);
    // A control plane that was started again publishes what was there: that was not written anew.
    recorder.published(after(&recorder, 90), Revision { epoch: 2, number: 1 }, numbered(2).1);
    assert_eq!(times(&recorder), [10, 20, 90]);
}

#[test]
fn the_same_rules_again_are_no_publication() {
    let recorder = Recorder::new();
    let (one, first) = numbered(1);
    recorder.writes(after(&recorder, 10), &one);
    recorder.published(after(&recorder, 15), revision(1), first);
    recorder.writes(after(&recorder, 20), &one);
    recorder.published(after(&recorder, 25), revision(1), numbered(1).1);
    recorder.published(after(&recorder, 90), revision(2), numbered(1).1);
    assert_eq!(times(&recorder), [10, 90]);
}

#[test]
fn of_what_was_written_in_between_nothing_is_left() {
    let recorder = Recorder::new();
    for (at, n) in [(10, 1), (20, 2), (30, 3)] {
        recorder.writes(after(&recorder, at), &numbered(n).0);
    }
    recorder.published(after(&recorder, 35), revision(1), numbered(2).1);
    recorder.published(after(&recorder, 40), revision(2), numbered(3).1);
    recorder.published(after(&recorder, 50), revision(3), numbered(1).1);
    assert_eq!(times(&recorder), [20, 30, 50]);
}

#[test]
fn a_word_is_kept_where_it_is_news() {
    let recorder = Recorder::new();
    let report = |revision: &str| {
        let workers =
            serde_json::json!([{"id": "a", "revision": revision}, {"id": "b", "revision": "1.1", "error": "no"}]);
        Ack::all_in(&serde_json::json!({"workers": workers}))
    };
    for (at, revision) in [(10, "1.1"), (20, "1.1"), (30, "1.2"), (40, "1.2")] {
        recorder.acked(after(&recorder, at), report(revision));
    }
    let acks = recorder.read(|history| {
        let words = history.acks.iter().map(|ack| (ack.at.as_millis(), history.names.text(ack.vm).to_owned()));
        words.collect::<Vec<_>>()
    });
    assert_eq!(acks, [(10, "a".into()), (10, "b".into()), (30, "a".into())]);
}

#[test]
fn a_request_is_found_in_the_access_log() {
    let recorder = Recorder::new();
    recorder.published(after(&recorder, 0), revision(1), numbered(1).1);
    let text = |text: &str| Some(text.to_owned());
    let answered = Answered {
        upstream: "canary".to_owned(),
        flags: text("n=1"),
        seen_variant: text("canary"),
        seen_revision: text("1.1"),
        revision: text("1.1"),
        variant: text("canary"),
        reason: text("TARGETING_MATCH"),
        id: Some(10),
    };
    let record = |stream, outcome| {
        let (due, sent, finished) = (after(&recorder, 1), after(&recorder, 2), after(&recorder, 3));
        Record { connection: 0, stream, request: 0, due, sent, finished, outcome }
    };
    let request = Request::get("/").header("x-user-id", "1");
    recorder.finished(&request, &record(0, Ok(answered)));
    recorder.finished(&request, &record(1, Err(Failure::Reset)));
    recorder.logged("[info] no line of the access log");
    recorder.logged(
        r#"{"request_id":"0000000000000000000000000000000a","status":200,"revision":"1.1","variant":"canary",
            "reason":"TARGETING_MATCH"}"#,
    );
    recorder.await_logged();
    let history = recorder.take();
    assert_eq!((history.requests.len(), history.failed()), (1, 1));
    let verdict = check(&history, &Bounds::effect_within(Duration::ZERO));
    assert_eq!(
        (verdict.counted.logged, verdict.broken(Promise::NoneFails), verdict.broken.len()),
        (1, 1, 1),
        "{verdict}"
    );
}
