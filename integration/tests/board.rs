//! Replicas tell each other by a board in etcd: at once, and for as long as they live.

mod etcd;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use etcd::{open, runtime};
use graylane_integration::Etcd;
use graylane_store::{Board, NOTE_LIMIT, Notice, StoreError};
use serde_json::json;
use tokio::{sync::mpsc::Receiver, time::timeout};

const NAMESPACE: &str = "default";
const PATIENCE: Duration = Duration::from_secs(40);

/// What a follower was told, as it is now.
struct Followed {
    notices: Receiver<Notice>,
    notes: BTreeMap<(String, String), Vec<u8>>,
}

impl Followed {
    async fn new(board: &dyn Board) -> Self {
        let mut followed = Self { notices: board.follow(NAMESPACE).await.unwrap(), notes: BTreeMap::new() };
        while followed.next().await != Notice::Complete {}
        followed
    }

    async fn next(&mut self) -> Notice {
        let notice = timeout(PATIENCE, self.notices.recv()).await.expect("a notice in time").expect("a board");
        match notice.clone() {
            Notice::Posted { poster, key, note } => drop(self.notes.insert((poster, key), note)),
            Notice::Gone { poster, key } => drop(self.notes.remove(&(poster, key)).expect("it was there")),
            Notice::Complete => {}
        }
        notice
    }

    async fn until(&mut self, so: impl Fn(&BTreeMap<(String, String), Vec<u8>>) -> bool) {
        while !so(&self.notes) {
            self.next().await;
        }
    }
}

fn note(key: &str, text: &str) -> (String, Option<Vec<u8>>) {
    (key.to_owned(), Some(text.as_bytes().to_vec()))
}

fn has(notes: &BTreeMap<(String, String), Vec<u8>>, poster: &str, key: &str, text: &str) -> bool {
    notes.get(&(poster.to_owned(), key.to_owned())).is_some_and(|found| found == text.as_bytes())
}

#[test]
fn notes_are_seen_by_others_at_once_and_go_when_they_are_withdrawn() {
    let etcd = Etcd::start(1);
    runtime().block_on(async {
        let (one, other) = (open(&etcd.url()).await, open(&etcd.url()).await);
        let (one, other) = (one.board().unwrap(), other.board().unwrap());
        assert_ne!(one.poster(), other.poster());
        one.post(NAMESPACE, vec![note("before/it", "1")]).await.unwrap();
        one.post("another", vec![note("elsewhere", "1")]).await.unwrap();
        let mut followed = Followed::new(&*other).await;
        assert!(has(&followed.notes, one.poster(), "before/it", "1") && followed.notes.len() == 1);
        let mut times = Vec::new();
        for text in 0..200 {
            let text = text.to_string();
            let begin = Instant::now();
            one.post(NAMESPACE, vec![note("ack", &text)]).await.unwrap();
            followed.until(|notes| has(notes, one.poster(), "ack", &text)).await;
            times.push(begin.elapsed());
        }
        times.sort();
        println!("from a post to another's notice: p50 {:?}, p99 {:?}", times[100], times[198]);
        one.post(NAMESPACE, vec![("before/it".to_owned(), None), ("never".to_owned(), None)]).await.unwrap();
        followed.until(|notes| notes.len() == 1).await;
        // More than goes into one transaction, or into one answer.
        let many: Vec<_> = (0..250).map(|name| note(&name.to_string(), "many")).collect();
        other.post(NAMESPACE, many).await.unwrap();
        let large: Vec<_> = (0..12).map(|name| (format!("large {name}"), Some(vec![7; NOTE_LIMIT]))).collect();
        other.post(NAMESPACE, large).await.unwrap();
        followed.until(|notes| notes.len() == 263).await;
        assert_eq!(Followed::new(&*one).await.notes, followed.notes);
        let refused = one.post(NAMESPACE, vec![("x".to_owned(), Some(vec![0; NOTE_LIMIT + 1]))]).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Refused { why, .. } if why.contains("524289 bytes")), "{refused}");
    });
}

