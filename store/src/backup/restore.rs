//! Restoring a backup: what was published then is published again, as a new revision of a new epoch.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, BufRead, Seek},
};

use async_trait::async_trait;
use graylane_rules::Revision;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Header,
    read::{EPOCH_LIMIT, Entry, Reader, Span, Unreadable, verify_backup},
};
use crate::{
    Action, Advance, Digest, Freeze, Head, Manifest, NotAdvanced, Object, Overlay, Piece, SnapshotEntry, Store,
    StoreError, advance, fetch, listing, manifest_of,
};

/// So often it is begun again where pieces were removed meanwhile.
const ATTEMPTS: usize = 5;

/// So many pieces are put, or manifests recorded, at once.
const AT_ONCE: usize = 16;

/// Why nothing is restored. The head of the namespace has not moved, but for [`Unknown`](Self::Unknown).
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
    /// Nobody knows whether it is restored: the store did not answer in time.
    Unknown {
        /// The revision that it would be.
        revision: Revision,
        /// What the store said.
        why: StoreError,
    },
}

impl fmt::Display for NotRestored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => why.fmt(f),
            Self::Store(why) => why.fmt(f),
            Self::Standing(why) | Self::Unfit(why) => f.write_str(why),
            Self::Unknown { revision, why } => {
                write!(f, "{why}; it is not known whether revision {revision} is published: `graylane history` tells")
            }
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
    /// How many revisions of it stand before that.
    pub earlier: usize,
    /// Why that is not all of them, where it is not.
    pub cut_short: Option<String>,
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
/// `compiler`. Where nothing is, its revisions are recorded behind that one, so that one can go back to them: from the newest to the
/// oldest, so that whatever interrupts it leaves a chain that is shorter, as compaction does, and no other harm. The epoch is
/// later than any that is known and than the clock, so that no Envoy refuses it. The backup is verified first, to its end.
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
    for _ in 0..ATTEMPTS {
        let ground = store.ground(namespace).await?;
        let standing = match ground.head {
            Some(head) => manifest_of(store, namespace, &head).await?.overlay,
            None => Overlay::default(),
        };
        refuse_frozen(&standing)?;
        let Copied { last, manifests } = put_pieces(store, backup).await?;
        refuse_on_again(&standing, &last.overlay)?;
        // Its revisions stand before the new one where they are the whole chain.
        let is_first = ground.head.is_none() && namespace == header.namespace;
        let behind = if is_first { manifests.as_slice() } else { &[] };
        let mut known = BTreeSet::new();
        expect_all_of(store, &last, &mut known).await?;
        for (_, span) in behind {
            let bytes = span.read(backup).map_err(Unreadable::from)?;
            expect_all_of(store, &Manifest::read(&bytes).map_err(Unreadable::Wrong)?, &mut known).await?;
        }
        let compiled = compiler.compile(&last).await?;
        store.put(&compiled.pieces).await?;
        let own = is_first.then_some(Head { revision: header.last, manifest: header.head });
        let restored = restored(namespace, &header, by, last, compiled, (ground.head, own))?;
        let bytes = restored.bytes().map_err(Unreadable::Wrong)?;
        let revision = restored.revision;
        let head = Head { revision, manifest: Digest::of(&bytes) };
        let advanced = advance(store, namespace, &ground, &head, &bytes).await;
        let advanced = advanced.map_err(|why| match why {
            NotAdvanced::Store(why) => NotRestored::Store(why),
            NotAdvanced::Unknown(why) => NotRestored::Unknown { revision, why },
        })?;
        if advanced == Advance::Done {
            let recorded = record_behind(store, namespace, backup, behind, ground.generation).await;
            let (earlier, cut_short) = match recorded {
                Ok(earlier) => (earlier, None),
                // It decides already, and what is behind it may be shorter.
                Err(why) => (linked(store, namespace, behind).await.len(), Some(why.to_string())),
            };
            return Ok(Restored { header, revision, earlier, cut_short });
        }
        // Where the head is as it was, pieces were removed meanwhile, and perhaps some of these.
        if store.ground(namespace).await?.head != ground.head {
            return Err(NotRestored::Moved);
        }
    }
    Err(NotRestored::Moved)
}

