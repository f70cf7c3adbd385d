//! Writing and reading.

use std::time::Duration;

use graylane_rules::Revision;
use graylane_store::{Advance, Digest, Manifest, PIECE_LIMIT, StoreError, fetch, manifest, manifest_of, pieces};

use super::{NAMESPACE, Shared, publish, publish_on};

pub async fn a_head_moves_only_from_where_it_is(store: Shared) {
    let empty = store.ground(NAMESPACE).await.unwrap();
    assert_eq!(empty.head, None);
    let (advance, first) = publish_on(&*store, &empty, NAMESPACE, b"one").await;
    assert_eq!(advance, Advance::Done);
    // Somebody who stood on the same ground comes too late, and has changed nothing.
    let (advance, late) = publish_on(&*store, &empty, NAMESPACE, b"another").await;
    assert_eq!((advance, late.revision), (Advance::Moved, first.revision));
    // No revision takes the place of another, whoever numbered it so.
    let on = store.ground(NAMESPACE).await.unwrap();
    let refused = store.advance(NAMESPACE, &on, &first, b"{}").await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
    let ground = store.ground(NAMESPACE).await.unwrap();
    assert_eq!(ground.head, Some(first));
    let kept = manifest_of(&*store, NAMESPACE, &first).await.unwrap();
    assert_eq!(fetch(&*store, &kept.snapshot.object).await.unwrap(), b"one");
    let second = publish(&*store, b"two").await;
    assert_eq!(second.revision, Revision { epoch: 7, number: 2 });
    let kept = manifest_of(&*store, NAMESPACE, &second).await.unwrap();
    assert_eq!(kept.previous.map(|link| link.manifest), Some(first.manifest));
}

pub async fn revisions_are_listed_from_the_newest(store: Shared) {
    assert_eq!(store.revisions(NAMESPACE, None, 10).await.unwrap(), []);
    for content in 0..12_u8 {
        publish(&*store, &[content]).await;
    }
    let numbers = |revisions: Vec<Revision>| revisions.iter().map(|revision| revision.number).collect::<Vec<_>>();
    assert_eq!(numbers(store.revisions(NAMESPACE, None, 3).await.unwrap()), [12, 11, 10]);
    let before = Some(Revision { epoch: 7, number: 10 });
    assert_eq!(numbers(store.revisions(NAMESPACE, before, 2).await.unwrap()), [9, 8]);
    assert_eq!(
        numbers(store.revisions(NAMESPACE, before, usize::MAX).await.unwrap()),
        (1..=9).rev().collect::<Vec<_>>()
    );
    let unknown = Revision { epoch: 6, number: 1 };
    let said = manifest(&*store, NAMESPACE, unknown).await.unwrap().unwrap_err().to_string();
    assert_eq!(said, "found no revision 6.1, there is none; expected one of those there are: 7.1 to 7.12, 12 are");
    let later = manifest(&*store, NAMESPACE, Revision { epoch: 7, number: 99 }).await.unwrap().unwrap_err().to_string();
    assert_eq!(later, "found no revision 7.99, expected one of 7.1 to 7.12, such as 7.12, 7.11, 7.10");
}

pub async fn pieces_are_what_was_put(store: Shared) {
    let content: Vec<u8> = (0..2 * PIECE_LIMIT + 7).map(|place| (place % 251) as u8).collect();
    let (object, cut) = pieces(&content);
    assert_eq!(cut.len(), 3);
    assert_eq!(store.piece(&cut[0].digest).await.unwrap(), None);
    store.put(&cut).await.unwrap();
    store.put(&cut).await.unwrap();
    assert_eq!(fetch(&*store, &object).await.unwrap(), content);
    let (missing, _) = pieces(b"nobody put this");
    let said = fetch(&*store, &missing).await.unwrap_err().to_string();
    assert!(said.ends_with(&format!("found no piece {}, expected it", missing.sha256)), "{said}");
    let (empty, none) = pieces(b"");
    assert!(none.is_empty());
    assert_eq!(fetch(&*store, &empty).await.unwrap(), b"");
}

pub async fn of_many_writers_each_has_its_own_number(store: Shared) {
    const WRITERS: u8 = 8;
    const EACH: u64 = 10;
    let writer = |writer: u8| {
        let store = Shared::clone(&store);
        async move {
            let mut mine = Vec::new();
            while (mine.len() as u64) < EACH {
                let on = store.ground(NAMESPACE).await.unwrap();
                let content = format!("{writer}: {}", mine.len());
                let (advance, head) = publish_on(&*store, &on, NAMESPACE, content.as_bytes()).await;
                if advance == Advance::Done {
                    mine.push((head, content));
                }
            }
            mine
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|name| tokio::spawn(writer(name))).collect();
    let mut all = Vec::new();
    for writer in writers {
        all.extend(writer.await.unwrap());
    }
    all.sort_by_key(|(head, _)| head.revision);
    let numbers: Vec<_> = all.iter().map(|(head, _)| head.revision.number).collect();
    assert_eq!(numbers, (1..=u64::from(WRITERS) * EACH).collect::<Vec<_>>());
    let mut previous = None;
    for (head, content) in all {
        let bytes = store.manifest(NAMESPACE, head.revision).await.unwrap().unwrap();
        assert_eq!(Digest::of(&bytes), head.manifest);
        let kept = Manifest::read(&bytes).unwrap();
        assert_eq!(kept.previous.map(|link| link.manifest), previous, "one chain");
        assert_eq!(fetch(&*store, &kept.snapshot.object).await.unwrap(), content.as_bytes());
        previous = Some(head.manifest);
    }
}

pub async fn a_change_wakes_whoever_waits(store: Shared) {
    let waiting = {
        let store = Shared::clone(&store);
        tokio::spawn(async move {
            let mut known = None;
            let mut seen = Vec::new();
            while seen.last() != Some(&3) {
                known = store.changed(NAMESPACE, known.as_ref()).await.unwrap();
                seen.push(known.unwrap().revision.number);
            }
            seen
        })
    };
    for content in 0..3_u8 {
        publish(&*store, &[content]).await;
    }
    let seen = tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the last change").unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&3), "{seen:?}");
}

pub async fn namespaces_do_not_touch_each_other(store: Shared) {
    assert_eq!(store.namespaces().await.unwrap(), Vec::<String>::new());
    for name in ["b", "a", "ab"] {
        let on = store.ground(name).await.unwrap();
        assert_eq!(publish_on(&*store, &on, name, name.as_bytes()).await.0, Advance::Done);
    }
    assert_eq!(store.namespaces().await.unwrap(), ["a", "ab", "b"]);
    for name in ["b", "a", "ab"] {
        let head = store.ground(name).await.unwrap().head.unwrap();
        let kept = manifest_of(&*store, name, &head).await.unwrap();
        assert_eq!(fetch(&*store, &kept.snapshot.object).await.unwrap(), name.as_bytes());
        assert_eq!(store.revisions(name, None, 9).await.unwrap().len(), 1);
    }
}