#[test]
fn notes_go_with_their_poster() {
    let etcd = Etcd::start(1);
    runtime().block_on(async {
        let watching = open(&etcd.url()).await.board().unwrap();
        let mut followed = Followed::new(&*watching).await;
        // A runtime of its own, which ends as a process does: nobody says goodbye.
        let dying = runtime();
        let url = etcd.url();
        let killed = dying.spawn(async move {
            let board = open(&url).await.board().unwrap();
            board.post(NAMESPACE, vec![note("a", "1"), note("b", "2")]).await.unwrap();
            std::mem::forget(board.clone());
            board.poster().to_owned()
        });
        let killed = killed.await.unwrap();
        followed.until(|notes| notes.len() == 2).await;
        dying.shutdown_background();
        let begin = Instant::now();
        followed.until(BTreeMap::is_empty).await;
        println!("{killed} was gone after {:?}", begin.elapsed());
        assert!(begin.elapsed() > Duration::from_secs(4), "a note outlives a short pause");
        // One who leaves in order takes his notes with him.
        let leaving = open(&etcd.url()).await.board().unwrap();
        leaving.post(NAMESPACE, vec![note("c", "3")]).await.unwrap();
        followed.until(|notes| notes.len() == 1).await;
        drop(leaving);
        let begin = Instant::now();
        followed.until(BTreeMap::is_empty).await;
        assert!(begin.elapsed() < Duration::from_secs(3), "found {:?}", begin.elapsed());
    });
}

#[test]
fn notes_return_after_their_lease_is_lost() {
    let etcd = Etcd::start(1);
    runtime().block_on(async {
        let (one, other) = (open(&etcd.url()).await.board().unwrap(), open(&etcd.url()).await.board().unwrap());
        let mut followed = Followed::new(&*other).await;
        one.post(NAMESPACE, vec![note("a", "1"), note("b", "2")]).await.unwrap();
        followed.until(|notes| notes.len() == 2).await;
        // Noticed by the next sign of life.
        revoke_all(&etcd);
        followed.until(BTreeMap::is_empty).await;
        followed.until(|notes| has(notes, one.poster(), "a", "1") && notes.len() == 2).await;
        // Noticed by the next post.
        revoke_all(&etcd);
        one.post(NAMESPACE, vec![note("c", "3"), ("b".to_owned(), None)]).await.unwrap();
        followed.until(|notes| has(notes, one.poster(), "c", "3") && has(notes, one.poster(), "a", "1")).await;
        followed.until(|notes| notes.len() == 2).await;
    });
}

fn revoke_all(etcd: &Etcd) {
    let leases = etcd.ask(0, "lease/leases", &json!({}));
    for lease in leases["leases"].as_array().expect("a lease") {
        etcd.ask(0, "lease/revoke", &json!({"ID": lease["ID"]}));
    }
}

#[test]
fn followers_see_everything_whatever_becomes_of_a_member() {
    let mut etcd = Etcd::start(3);
    let runtime = runtime();
    let (one, other) = runtime
        .block_on(async { (open(&etcd.url()).await.board().unwrap(), open(&etcd.url()).await.board().unwrap()) });
    let mut followed = runtime.block_on(Followed::new(&*other));
    let mut say = |text: &str| {
        runtime.block_on(async {
            // What was not taken in time is posted all the same.
            let posted = one.post(NAMESPACE, vec![note("ack", text)]).await;
            assert!(posted.is_ok() || posted.is_err_and(|why| why.is_passing()));
            let begin = Instant::now();
            followed.until(|notes| has(notes, one.poster(), "ack", text)).await;
            println!("{text}: after {:?}", begin.elapsed());
        });
    };
    say("first");
    // Whoever has the stream, and whoever is asked first.
    etcd.kill(0);
    say("a member killed");
    etcd.start_again(0);
    let leader = etcd.leader();
    etcd.kill(leader);
    say("the leader killed");
    etcd.start_again(leader);
    for member in 0..3 {
        etcd.process(member).pause();
        say("a member hangs");
        etcd.process(member).resume();
        etcd.leader();
        say("a member goes on");
    }
    etcd.compact();
    say("what was before is forgotten");
    let names: Vec<_> = followed.notes.keys().map(|(_, key)| key.as_str()).collect();
    assert_eq!(names, ["ack"]);
    let key = STANDARD.encode("/graylane/v1/posters/");
    let range = json!({"key": key, "range_end": STANDARD.encode("/graylane/v1/posters0"), "keys_only": true});
    assert_eq!(etcd.ask(0, "kv/range", &range)["count"], "1", "one poster posted");
}
