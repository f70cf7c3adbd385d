use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const FORMATS: &[u16] = &[1, 2];

fn config(text: &str) -> FetcherConfig {
    FetcherConfig::read(text.as_bytes()).unwrap()
}

fn shop() -> FetcherConfig {
    config(r#"{"namespace": "shop"}"#)
}

fn two() -> FetcherConfig {
    config(r#"{"namespace": "shop", "control": [{"cluster": "one"}, {"cluster": "two"}]}"#)
}

/// Asks at `now`, where it is time to, and gives whom and what.
fn asks(poll: &mut Poll, now: u64, config: &FetcherConfig) -> Option<Question> {
    poll.question(ms(now), config, FORMATS.to_vec())
}

/// Asks at `now` with the token 1.
fn ask(poll: &mut Poll, now: u64, config: &FetcherConfig) -> Question {
    let question = asks(poll, now, config).expect("it is time to ask");
    poll.sent(ms(now), question.clone(), Ok(1)).unwrap();
    question
}

/// A poll whose question was sent at 0 with token 1.
fn asked() -> Poll {
    let mut poll = Poll::new(1, 1);
    ask(&mut poll, 0, &shop());
    poll
}

fn answers<'a>(poll: &mut Poll, now: u64, answer: Answer<'a>) -> Option<Result<News<'a>, String>> {
    poll.answered(ms(now), 0, &shop(), 1, answer)
}

fn answer<'a>(status: &'a str, body: &'a [u8]) -> Answer<'a> {
    Answer { status: status.as_bytes(), media_type: envelope::MEDIA_TYPE.as_bytes(), body: Ok(body) }
}

fn sealed(namespace: &str, number: u64, format: u16) -> Vec<u8> {
    envelope::seal(namespace, Revision { epoch: 1, number }, format, b"snapshot")
}

#[test]
fn the_question_names_what_is_there_and_what_can_be_read() {
    let mut poll = Poll::new(1, 1);
    let question = asks(&mut poll, 0, &shop()).unwrap();
    assert_eq!(question.path, "/v1/namespaces/shop/snapshot?formats=1,2&wait=25s");
    assert_eq!((question.endpoint, question.timeout), (0, ms(30_000)));
    poll.continue_after(Some(Revision { epoch: 3, number: 9 }));
    let question = poll.question(ms(0), &shop(), vec![1]).unwrap();
    assert_eq!(question.path, "/v1/namespaces/shop/snapshot?after=3.9&formats=1&wait=25s");
}

#[test]
fn only_one_question_is_under_way_and_foreign_tokens_are_nothing() {
    let mut poll = asked();
    assert_eq!(asks(&mut poll, 20_000, &shop()), None);
    assert!(poll.answered(ms(1), 0, &shop(), 2, answer("204", b"")).is_none());
    assert_eq!(answers(&mut poll, 2000, answer("204", b"")), Some(Ok(News::Nothing)));
    assert!(answers(&mut poll, 2000, answer("204", b"")).is_none());
}

#[test]
fn a_lost_question_is_asked_again_and_one_that_was_forgotten_at_once() {
    let mut poll = asked();
    assert!(asks(&mut poll, 35_000, &shop()).is_none());
    assert!(asks(&mut poll, 35_001, &shop()).is_some());
    let mut poll = asked();
    poll.restart();
    assert!(answers(&mut poll, 1, answer("204", b"")).is_none());
    assert!(asks(&mut poll, 1, &shop()).is_some());
}

#[test]
fn nothing_new_is_asked_again_at_once_unless_it_came_too_soon() {
    let mut poll = asked();
    answers(&mut poll, 1000, answer("204", b""));
    assert!(asks(&mut poll, 1000, &shop()).is_some());
    let mut poll = asked();
    answers(&mut poll, 999, answer("204", b""));
    assert!(asks(&mut poll, 1098, &shop()).is_none() && asks(&mut poll, 1099, &shop()).is_some());
}

