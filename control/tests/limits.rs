//! The limits of `graylane serve`: whoever takes too much, or too long, takes nothing from others.
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

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use common::Scratch;
use place::Place;
use serving::Serving;
use visitor::{Visitor, read};

/// The value of a metric that is told to `visitor`.
fn metric(visitor: &Visitor, name: &str) -> u64 {
    let text = visitor.get("/metrics").text();
    let value = text.lines().find_map(|line| line.strip_prefix(&format!("graylane_control_{name} ")));
    value.unwrap_or_else(|| panic!("{name}: {text}")).parse().unwrap()
}

/// Waits until a request is answered as wanted.
fn eventually(what: &str, wanted: impl Fn() -> bool) {
    let start = Instant::now();
    while !wanted() {
        assert!(start.elapsed() < Duration::from_secs(20), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn connections_that_are_too_many_are_told_so_and_take_nothing_from_the_others() {
    let scratch = Scratch::with_rules("limit-connections");
    let serving = Serving::with(&scratch, &["--listen", "127.0.0.1:0", "--max-connections", "2"]);
    let visitor = Visitor::plain(&serving.address);
    let mut kept: Vec<_> = (0..2).map(|_| visitor.open().unwrap()).collect();
    for stream in &mut kept {
        stream.write_all(visitor.request("GET", "/healthz", "").as_bytes()).unwrap();
        assert_eq!(read(stream).unwrap().status, 200);
    }
    let refused = visitor.get("/healthz");
    assert_eq!(refused.status, 503);
    assert!(refused.head.contains("\r\nretry-after: 5\r\n"), "{}", refused.head);
    assert!(refused.head.contains("\r\nconnection: close\r\n"), "{}", refused.head);
    assert_eq!(refused.json()["detail"], "found 2 connections, expected fewer");
    kept[0].write_all(visitor.request("GET", "/metrics", "").as_bytes()).unwrap();
    let metrics = read(&mut kept[0]).unwrap().text();
    assert!(metrics.contains("graylane_control_refusals_total{reason=\"connections\"} 1\n"), "{metrics}");
    kept.clear();
    eventually("a free place", || visitor.get("/healthz").status == 200);
}

#[test]
fn a_caller_that_asks_too_often_is_told_when_to_come_again() {
    let place = Place::new("limit-rate");
    // Enough for what finds out that it serves.
    let (_serving, visitor) = place.serve_with(&["--max-rate", "50"]);
    let (ci, mut refused) = (visitor.token(&place.ci), None);
    let mut stream = ci.open().unwrap();
    for _ in 0..2_000 {
        stream.write_all(ci.request("GET", "~/status", "").as_bytes()).unwrap();
        let reply = read(&mut stream).unwrap();
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("a refusal");
    assert!(refused.head.contains("\r\nretry-after: 1\r\n"), "{}", refused.head);
    assert!(refused.text().contains("found more requests than may come from one caller and address"));
    assert_eq!(visitor.get("/healthz").status, 200, "others are not held up");
    std::thread::sleep(Duration::from_millis(100));
    assert!(metric(&ci, "refusals_total{reason=\"rate\"}") >= 1);
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let scratch = Scratch::with_rules("limit-head");
    let serving = Serving::start(&scratch);
    let visitor = Visitor::plain(&serving.address);
    let long = visitor.token(&"x".repeat(17 << 10));
    assert_eq!(long.get("/healthz").status, 431);
    assert_eq!(visitor.token(&"x".repeat(15 << 10)).get("/healthz").status, 200);
}

/// Whether the other end has closed, within `limit`.
fn is_closed(stream: &mut TcpStream, limit: Duration) -> bool {
    stream.set_read_timeout(Some(limit)).unwrap();
    matches!(stream.read(&mut [0; 1024]), Ok(0)) || stream.write_all(b"x").is_err()
}

#[test]
fn the_slow_starve_nobody_and_are_left_after_ten_seconds() {
    let place = Place::new("limit-slow");
    let (serving, visitor) = place.serve();
    let ci = visitor.token(&place.ci);
    let plain = Serving::with(&place.scratch, &["--listen", "127.0.0.1:0"]);
    let connect = |address: &str| TcpStream::connect(address).unwrap();
    // Those that never shake hands, those that write a head byte by byte, and those that read no answer.
    let mut silent: Vec<_> = (0..100).map(|_| connect(&serving.address)).collect();
    let mut loris: Vec<_> = (0..100).map(|_| connect(&plain.address)).collect();
    let start = Instant::now();
    let mut deaf: Vec<_> = (0..20).map(|_| connect(&plain.address)).collect();
    let many = Visitor::plain("").request("GET", "/metrics", "").repeat(500);
    for stream in &mut deaf {
        stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        let _ = stream.write_all(many.as_bytes());
    }
    let mut slowest = Duration::ZERO;
    while start.elapsed() < Duration::from_secs(8) {
        for stream in &mut loris {
            stream.write_all(b"G").unwrap();
        }
        let asked = Instant::now();
        assert_eq!((ci.get("~/status").status, plain.get("/healthz").0), (200, 200));
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("the slowest answer beside them: {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for stream in silent.iter_mut().chain(&mut loris) {
        assert!(is_closed(stream, Duration::from_secs(10)));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(metric(&ci, "refusals_total{reason=\"slow-handshake\"}"), 100);
    assert_eq!(metric(&Visitor::plain(&plain.address), "refusals_total{reason=\"slow-head\"}"), 100);
}
