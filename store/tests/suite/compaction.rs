//! Removing what is old.

use graylane_rules::Revision;
use graylane_store::{Advance, compact, fetch, manifest, manifest_of, pieces};

use super::{NAMESPACE, Shared, following, publish, publish_on};

pub async fn compaction_leaves_what_is_referred_to(store: Shared) {
    for content in ["a", "b", "a", "c", "d"] {
        publish(&*store, content.as_bytes()).await;
    }
    let (orphan, cut) = pieces(b"written, and never referred to");
    store.put(&cut).await.unwrap();
    let done = compact(&*store, 3).await.unwrap();
    let oldest = Revision { epoch: 7, number: 3 };
    assert_eq!((done.revisions, done.pieces, done.oldest), (2, 2, vec![(NAMESPACE.to_owned(), oldest)]));
    assert!(fetch(&*store, &orphan).await.is_err(), "b and the orphan are gone");
    for revision in store.revisions(NAMESPACE, None, 9).await.unwrap() {
        let kept = manifest(&*store, NAMESPACE, revision).await.unwrap().unwrap();
        fetch(&*store, &kept.snapshot.object).await.unwrap();
        fetch(&*store, &kept.documents).await.unwrap();
    }
    let said = manifest(&*store, NAMESPACE, Revision { epoch: 7, number: 2 }).await.unwrap().unwrap_err().to_string();
    assert_eq!(
        said,
        "found no revision 7.2, it was compacted away; expected one of those still there: 7.3 to 7.5, 3 are"
    );
    for (never, said) in [
        (
            Revision { epoch: 7, number: 0 },
            "found no revision 7.0, there is none; expected one of those there are: 7.3",
        ),
        (
            Revision { epoch: 1, number: 5 },
            "found no revision 1.5, it was compacted away or never was; expected one of",
        ),
    ] {
        let told = manifest(&*store, NAMESPACE, never).await.unwrap().unwrap_err().to_string();
        assert!(told.starts_with(said), "{told}");
    }
    assert_eq!(publish(&*store, b"e").await.revision.number, 6, "numbers go on");
    let done = compact(&*store, 0).await.unwrap();
    assert_eq!(done.revisions, 3, "the head stays");
}

pub async fn a_writer_that_began_before_a_compaction_begins_again(store: Shared) {
    publish(&*store, b"a").await;
    let on = store.ground(NAMESPACE).await.unwrap();
    let (manifest, cut) = following(&on, NAMESPACE, b"slowly");
    store.put(&cut).await.unwrap();
    compact(&*store, 1).await.unwrap();
    let bytes = manifest.bytes().unwrap();
    let head = graylane_store::Head { revision: manifest.revision, manifest: graylane_store::Digest::of(&bytes) };
    assert_eq!(store.advance(NAMESPACE, &on, &head, &bytes).await.unwrap(), Advance::Moved);
    let on = store.ground(NAMESPACE).await.unwrap();
    let (advance, head) = publish_on(&*store, &on, NAMESPACE, b"slowly").await;
    assert_eq!(advance, Advance::Done);
    let kept = manifest_of(&*store, NAMESPACE, &head).await.unwrap();
    assert_eq!(fetch(&*store, &kept.snapshot.object).await.unwrap(), b"slowly");
}

pub async fn a_piece_that_is_put_again_is_not_removed(store: Shared) {
    let (object, cut) = pieces(b"content");
    store.put(&cut).await.unwrap();
    let stock = store.stock().await.unwrap();
    assert_eq!(stock.iter().map(|piece| piece.digest).collect::<Vec<_>>(), [object.sha256]);
    store.put(&cut).await.unwrap();
    assert_eq!(store.remove(&stock).await.unwrap(), 0);
    assert_eq!(fetch(&*store, &object).await.unwrap(), b"content");
    assert_eq!(store.remove(&store.stock().await.unwrap()).await.unwrap(), 1);
    assert_eq!(store.piece(&object.sha256).await.unwrap(), None);
}
