//! Backups, taken and restored.

use std::{
    io::Cursor,
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use graylane_rules::Revision;
use graylane_store::{
    Action, By, Compile, Compiled, Listing, Manifest, NotRestored, Redb, SnapshotEntry, compact, fetch, manifest,
    manifest_of, pieces, restore, take_backup, verify, verify_backup,
};

use super::{NAMESPACE, Shared, publish};

fn by() -> By {
    let [actor, reason, source] = ["ann", "a test", "file"].map(str::to_owned);
    By { actor, reason, source, at: "1970-01-01T00:00:00.005Z".parse().unwrap() }
}

/// Stands for what compiles: there is a document `compiled`, whatever the backup says.
struct Anew(SnapshotEntry);

impl Anew {
    fn new() -> Self {
        Self(SnapshotEntry { format: 9, object: pieces(b"compiled").0 })
    }
}

#[async_trait]
impl Compile for Anew {
    async fn compile(&self, _: &Manifest) -> Result<Compiled, NotRestored> {
        let (documents, mut all) = pieces(&serde_json::to_vec(&Listing(Vec::new())).unwrap());
        all.extend(pieces(b"compiled").1);
        let difference = serde_json::json!({"ruleSets": [], "overlay": ["a test"]});
        Ok(Compiled { documents, snapshot: self.0.clone(), pieces: all, difference })
    }
}

/// Compiles nothing.
struct Unsound;

#[async_trait]
impl Compile for Unsound {
    async fn compile(&self, _: &Manifest) -> Result<Compiled, NotRestored> {
        Err(NotRestored::Unfit("found nothing sound".to_owned()))
    }
}

/// Somebody publishes while it compiles.
struct Overtaken(Shared);

#[async_trait]
impl Compile for Overtaken {
    async fn compile(&self, manifest: &Manifest) -> Result<Compiled, NotRestored> {
        publish(&*self.0, b"somebody else").await;
        Anew::new().compile(manifest).await
    }
}

/// Old revisions and pieces are removed while it compiles, once.
struct Compacted(Shared, AtomicBool);

#[async_trait]
impl Compile for Compacted {
    async fn compile(&self, manifest: &Manifest) -> Result<Compiled, NotRestored> {
        if !self.1.swap(true, Ordering::Relaxed) {
            compact(&*self.0, 1).await.unwrap();
        }
        Anew::new().compile(manifest).await
    }
}

async fn taken(store: &Shared) -> Vec<u8> {
    let mut bytes = Vec::new();
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    take_backup(&**store, NAMESPACE, "nightly", at, &mut bytes).await.unwrap();
    bytes
}

pub async fn what_a_backup_holds_is_restored_whole(store: Shared) {
    let empty = take_backup(&*store, NAMESPACE, "x", by().at, &mut Vec::new()).await.unwrap_err().to_string();
    assert_eq!(empty, "found nothing published in default, expected revisions");
    for content in ["a", "b", "a", "c"] {
        publish(&*store, content.as_bytes()).await;
    }
    let backup = taken(&store).await;
    let contents = verify_backup(&mut backup.as_slice()).unwrap();
    assert_eq!((contents.header.label.as_str(), contents.header.revisions, contents.pieces), ("nightly", 4, 4));
    let directory = tempfile::tempdir().unwrap();
    let other: Shared = std::sync::Arc::new(Redb::open(&directory.path().join("other.redb")).await.unwrap());
    let restored = restore(&*other, NAMESPACE, &mut Cursor::new(&backup), &by(), &Anew::new()).await.unwrap();
    // The epoch is later than the one before, and than the clock.
    assert_eq!(restored.revision, Revision { epoch: 8, number: 1 });
    let head = other.ground(NAMESPACE).await.unwrap().head.unwrap();
    let kept = manifest_of(&*other, NAMESPACE, &head).await.unwrap();
    assert_eq!(fetch(&*other, &kept.snapshot.object).await.unwrap(), b"compiled", "not what the backup says");
    let (label, of) = ("nightly".to_owned(), Revision { epoch: 7, number: 4 });
    assert_eq!(kept.action, Action::Restore { label, of });
    assert_eq!(kept.previous.unwrap().revision, of);
    assert_eq!(other.revisions(NAMESPACE, None, 9).await.unwrap().len(), 5, "one can go back to what was before");
    let second = manifest(&*other, NAMESPACE, Revision { epoch: 7, number: 2 }).await.unwrap().unwrap();
    assert_eq!(fetch(&*other, &second.snapshot.object).await.unwrap(), b"b");
    let verified = verify(&*other, NAMESPACE).await.unwrap();
    assert!(verified.faults.is_empty() && verified.revisions == 5, "{verified:?}");
}

pub async fn a_backup_is_restored_on_top_of_what_is_there(store: Shared) {
    publish(&*store, b"a").await;
    let backup = taken(&store).await;
    let later = publish(&*store, b"b").await;
    let restored = restore(&*store, NAMESPACE, &mut Cursor::new(&backup), &by(), &Anew::new()).await.unwrap();
    assert_eq!(restored.revision, Revision { epoch: 8, number: 1 });
    let head = store.ground(NAMESPACE).await.unwrap().head.unwrap();
    let kept = manifest_of(&*store, NAMESPACE, &head).await.unwrap();
    assert_eq!(fetch(&*store, &kept.snapshot.object).await.unwrap(), b"compiled");
    assert_eq!(kept.previous.unwrap().revision, later.revision);
    assert!(verify(&*store, NAMESPACE).await.unwrap().faults.is_empty());
}

pub async fn a_damaged_backup_restores_nothing(store: Shared) {
    for content in ["a", "b"] {
        publish(&*store, content.as_bytes()).await;
    }
    let backup = taken(&store).await;
    let head = store.ground(NAMESPACE).await.unwrap().head;
    for place in (0..backup.len()).step_by(7) {
        let mut damaged = backup.clone();
        damaged[place] ^= 1;
        let cut = &backup[..place];
        assert!(verify_backup(&mut damaged.as_slice()).is_err(), "byte {place} of {}", backup.len());
        assert!(verify_backup(&mut &*cut).is_err(), "cut at {place} of {}", backup.len());
    }
    // Twice is not once, and what stands behind the end is no part of it.
    for more in [b"x".as_slice(), &backup] {
        assert!(verify_backup(&mut [backup.as_slice(), more].concat().as_slice()).is_err());
    }
    let mut damaged = backup.clone();
    let last = damaged.len() - 100;
    damaged[last] ^= 1;
    let refused = restore(&*store, NAMESPACE, &mut Cursor::new(&damaged), &by(), &Anew::new()).await.unwrap_err();
    assert!(matches!(refused, NotRestored::Unreadable(_)), "{refused}");
    assert_eq!(store.ground(NAMESPACE).await.unwrap().head, head);
}

pub async fn a_restore_that_is_refused_leaves_no_revision(store: Shared) {
    for content in ["a", "b"] {
        publish(&*store, content.as_bytes()).await;
    }
    let backup = taken(&store).await;
    let directory = tempfile::tempdir().unwrap();
    let other: Shared = std::sync::Arc::new(Redb::open(&directory.path().join("other.redb")).await.unwrap());
    let refused = restore(&*other, NAMESPACE, &mut Cursor::new(&backup), &by(), &Unsound).await.unwrap_err();
    assert!(matches!(refused, NotRestored::Unfit(_)), "{refused}");
    assert!(other.revisions(NAMESPACE, None, 9).await.unwrap().is_empty());
    let overtaken = Overtaken(std::sync::Arc::clone(&other));
    let refused = restore(&*other, NAMESPACE, &mut Cursor::new(&backup), &by(), &overtaken).await.unwrap_err();
    assert!(matches!(refused, NotRestored::Moved), "{refused}");
    let verified = verify(&*other, NAMESPACE).await.unwrap();
    assert!(verified.faults.is_empty() && verified.revisions == 1, "{verified:?}");
}

pub async fn a_restore_is_whole_where_pieces_are_removed_meanwhile(store: Shared) {
    for content in ["a", "b", "c"] {
        publish(&*store, content.as_bytes()).await;
    }
    let backup = taken(&store).await;
    let directory = tempfile::tempdir().unwrap();
    let other: Shared = std::sync::Arc::new(Redb::open(&directory.path().join("other.redb")).await.unwrap());
    let meanwhile = Compacted(std::sync::Arc::clone(&other), AtomicBool::new(false));
    let restored = restore(&*other, NAMESPACE, &mut Cursor::new(&backup), &by(), &meanwhile).await.unwrap();
    assert_eq!(restored.earlier, 3);
    let verified = verify(&*other, NAMESPACE).await.unwrap();
    assert!(verified.faults.is_empty() && verified.revisions == 4, "{verified:?}");
    assert_eq!(verify_backup(&mut taken(&other).await.as_slice()).unwrap().header.revisions, 4);
}
