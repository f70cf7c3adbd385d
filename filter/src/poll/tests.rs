use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const FORMATS: &[u16] = &[1, 2];

fn poll() -> Poll {
    Poll::new("shop", ms(25_000), ms(100), 1)
}

/// A poll whose question was sent at 0 with token 1.
fn asked() -> Poll {
    let mut poll = poll();
    assert!(poll.question(ms(0), FORMATS).is_some());
    poll.sent(ms(0), FORMATS, Ok(1)).unwrap();
    poll
}

fn answer<'a>(status: &'a str, body: &'a [u8]) -> Answer<'a> {
    Answer { status: status.as_bytes(), media_type: envelope::MEDIA_TYPE.as_bytes(), body: Ok(body) }
}

fn sealed(namespace: &str, number: u64, format: u16) -> Vec<u8> {
    envelope::seal(namespace, Revision { epoch: 1, number }, format, b"snapshot")
}

#[test]
fn the_question_names_what_is_there_and_what_can_be_read() {
    let mut poll = poll();
    let path = "/v1/namespaces/shop/snapshot?formats=1,2&wait=25s";
    assert_eq!(poll.question(ms(0), FORMATS).as_deref(), Some(path));
    poll.continue_after(Some(Revision { epoch: 3, number: 9 }));
    let path = "/v1/namespaces/shop/snapshot?after=3.9&formats=1&wait=25s";
    assert_eq!(poll.question(ms(0), &[1]).as_deref(), Some(path));
}

#[test]
fn only_one_question_is_under_way_and_foreign_tokens_are_nothing() {
    let mut poll = asked();
    assert_eq!(poll.question(ms(20_000), FORMATS), None);
    assert!(poll.answered(ms(1), 2, answer("204", b"")).is_none());
    assert_eq!(poll.answered(ms(2000), 1, answer("204", b"")), Some(Ok(News::Nothing)));
    assert!(poll.answered(ms(2000), 1, answer("204", b"")).is_none());
}

#[test]
fn a_lost_question_is_asked_again() {
    let mut poll = asked();
    assert!(poll.question(ms(35_000), FORMATS).is_none());
    assert!(poll.question(ms(35_001), FORMATS).is_some());
}

#[test]
fn nothing_new_is_asked_again_at_once_unless_it_came_too_soon() {
    let mut poll = asked();
    poll.answered(ms(1000), 1, answer("204", b""));
    assert!(poll.question(ms(1000), FORMATS).is_some());
    let mut poll = asked();
    poll.answered(ms(999), 1, answer("204", b""));
    assert!(poll.question(ms(1098), FORMATS).is_none() && poll.question(ms(1099), FORMATS).is_some());
}

#[test]
fn a_timeout_after_the_wait_is_nothing_new_and_an_earlier_one_a_failure() {
    assert_eq!(asked().answered(ms(30_000), 1, answer("504", b"upstream request timeout")), Some(Ok(News::Nothing)));
    assert!(asked().answered(ms(24_999), 1, answer("504", b"")).unwrap().is_err());
}

#[test]
fn a_newer_snapshot_is_news_and_the_next_question_follows_at_once() {
    let body = sealed("shop", 2, 1);
    let mut poll = asked();
    let Some(Ok(News::Snapshot(head, bytes))) = poll.answered(ms(20), 1, answer("200", &body)) else { panic!() };
    assert_eq!((head.revision, bytes), (2, &b"snapshot"[..]));
    assert!(poll.question(ms(20), FORMATS).is_some());
}

#[test]
fn a_storm_of_news_is_slowed_to_the_tick() {
    let body = sealed("shop", 2, 1);
    let mut poll = asked();
    assert!(poll.answered(ms(3), 1, answer("200", &body)).unwrap().is_ok());
    assert!(poll.question(ms(102), FORMATS).is_none() && poll.question(ms(103), FORMATS).is_some());
}

#[test]
fn a_media_type_may_have_parameters_and_capitals() {
    let body = sealed("shop", 2, 1);
    let answer = Answer { media_type: b"Application/vnd.Graylane.Snapshot; charset=utf-8", ..answer("200", &body) };
    assert!(asked().answered(ms(30), 1, answer).unwrap().is_ok());
}

#[test]
fn everything_else_is_refused_and_asked_again_later() {
    let (good, foreign, format) = (sealed("shop", 2, 1), sealed("other", 2, 1), sealed("shop", 2, 9));
    let html = Answer { media_type: b"text/html", ..answer("200", &good) };
    let huge = Answer { body: Err(40 << 20), ..answer("200", b"") };
    let cases = [
        ("broken off", answer("", b"")),
        ("error page", answer("503", b"upstream connect error")),
        ("redirect", answer("302", b"")),
        ("media type", html),
        ("huge", huge),
        ("empty", answer("200", b"")),
        ("garbage", answer("200", b"\xff\xfe garbage")),
        ("cut", answer("200", &good[..good.len() - 1])),
        ("namespace", answer("200", &foreign)),
        ("format", answer("200", &format)),
    ];
    for (name, answer) in cases {
        let mut poll = asked();
        assert!(poll.answered(ms(10), 1, answer).unwrap().is_err(), "{name}");
        assert!(poll.question(ms(59), FORMATS).is_none() && poll.question(ms(110), FORMATS).is_some(), "{name}");
    }
    for number in [1, 2] {
        let mut poll = asked();
        poll.continue_after(Some(Revision { epoch: 1, number: 2 }));
        let body = sealed("shop", number, 1);
        assert!(poll.answered(ms(10), 1, answer("200", &body)).unwrap().is_err(), "not newer: {number}");
    }
}

#[test]
fn a_call_the_host_does_not_take_is_tried_again_later() {
    for status in [Status::BadArgument, Status::InternalFailure, Status::Other(12)] {
        let mut poll = poll();
        assert!(poll.question(ms(0), FORMATS).is_some());
        assert!(poll.sent(ms(0), FORMATS, Err(status)).is_err());
        assert!(poll.question(ms(49), FORMATS).is_none() && poll.question(ms(100), FORMATS).is_some());
    }
}
