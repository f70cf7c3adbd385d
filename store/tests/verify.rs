//! `verify` finds what is wrong, and nothing where nothing is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panic")]
#![allow(clippy::arithmetic_side_effects, reason = "the same")]

mod suite;

use graylane_rules::Revision;
use graylane_store::{Digest, Head, PIECE_LIMIT, Redb, Store, Verified, compact, manifest, verify};

use suite::{NAMESPACE, following, publish};

/// A store in memory with five revisions.
async fn store() -> Redb {
    let store = Redb::on(redb::backends::InMemoryBackend::new()).unwrap();
    for content in ["a", "b", "a", "c", "d"] {
        publish(&store, content.as_bytes()).await;
    }
    store
}

fn revision(number: u64) -> Revision {
    Revision { epoch: 7, number }
}

fn faults(verified: &Verified) -> Vec<String> {
    verified.faults.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_whole_chain_is_counted() {
    let store = store().await;
    assert_eq!(verify(&store, "another").await.unwrap(), Verified::default());
    publish(&store, &vec![7; PIECE_LIMIT + 1]).await;
    let found = verify(&store, NAMESPACE).await.unwrap();
    assert_eq!(faults(&found), [""; 0]);
    assert_eq!((found.first, found.last, found.revisions), (Some(revision(1)), Some(revision(6)), 6));
    // Four contents, two pieces of the large one, and the list of no documents.
    assert_eq!((found.pieces, found.bytes), (7, 4 + PIECE_LIMIT as u64 + 1 + 2));
    compact(&store, 2).await.unwrap();
    let found = verify(&store, NAMESPACE).await.unwrap();
    assert_eq!((faults(&found).len(), found.first, found.revisions), (0, Some(revision(5)), 2));
}

#[tokio::test]
async fn what_is_gone_is_missed() {
    let store = store().await;
    store.forget(NAMESPACE, &[revision(3)]).await.unwrap();
    let of_two = manifest(&store, NAMESPACE, revision(2)).await.unwrap().unwrap();
    let stock = store.stock().await.unwrap();
    let b: Vec<_> = stock.into_iter().filter(|piece| piece.digest == of_two.snapshot.object.sha256).collect();
    assert_eq!(store.remove(&b).await.unwrap(), 1);
    let found = verify(&store, NAMESPACE).await.unwrap();
    let b = b[0].digest;
    assert_eq!(
        faults(&found),
        [
            "7.3: found no manifest, expected it: others refer to it".to_owned(),
            format!("7.2: the snapshot: found the piece none, expected {b}"),
        ]
    );
    assert_eq!(found.revisions, 4);
}

#[tokio::test]
async fn what_is_another_is_found() {
    let store = store().await;
    let on = store.ground(NAMESPACE).await.unwrap();
    let (next, cut) = following(&on, NAMESPACE, b"e");
    store.put(&cut).await.unwrap();
    let bytes = next.bytes().unwrap();
    let wrong = Head { revision: next.revision, manifest: Digest::of(b"another") };
    store.advance(NAMESPACE, &on, &wrong, &bytes).await.unwrap();
    let found = verify(&store, NAMESPACE).await.unwrap();
    let (is, other) = (Digest::of(&bytes), Digest::of(b"another"));
    assert_eq!(faults(&found), [format!("7.6: found the manifest {is}, expected {other}")]);
    let on = store.ground(NAMESPACE).await.unwrap();
    let head = Head { revision: revision(7), manifest: Digest::of(b"{}") };
    store.advance(NAMESPACE, &on, &head, b"{}").await.unwrap();
    let found = verify(&store, NAMESPACE).await.unwrap();
    assert!(faults(&found)[0].starts_with("7.7: found no manifest (missing field"), "{:?}", found.faults);
    assert_eq!((found.faults.len(), found.revisions), (1, 7), "what it follows is not known, so it is not compared");
}
