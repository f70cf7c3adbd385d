//! The program that publishes until it is killed.

use std::io::Write;

use graylane_rules::Revision;
use graylane_store::{
    Action, Advance, Digest, Ground, Head, Listing, Manifest, Overlay, Piece, Place, SnapshotEntry, Store, StoreError,
    pieces,
};

pub(super) const NAMESPACE: &str = "default";
/// How lines begin that say of a revision that it is published, and that nobody knows.
pub(super) const ACKNOWLEDGED: &str = "acknowledged";
pub(super) const UNKNOWN: &str = "unknown";

/// Publishes to the store at `url` again and again, as `name`, and says what came of it: a line for each revision.
///
/// # Panics
/// Where the store refuses, or holds something else.
pub async fn publish_for_ever(url: &str, name: &str) {
    let place: Place = url.parse().unwrap_or_else(|why| panic!("{why}"));
    let store = loop {
        match graylane_store::open(&place).await {
            Ok(store) => break store,
            Err(why) => assert!(why.is_passing(), "{why}"),
        }
    };
    for count in 0_u64.. {
        match publish(&*store, name, count).await {
            Ok(Some((what, head))) => say(what, &head),
            Ok(None) => {}
            Err(why) => assert!(why.is_passing(), "{why}"),
        }
    }
}

fn say(what: &str, head: &Head) {
    // At once: whoever is killed has said it or not.
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what} {} {}", head.revision, head.manifest).and_then(|()| out.flush()).expect("somebody listens");
}

async fn publish(store: &dyn Store, name: &str, count: u64) -> Result<Option<(&'static str, Head)>, StoreError> {
    let on = store.ground(NAMESPACE).await?;
    // Sizes of all kinds, now and then one of several pieces.
    let size = if count % 48 == 47 { 700_000 } else { count.wrapping_mul(2_654_435_761) % 20_000 };
    let content = format!("{name} {count} ").repeat(size as usize / 8 + 1);
    let (manifest, cut) = following(&on, name, content.as_bytes());
    store.put(&cut).await?;
    let bytes = manifest.bytes().expect("a manifest has a form");
    let head = Head { revision: manifest.revision, manifest: Digest::of(&bytes) };
    match store.advance(NAMESPACE, &on, &head, &bytes).await {
        Ok(Advance::Done) => Ok(Some((ACKNOWLEDGED, head))),
        Ok(Advance::Moved) => Ok(None),
        Err(why) if why.is_passing() => Ok(Some((UNKNOWN, head))),
        Err(why) => Err(why),
    }
}

fn following(on: &Ground, name: &str, content: &[u8]) -> (Manifest, Vec<Piece>) {
    let (snapshot, mut all) = pieces(content);
    let (documents, listed) = pieces(&serde_json::to_vec(&Listing::default()).expect("a list has a form"));
    all.extend(listed);
    let manifest = Manifest {
        namespace: NAMESPACE.to_owned(),
        revision: Revision { epoch: 1, number: on.head.map_or(1, |head| head.revision.number + 1) },
        previous: on.head.map(Into::into),
        at: "2026-01-02T03:04:05Z".parse().expect("a time"),
        actor: name.to_owned(),
        reason: "to be killed".to_owned(),
        source: "nowhere".to_owned(),
        action: Action::Publish { rule_set: None },
        documents,
        snapshot: SnapshotEntry { format: 2, object: snapshot },
        overlay: Overlay::default(),
        difference: serde_json::Value::Null,
    };
    (manifest, all)
}
