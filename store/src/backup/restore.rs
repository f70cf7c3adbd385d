//! Restoring a backup: what was published then is published again, as a new revision of a new epoch.

use std::{
    collections::BTreeSet,
    fmt,
    io::{BufRead, Seek},
};

use async_trait::async_trait;
use graylane_rules::Revision;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Header,
    read::{Entry, Reader, Unreadable, verify_backup},
};
use crate::{
    Action, Advance, Digest, Freeze, Head, Manifest, Object, Overlay, Piece, SnapshotEntry, Store, StoreError, fetch,
    listing, manifest,
};

/// So many pieces are put at once.
const AT_ONCE: usize = 16;

/// Why nothing is restored. The head of the namespace has not moved.
#[derive(Debug)]
pub enum NotRestored {
    /// The backup is not whole.
    Unreadable(Unreadable),
    /// The store does not answer.
    Store(StoreError),
    /// Somebody published meanwhile.
    Moved,
    /// What stands above the documents there forbids it: found and expected.
    Standing(String),
    /// Its documents do not become a revision: why.
    Unfit(String),
}

impl fmt::Display for NotRestored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => why.fmt(f),
            Self::Store(why) => why.fmt(f),
            Self::Standing(why) | Self::Unfit(why) => f.write_str(why),
            Self::Moved => f.write_str("found that somebody published meanwhile, expected nobody to: restore again"),
        }
    }
}

impl From<Unreadable> for NotRestored {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why)
    }
}

impl From<StoreError> for NotRestored {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says of itself.
    pub header: Header,
    /// The revision that was made of it.
    pub revision: Revision,
}

/// Who restores, when and why.
#[derive(Clone, Debug)]
pub struct By {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// From which file.
    pub source: String,
    /// When.
    pub at: Timestamp,
}

/// What a revision is to hold, compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its documents: a [`Listing`](crate::Listing).
    pub documents: Object,
    /// What they were compiled to.
    pub snapshot: SnapshotEntry,
    /// The pieces of both.
    pub pieces: Vec<Piece>,
    /// How it differs from what stands.
    pub difference: Value,
}

/// What compiles documents. A backup says itself what its documents were compiled to, and nothing is served on its word.
#[async_trait]
pub trait Compile: Sync {
    /// Compiles the documents of the revision that `manifest` is of, under what stands above them. They are in the store, with whatever
    /// else it refers to.
    ///
    /// # Errors
    /// Why there will be no revision of them.
    async fn compile(&self, manifest: &Manifest) -> Result<Compiled, NotRestored>;
}

/// Restores a backup into `namespace` of `store`: what was its head is a new revision on top of what is there, compiled anew by
/// `compiler`. Where nothing is, all its revisions stand before that, so that one can go back to them. The epoch is later than
/// any that is known and than the clock, so that no Envoy refuses it. The backup is verified first, to its end.
///
/// # Errors
/// Why nothing is restored.
pub async fn restore(
    store: &dyn Store,
    namespace: &str,
    backup: &mut (impl BufRead + Seek + Send),
    by: &By,
    compiler: &dyn Compile,
) -> Result<Restored, NotRestored> {
    let header = verify_backup(backup)?.header;
    let ground = store.ground(namespace).await?;
    let standing = match ground.head {
        Some(head) => {
            let found = manifest(store, namespace, head.revision).await?;
            found.map_err(|why| StoreError::Corrupt { place: store.place().to_owned(), why: why.to_string() })?.overlay
        }
        None => Overlay::default(),
    };
    refuse_frozen(&standing)?;
    let last = put_pieces(store, backup).await?;
    refuse_on_again(&standing, &last.overlay)?;
    expect_all_of(store, &last).await?;
    let Compiled { documents, snapshot, pieces, difference } = compiler.compile(&last).await?;
    store.put(&pieces).await?;
    // Its revisions stand before the new one where they are the whole chain.
    let is_first = ground.head.is_none() && namespace == header.namespace;
    let recorded = if is_first { record_manifests(store, namespace, backup).await? } else { Vec::new() };
    let own = Head { revision: header.last, manifest: header.head };
    let previous = ground.head.or(is_first.then_some(own));
    let known = [Some(header.last), ground.head.map(|head| head.revision)].into_iter().flatten();
    let latest = known.map(|revision| revision.epoch).max().unwrap_or(0).saturating_add(1);
    let clock = u64::try_from(by.at.as_millisecond()).unwrap_or(0);
    let restored = Manifest {
        namespace: namespace.to_owned(),
        revision: Revision { epoch: latest.max(clock), number: 1 },
        previous: previous.map(Into::into),
        at: by.at,
        actor: by.actor.clone(),
        reason: by.reason.clone(),
        source: by.source.clone(),
        action: Action::Restore { label: header.label.clone(), of: header.last },
        documents,
        snapshot,
        overlay: last.overlay,
        difference,
    };
    let bytes = restored.bytes().map_err(Unreadable::Wrong)?;
    let head = Head { revision: restored.revision, manifest: Digest::of(&bytes) };
    match store.advance(namespace, &ground, &head, &bytes).await? {
        Advance::Done => Ok(Restored { header, revision: head.revision }),
        Advance::Moved => {
            forget_unlinked(store, namespace, recorded).await?;
            Err(NotRestored::Moved)
        }
    }
}