/// The manifest of what is restored: on top of the head that is there, or else behind `own`, which is the backup's.
fn restored(
    namespace: &str,
    header: &Header,
    by: &By,
    last: Manifest,
    compiled: Compiled,
    (there, own): (Option<Head>, Option<Head>),
) -> Result<Manifest, NotRestored> {
    let known = [Some(header.last), there.map(|head| head.revision)].into_iter().flatten();
    let latest = known.map(|revision| revision.epoch).max().unwrap_or(0).saturating_add(1);
    if latest > EPOCH_LIMIT {
        let found = format!("found {}, expected an epoch that leaves one behind it, up to {EPOCH_LIMIT}", header.last);
        return Err(NotRestored::Unfit(found));
    }
    let clock = u64::try_from(by.at.as_millisecond()).unwrap_or(0);
    let Compiled { documents, snapshot, difference, .. } = compiled;
    Ok(Manifest {
        namespace: namespace.to_owned(),
        revision: Revision { epoch: latest.max(clock), number: 1 },
        previous: there.or(own).map(Into::into),
        at: by.at,
        actor: by.actor.clone(),
        reason: by.reason.clone(),
        source: by.source.clone(),
        action: Action::Restore { label: header.label.clone(), of: header.last },
        documents,
        snapshot,
        overlay: last.overlay,
        difference,
    })
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

/// That the store has all that the revision refers to, as it is to be, whatever the backup said of it: what is not `known` to be
/// there is looked at.
async fn expect_all_of(
    store: &dyn Store,
    revision: &Manifest,
    known: &mut BTreeSet<Object>,
) -> Result<(), NotRestored> {
    let damaged = |why: StoreError| match why {
        StoreError::Corrupt { why, .. } => NotRestored::Unreadable(Unreadable::Wrong(why)),
        other => NotRestored::Store(other),
    };
    let mut is_new = |object: &Object| known.insert(object.clone());
    if is_new(&revision.snapshot.object) {
        fetch(store, &revision.snapshot.object).await.map_err(damaged)?;
    }
    if !is_new(&revision.documents) {
        return Ok(());
    }
    for entry in listing(store, &revision.documents).await.map_err(damaged)?.0 {
        if is_new(&entry.object) {
            fetch(store, &entry.object).await.map_err(damaged)?;
        }
    }
    Ok(())
}

/// What was copied of a backup.
struct Copied {
    /// Its last manifest.
    last: Manifest,
    /// Where each of its manifests stands in it, from the oldest on.
    manifests: Vec<(Revision, Span)>,
}

/// Puts the pieces of a backup.
async fn put_pieces(store: &dyn Store, backup: &mut (impl BufRead + Seek + Send)) -> Result<Copied, NotRestored> {
    backup.rewind().map_err(Unreadable::from)?;
    let (mut pieces, mut last, mut manifests) = (Vec::new(), None, Vec::new());
    let mut reader = Reader::open(backup)?;
    while let Some(entry) = reader.next()? {
        match entry {
            Entry::Piece(digest, bytes) => pieces.push(Piece { digest, bytes }),
            Entry::Manifest(revision, bytes) => {
                manifests.push((revision, reader.span_of(bytes.len())));
                last = Some(bytes);
            }
        }
        if pieces.len() >= AT_ONCE {
            store.put(&std::mem::take(&mut pieces)).await?;
        }
    }
    store.put(&pieces).await?;
    let last = last.ok_or_else(|| Unreadable::Wrong("found no revision, expected one".to_owned()))?;
    Ok(Copied { last: Manifest::read(&last).map_err(Unreadable::Wrong)?, manifests })
}

/// Records manifests of a backup behind the head, whose pieces were put when the generation was `generation`; gives how many the
/// head leads to.
async fn record_behind(
    store: &dyn Store,
    namespace: &str,
    backup: &mut (impl BufRead + Seek + Send),
    manifests: &[(Revision, Span)],
    mut generation: u64,
) -> Result<usize, NotRestored> {
    let mut earlier = manifests.len();
    for some in manifests.rchunks(AT_ONCE) {
        // Pieces may have been removed that no manifest referred to yet.
        if is_another(store, namespace, &mut generation).await? {
            put_pieces(store, backup).await?;
        }
        let read = some.iter().rev().map(|(revision, span)| Ok((*revision, span.read(backup)?)));
        let read: Vec<_> = read.collect::<io::Result<_>>().map_err(Unreadable::from)?;
        store.record(namespace, &read).await?;
    }
    while !manifests.is_empty() && is_another(store, namespace, &mut generation).await? {
        put_pieces(store, backup).await?;
        // And manifests, so that of those that were recorded then the head leads to none.
        let linked = linked(store, namespace, manifests).await;
        let all = manifests.iter().map(|(revision, _)| *revision);
        let unlinked: Vec<_> = all.filter(|revision| !linked.contains(revision)).collect();
        store.forget(namespace, &unlinked).await?;
        earlier = linked.len();
    }
    Ok(earlier)
}

/// Whether pieces were about to be removed since `generation`, which is the latest then.
async fn is_another(store: &dyn Store, namespace: &str, generation: &mut u64) -> Result<bool, StoreError> {
    let now = store.ground(namespace).await?.generation;
    Ok(std::mem::replace(generation, now) != now)
}

/// Those of these manifests that the head leads to, as far as the store tells: where it does not answer, those are none that it
/// was not asked for yet.
async fn linked(store: &dyn Store, namespace: &str, manifests: &[(Revision, Span)]) -> BTreeSet<Revision> {
    let ours: BTreeSet<_> = manifests.iter().map(|(revision, _)| *revision).collect();
    let mut linked = BTreeSet::new();
    let mut next = store.ground(namespace).await.ok().and_then(|ground| ground.head).map(|head| head.revision);
    while let Some(revision) = next.filter(|_| linked.len() < ours.len()) {
        let Ok(Some(bytes)) = store.manifest(namespace, revision).await else { break };
        if ours.contains(&revision) {
            linked.insert(revision);
        }
        next = Manifest::read(&bytes).ok().and_then(|found| found.previous).map(|link| link.revision);
    }
    linked
}
