//! What every store must do. Each test is given one that is empty.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test takes what it needs")]

mod backup;
mod compaction;
mod writing;

use std::sync::Arc;

use graylane_rules::Revision;
use graylane_store::{
    Action, Advance, Digest, Ground, Head, Listing, Manifest, Overlay, Piece, SnapshotEntry, Store, pieces,
};

pub use backup::*;
pub use compaction::*;
pub use writing::*;

/// Hands the names of all tests to a macro.
macro_rules! every_test {
    ($to:ident) => {
        $to!(
            a_head_moves_only_from_where_it_is,
            revisions_are_listed_from_the_newest,
            pieces_are_what_was_put,
            of_many_writers_each_has_its_own_number,
            a_change_wakes_whoever_waits,
            compaction_leaves_what_is_referred_to,
            a_writer_that_began_before_a_compaction_begins_again,
            a_piece_that_is_put_again_is_not_removed,
            namespaces_do_not_touch_each_other,
            what_a_backup_holds_is_restored_whole,
            a_backup_is_restored_on_top_of_what_is_there,
            a_damaged_backup_restores_nothing,
            a_restore_that_is_refused_leaves_no_revision,
            a_restore_is_whole_where_pieces_are_removed_meanwhile
        );
    };
}
pub(crate) use every_test;

pub type Shared = Arc<dyn Store>;

pub const NAMESPACE: &str = "default";

/// A manifest that follows `on`, about `content`, and the pieces it needs.
pub fn following(on: &Ground, namespace: &str, content: &[u8]) -> (Manifest, Vec<Piece>) {
    let number = on.head.map_or(1, |head| head.revision.number + 1);
    let (snapshot, mut all) = pieces(content);
    let (documents, listed) = pieces(&serde_json::to_vec(&Listing::default()).unwrap());
    all.extend(listed);
    let manifest = Manifest {
        namespace: namespace.to_owned(),
        revision: Revision { epoch: 7, number },
        previous: on.head.map(Into::into),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        actor: "ann".to_owned(),
        reason: "a test".to_owned(),
        source: "rules/".to_owned(),
        action: Action::Publish { rule_set: None },
        documents,
        snapshot: SnapshotEntry { format: 2, object: snapshot },
        overlay: Overlay::default(),
        difference: serde_json::Value::Null,
    };
    (manifest, all)
}

/// Publishes `content` on `on`, and gives what came of it and the new head.
pub async fn publish_on(store: &dyn Store, on: &Ground, namespace: &str, content: &[u8]) -> (Advance, Head) {
    let (manifest, all) = following(on, namespace, content);
    store.put(&all).await.unwrap();
    let bytes = manifest.bytes().unwrap();
    let head = Head { revision: manifest.revision, manifest: Digest::of(&bytes) };
    (store.advance(namespace, on, &head, &bytes).await.unwrap(), head)
}

/// The same on what there is.
pub async fn publish(store: &dyn Store, content: &[u8]) -> Head {
    let on = store.ground(NAMESPACE).await.unwrap();
    let (advance, head) = publish_on(store, &on, NAMESPACE, content).await;
    assert_eq!(advance, Advance::Done);
    head
}