/// A restore is a change like any other.
fn refuse_frozen(standing: &Overlay) -> Result<(), NotRestored> {
    let Some(Freeze { rule_set, actor, reason, .. }) = standing.frozen.first() else { return Ok(()) };
    let what = rule_set.as_ref().map_or_else(|| "all rule sets".to_owned(), |name| format!("rule set {name}"));
    let found = format!("found that {actor} froze {what}: {reason}");
    Err(NotRestored::Standing(format!("{found}; expected nothing frozen: `graylane unfreeze` first")))
}

/// What is switched off stays off until somebody switches it on.
fn refuse_on_again(standing: &Overlay, restored: &Overlay) -> Result<(), NotRestored> {
    let stays = |name: &Option<&str>| restored.is_all_off() || restored.off_names().contains(name);
    let Some(name) = standing.off_names().into_iter().find(|name| !stays(name)) else { return Ok(()) };
    let what = name.map_or_else(|| "all rule sets are".to_owned(), |name| format!("rule set {name} is"));
    let found = format!("found that {what} switched off, which the backup would switch on again");
    Err(NotRestored::Standing(format!("{found}; expected that to be said: `graylane on` first")))
}

/// That the store has all that the revision refers to, as it is to be: whatever the backup said of it.
async fn expect_all_of(store: &dyn Store, revision: &Manifest) -> Result<(), NotRestored> {
    let damaged = |why: StoreError| match why {
        StoreError::Corrupt { why, .. } => NotRestored::Unreadable(Unreadable::Wrong(why)),
        other => NotRestored::Store(other),
    };
    fetch(store, &revision.snapshot.object).await.map_err(damaged)?;
    for entry in listing(store, &revision.documents).await.map_err(damaged)?.0 {
        fetch(store, &entry.object).await.map_err(damaged)?;
    }
    Ok(())
}

/// Puts the pieces of a backup; gives its last manifest.
async fn put_pieces(store: &dyn Store, backup: &mut (impl BufRead + Seek + Send)) -> Result<Manifest, NotRestored> {
    backup.rewind().map_err(Unreadable::from)?;
    let (mut pieces, mut last) = (Vec::new(), None);
    let mut reader = Reader::open(backup)?;
    while let Some(entry) = reader.next()? {
        match entry {
            Entry::Piece(digest, bytes) => pieces.push(Piece { digest, bytes }),
            Entry::Manifest(_, bytes) => last = Some(bytes),
        }
        if pieces.len() >= AT_ONCE {
            store.put(&std::mem::take(&mut pieces)).await?;
        }
    }
    store.put(&pieces).await?;
    let last = last.ok_or_else(|| Unreadable::Wrong("found no revision, expected one".to_owned()))?;
    Ok(Manifest::read(&last).map_err(Unreadable::Wrong)?)
}

/// Records the manifests of a backup; gives their revisions.
async fn record_manifests(
    store: &dyn Store,
    namespace: &str,
    backup: &mut (impl BufRead + Seek + Send),
) -> Result<Vec<Revision>, NotRestored> {
    backup.rewind().map_err(Unreadable::from)?;
    let mut recorded = Vec::new();
    let mut reader = Reader::open(backup)?;
    while let Some(entry) = reader.next()? {
        if let Entry::Manifest(revision, bytes) = entry {
            store.record(namespace, revision, &bytes).await?;
            recorded.push(revision);
        }
    }
    Ok(recorded)
}

/// Removes those of the revisions that were `recorded` which the head does not lead to: somebody else has published the first
/// revision meanwhile. It may have been the same backup.
async fn forget_unlinked(store: &dyn Store, namespace: &str, recorded: Vec<Revision>) -> Result<(), StoreError> {
    let mut unlinked: BTreeSet<_> = recorded.into_iter().collect();
    let mut next = store.ground(namespace).await?.head.map(|head| head.revision);
    while let Some(revision) = next.filter(|_| !unlinked.is_empty()) {
        unlinked.remove(&revision);
        // A chain that breaks off tells nothing of what is behind.
        let Ok(found) = manifest(store, namespace, revision).await? else { return Ok(()) };
        next = found.previous.map(|link| link.revision);
    }
    store.forget(namespace, &unlinked.into_iter().collect::<Vec<_>>()).await
}
