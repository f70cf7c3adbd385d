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
    poll.sent(ms(now), question.clone(), "one", Ok(1)).unwrap();
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

/// A control plane that publishes at `changes` (ms), and a fetcher that ticks every `tick` ms, for ten seconds: when it asked,
/// and for each change, how long it took to be fetched. An answer takes 1 ms.
fn ten_seconds(tick: u64, changes: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let (mut poll, body) = (Poll::new(1, 1), sealed("shop", 2, 1));
    let config = config(&format!(r#"{{"namespace": "shop", "tick": "{tick}ms"}}"#));
    let (mut asked, mut took, mut changes) = (Vec::new(), Vec::new(), changes.iter().peekable());
    let mut under_way = false;
    for now in 0..10_000 {
        // An answer brings all that was published before it left.
        let ready = changes.peek().is_some_and(|&&change| change < now) && asked.last().is_some_and(|&at| at < now);
        let answered = under_way && ready;
        if answered {
            took.extend(std::iter::from_fn(|| changes.next_if(|&&change| change < now)).map(|change| now - change));
            let news = poll.answered(ms(now), 0, &config, 1, answer("200", &body));
            assert!(news.is_some_and(|news| news.is_ok()));
            under_way = false;
        }
        if (answered || now % tick == 0)
            && let Some(question) = asks(&mut poll, now, &config)
        {
            poll.sent(ms(now), question, "one", Ok(1)).unwrap();
            asked.push(now);
            under_way = true;
        }
    }
    (asked, took)
}

#[test]
fn changes_one_soon_after_the_other_are_all_fetched_at_once() {
    let every = |millis: u64| (0..9_900 / millis).map(move |number| 7 + number * millis);
    // Two a few milliseconds apart, ten times a second, and eight once a second.
    let pairs = every(100).flat_map(|begin| [begin, begin + 5]);
    let bursts = every(1000).flat_map(|begin| (0..8).map(move |number| begin + 4 * number));
    let cases: [(&str, Vec<u64>); 4] = [
        ("every 30 ms", every(30).collect()),
        ("twenty a second", every(50).collect()),
        ("pairs", pairs.collect()),
        ("bursts", bursts.collect()),
    ];
    for (name, changes) in cases {
        for tick in [50, 100, 1000] {
            let (_, took) = ten_seconds(tick, &changes);
            assert_eq!(took.len(), changes.len(), "{name}, a tick of {tick} ms");
            assert!(took.iter().all(|&took| took <= 2), "{name}, a tick of {tick} ms: {took:?}");
        }
    }
}

#[test]
fn a_control_plane_gone_wild_is_asked_twenty_times_a_second_at_most() {
    let endless: Vec<u64> = (0..10_000).collect();
    for (tick, most) in [(10, 209), (50, 209), (100, 209), (1000, 90)] {
        let (asked, _) = ten_seconds(tick, &endless);
        assert!(asked.len() <= most && asked.len() > most / 2, "a tick of {tick} ms: {} questions", asked.len());
    }
    // After the first burst it is one question in a tick of 50 ms, on the average.
    let (asked, _) = ten_seconds(50, &endless);
    let second = |second: u64| asked.iter().filter(|&&at| at / 1000 == second).count();
    assert_eq!((1..10).map(second).collect::<Vec<_>>(), [20; 9]);
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
    for (status, said) in [
        (Status::BadArgument, "the control plane's cluster \"one\" is not known (yet)"),
        (Status::InternalFailure, "the control plane's cluster \"one\" has no endpoint (yet)"),
        (Status::Other(12), "the host refused the call: Other(12)"),
    ] {
        let mut poll = Poll::new(1, 1);
        let question = asks(&mut poll, 0, &shop()).unwrap();
        assert_eq!(poll.sent(ms(0), question, "one", Err(status)).unwrap_err(), said);
        assert!(asks(&mut poll, 49, &shop()).is_none() && asks(&mut poll, 100, &shop()).is_some());
    }
}

#[test]
fn a_question_for_other_formats_is_asked_anew_and_the_one_about_an_older_format_comes_once() {
    let mut poll = asked();
    assert_eq!(asks(&mut poll, 1, &shop()), None, "it asks for these");
    let question = poll.question(ms(1), &shop(), vec![1]).expect("it asks for others");
    assert_eq!(question.path, "/v1/namespaces/shop/snapshot?formats=1&wait=25s");
    poll.restart();
    poll.also_in(1);
    let question = ask(&mut poll, 1, &shop());
    assert_eq!((question.path.as_str(), question.timeout), ("/v1/namespaces/shop/snapshot?formats=1&wait=0s", GRACE));
    assert_eq!(asks(&mut poll, 1, &shop()), None, "that one is answered first");
    let body = sealed("shop", 4, 1);
    let news = answers(&mut poll, 2, answer("200", &body)).unwrap().unwrap();
    assert!(matches!(news, News::Also(head, b"snapshot") if head.revision().number == 4), "it needs not be newer");
    let question = ask(&mut poll, 2, &shop());
    assert_eq!(question.path, "/v1/namespaces/shop/snapshot?formats=1,2&wait=25s");

    // Not there, or refused: what is asked otherwise goes on.
    for (at, status) in [(10_000, "204"), (20_000, "406"), (30_000, "503")] {
        poll.restart();
        poll.also_in(1);
        ask(&mut poll, at, &shop());
        let judged = answers(&mut poll, at, answer(status, b"")).unwrap();
        assert_eq!(judged.is_ok(), status != "503", "{judged:?}");
        let question = ask(&mut poll, at + 5_000, &shop());
        assert!(question.path.contains("formats=1,2&"), "{question:?}");
    }
}
