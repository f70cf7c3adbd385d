//! A store in etcd does what one in a file does: the same suite, over one member, over three, with TLS and with users.

mod etcd;
#[path = "../../store/tests/suite/mod.rs"]
mod suite;

use std::{fs::write, time::Instant};

use etcd::{open, runtime, tls, try_open};
use graylane_integration::Etcd;
use graylane_integration::certificates::Authority;
use graylane_store::{Advance, Digest, Head, Notice, StoreError};

/// Runs the suite, each test under keys of its own.
fn run_suite(url: impl Fn(&str) -> String) {
    let runtime = runtime();
    macro_rules! one_by_one {
        ($($test:ident),*) => {
            $(
                let begin = Instant::now();
                runtime.block_on(async { suite::$test(open(&url(stringify!($test))).await).await });
                println!("{} {:?}", stringify!($test), begin.elapsed());
            )*
        };
    }
    suite::every_test!(one_by_one);
}

/// Why the store at `url` is refused.
fn refusal(url: &str) -> String {
    match runtime().block_on(try_open(url)) {
        Err(StoreError::Refused { why, .. }) => why,
        other => panic!("found {other:?}, expected a refusal"),
    }
}

#[test]
fn in_one_member() {
    let etcd = Etcd::start(1);
    run_suite(|name| format!("{}/{name}", etcd.url()));
}

#[test]
fn in_three_members() {
    let etcd = Etcd::start(3);
    run_suite(|name| format!("{}/{name}", etcd.url()));
}

#[test]
fn over_tls_with_certificates_of_clients() {
    let directory = tempfile::tempdir().unwrap();
    let (members, options) = tls(directory.path());
    let etcd = Etcd::with_tls(1, &members);
    run_suite(|name| format!("{}/{name}{options}", etcd.url()));
    // Somebody else's authority; and none of ours to show.
    let other = Authority::new();
    write(directory.path().join("other.pem"), other.pem()).unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let said = refusal(&format!("{}?ca={}", etcd.url(), file("other.pem")));
    assert!(said.contains("invalid peer certificate"), "{said}");
    let said = refusal(&format!("{}?ca={}", etcd.url(), file("ca.pem")));
    assert!(said.contains("cert=FILE and key=FILE that etcd believes"), "{said}");
    let said = refusal(&format!("{}?ca={}", etcd.url(), file("member-key.pem")));
    assert!(said.contains("member-key.pem: found no certificate, expected one in PEM"), "{said}");
    let said = refusal(&format!("{}?ca={}", etcd.url(), file("none.pem")));
    assert!(said.contains("none.pem: found"), "{said}");
}

#[test]
fn as_a_user_who_may_touch_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let password = |name: &str, text: &str| {
        let file = directory.path().join(name);
        write(&file, text).unwrap();
        file.display().to_string()
    };
    let etcd = Etcd::start(3);
    etcd.admit("graylane", "correct horse", "/gray/");
    let right = password("right", "correct horse\n");
    run_suite(|name| format!("{}/gray/{name}?user=graylane&password-file={right}", etcd.url()));
    let url = |rest: &str| format!("{}{rest}", etcd.url());
    let wrong = password("wrong", "battery staple");
    let said = refusal(&url(&format!("/gray/x?user=graylane&password-file={wrong}")));
    assert!(said.contains("invalid user ID or password, expected the password of the user"), "{said}");
    assert!(!said.contains("battery"), "{said}");
    let said = refusal(&url("/gray/x"));
    assert!(said.contains("expected user=NAME and a password in the URL"), "{said}");
    let said = refusal(&url(&format!("/elsewhere?user=graylane&password-file={right}")));
    assert!(said.contains("permission denied, expected a role with readwrite"), "{said}");
    let said = refusal(&url("/gray/x?user=graylane&password-file=/nowhere/to/be/found"));
    assert!(said.contains("/nowhere/to/be/found: found"), "{said}");
    let said = refusal(&url("/gray/x?user=graylane&password-env=NOWHERE_TO_BE_FOUND"));
    assert!(said.contains("the variable NOWHERE_TO_BE_FOUND: found"), "{said}");
    tokens_are_renewed(etcd, &right);
}

/// Members forget their tokens when they are started again.
fn tokens_are_renewed(mut etcd: Etcd, password: &str) {
    let url = format!("{}/gray/x?user=graylane&password-file={password}", etcd.url());
    let runtime = runtime();
    let store = runtime.block_on(open(&url));
    runtime.block_on(suite::publish(&*store, b"before"));
    for member in 0..etcd.count() {
        etcd.kill(member);
        etcd.start_again(member);
    }
    runtime.block_on(suite::publish(&*store, b"after"));
    runtime.block_on(async {
        let board = store.board().unwrap();
        let mut notices = board.follow("x").await.unwrap();
        board.post("x", vec![("key".to_owned(), Some(b"note".to_vec()))]).await.unwrap();
        assert_eq!(notices.recv().await, Some(Notice::Complete));
        assert!(matches!(notices.recv().await, Some(Notice::Posted { .. })));
    });
}

#[test]
#[ignore = "it prints figures"]
fn what_an_advance_costs() {
    for members in [1, 3] {
        let etcd = Etcd::start(members);
        runtime().block_on(async {
            let store = open(&etcd.url()).await;
            let mut times = Vec::new();
            for content in 0..1_000_u32 {
                let on = store.ground(suite::NAMESPACE).await.unwrap();
                let (manifest, cut) = suite::following(&on, suite::NAMESPACE, &content.to_be_bytes());
                let begin = Instant::now();
                store.put(&cut).await.unwrap();
                let put = begin.elapsed();
                let bytes = manifest.bytes().unwrap();
                let head = Head { revision: manifest.revision, manifest: Digest::of(&bytes) };
                let begin = Instant::now();
                assert_eq!(store.advance(suite::NAMESPACE, &on, &head, &bytes).await.unwrap(), Advance::Done);
                times.push((begin.elapsed(), put));
            }
            let at = |place: usize, times: &[std::time::Duration]| {
                let mut times = times.to_vec();
                times.sort();
                times[place]
            };
            let (advances, puts): (Vec<_>, Vec<_>) = times.into_iter().unzip();
            for (what, times) in [("advance", &advances), ("put of two pieces", &puts)] {
                println!("{members} members, {what}: p50 {:?}, p99 {:?}", at(500, times), at(990, times));
            }
        });
    }
}