#[test]
fn who_failed_must_answer_at_once_before_it_may_hold_a_question() {
    let mut poll = asked();
    assert!(answers(&mut poll, 30_000, answer("504", b"upstream request timeout")).unwrap().is_err());
    let question = ask(&mut poll, 30_100, &shop());
    assert!(question.path.ends_with("wait=0s") && question.timeout == ms(5000), "{question:?}");
    assert_eq!(answers(&mut poll, 30_101, answer("204", b"")), Some(Ok(News::Nothing)));
    assert!(ask(&mut poll, 30_201, &shop()).path.ends_with("wait=25s"));
}

#[test]
fn the_next_control_plane_is_asked_at_once_and_the_first_again_later() {
    let mut poll = Poll::new(2, 1);
    assert_eq!(ask(&mut poll, 0, &two()).endpoint, 0);
    assert!(answers(&mut poll, 10, answer("503", b"")).unwrap().is_err());
    let question = ask(&mut poll, 10, &two());
    assert!(question.endpoint == 1 && question.path.ends_with("wait=25s"), "{question:?}");
    answers(&mut poll, 25_010, answer("204", b""));
    let question = ask(&mut poll, 25_010, &two());
    assert!(question.endpoint == 0 && question.path.ends_with("wait=0s"), "{question:?}");
    answers(&mut poll, 25_011, answer("204", b""));
    assert_eq!(ask(&mut poll, 25_111, &two()).endpoint, 0);
}

#[test]
fn a_newer_snapshot_is_news_and_the_next_question_follows_at_once() {
    let body = sealed("shop", 2, 1);
    let mut poll = asked();
    let Some(Ok(News::Snapshot(head, bytes))) = answers(&mut poll, 20, answer("200", &body)) else { panic!() };
    assert_eq!((head.revision, bytes), (2, &b"snapshot"[..]));
    assert!(asks(&mut poll, 20, &shop()).is_some());
}

#[test]
fn a_storm_of_news_is_slowed_to_the_tick() {
    let body = sealed("shop", 2, 1);
    let mut poll = asked();
    assert!(answers(&mut poll, 3, answer("200", &body)).unwrap().is_ok());
    assert!(asks(&mut poll, 102, &shop()).is_none() && asks(&mut poll, 103, &shop()).is_some());
}

#[test]
fn a_media_type_may_have_parameters_and_capitals() {
    let body = sealed("shop", 2, 1);
    let answer = Answer { media_type: b"Application/vnd.Graylane.Snapshot; charset=utf-8", ..answer("200", &body) };
    assert!(answers(&mut asked(), 30, answer).unwrap().is_ok());
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
        assert!(answers(&mut poll, 10, answer).unwrap().is_err(), "{name}");
        assert!(asks(&mut poll, 59, &shop()).is_none() && asks(&mut poll, 110, &shop()).is_some(), "{name}");
    }
    for number in [1, 2] {
        let mut poll = asked();
        poll.continue_after(Some(Revision { epoch: 1, number: 2 }));
        let body = sealed("shop", number, 1);
        assert!(answers(&mut poll, 10, answer("200", &body)).unwrap().is_err(), "not newer: {number}");
    }
}

#[test]
fn where_keys_are_known_what_nobody_signed_is_refused() {
    // The first public key of RFC 8032, section 7.1.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let config = config(&format!(r#"{{"namespace": "shop", "keys": {{"k": "{key}"}}}}"#));
    let mut poll = Poll::new(1, 1);
    ask(&mut poll, 0, &config);
    let body = sealed("shop", 2, 1);
    let refused = poll.answered(ms(10), 0, &config, 1, answer("200", &body)).unwrap().unwrap_err();
    assert!(refused.contains("signature"), "{refused}");
}

#[test]
fn a_call_the_host_does_not_take_is_tried_again_later() {
    for status in [Status::BadArgument, Status::InternalFailure, Status::Other(12)] {
        let mut poll = Poll::new(1, 1);
        let question = asks(&mut poll, 0, &shop()).unwrap();
        assert!(poll.sent(ms(0), question, Err(status)).is_err());
        assert!(asks(&mut poll, 49, &shop()).is_none() && asks(&mut poll, 100, &shop()).is_some());
    }
}
