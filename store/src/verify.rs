//! Whether what is kept is what was put there.

use std::{collections::BTreeSet, fmt};

use graylane_rules::Revision;

use crate::{Digest, Link, Listing, Manifest, Object, Store, StoreError};

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The newest revision.
    pub last: Option<Revision>,
    /// The oldest one that is kept.
    pub first: Option<Revision>,
    /// How many there are.
    pub revisions: usize,
    /// How many different pieces they refer to.
    pub pieces: usize,
    /// The bytes of these.
    pub bytes: u64,
    /// Everything that is wrong, from the newest to the oldest.
    pub faults: Vec<Fault>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The revision it is about; None: the namespace.
    pub revision: Option<Revision>,
    /// What was found and what would be right.
    pub why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision {
            Some(revision) => write!(f, "{revision}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// Walks the chain of a namespace from its head to the oldest revision that is kept, and checks every digest, every link and
/// every piece. Others may publish and compact meanwhile.
///
/// # Errors
/// Where the store does not answer. What is wrong with what it holds is no error but a fault.
pub async fn verify(store: &dyn Store, namespace: &str) -> Result<Verified, StoreError> {
    let listed = store.revisions(namespace, None, usize::MAX).await?;
    let mut walk =
        Walk { store, namespace, found: Verified::default(), objects: BTreeSet::new(), pieces: BTreeSet::new() };
    let head = match store.ground(namespace).await {
        Ok(ground) => ground.head,
        Err(StoreError::Corrupt { why, .. }) => {
            walk.fault(None, why);
            None
        }
        Err(other) => return Err(other),
    };
    walk.found.last = head.map(|head| head.revision);
    let seen = walk.chain(head.map(Into::into), &listed).await?;
    for revision in listed.iter().filter(|revision| !seen.contains(revision)) {
        // It may have been compacted away meanwhile.
        if store.manifest(namespace, *revision).await?.is_some() {
            walk.fault(Some(*revision), "found a manifest that no later one refers to, expected one chain".to_owned());
        }
    }
    Ok(walk.found)
}

struct Walk<'a> {
    store: &'a dyn Store,
    namespace: &'a str,
    found: Verified,
    /// The objects that were looked at.
    objects: BTreeSet<Object>,
    pieces: BTreeSet<Digest>,
}

impl Walk<'_> {
    fn fault(&mut self, revision: Option<Revision>, why: String) {
        self.found.faults.push(Fault { revision, why });
    }

    /// From `next` on; gives the revisions that it came by. Where a manifest cannot be read, it goes on with the next one of
    /// those that were `listed`.
    async fn chain(&mut self, mut next: Option<Link>, listed: &[Revision]) -> Result<BTreeSet<Revision>, StoreError> {
        let mut seen = BTreeSet::new();
        let mut unlinked = None;
        while let Some(revision) = next.map(|link| link.revision).or(unlinked) {
            let Some(bytes) = self.store.manifest(self.namespace, revision).await? else {
                if self.ends(revision).await? {
                    break;
                }
                next = None;
                unlinked = older(listed, revision);
                continue;
            };
            seen.insert(revision);
            self.found.revisions = self.found.revisions.saturating_add(1);
            self.found.first = Some(revision);
            let expected = next.map(|link| link.manifest);
            next = None;
            unlinked = None;
            match self.manifest(revision, expected, &bytes) {
                Some(manifest) => {
                    next = manifest.previous;
                    self.content(&manifest).await?;
                }
                None => unlinked = older(listed, revision),
            }
        }
        Ok(seen)
    }

    /// Whether it is right that a revision is not there: where none is older.
    async fn ends(&mut self, revision: Revision) -> Result<bool, StoreError> {
        let older = self.store.revisions(self.namespace, Some(revision), 1).await?;
        let right = self.found.revisions > 0 && older.is_empty();
        if !right {
            self.fault(Some(revision), "found no manifest, expected it: others refer to it".to_owned());
        }
        Ok(right)
    }

    /// Reads a manifest; None where it cannot be trusted to say what it follows.
    fn manifest(&mut self, revision: Revision, expected: Option<Digest>, bytes: &[u8]) -> Option<Manifest> {
        let found = Digest::of(bytes);
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            self.fault(Some(revision), format!("found the manifest {found}, expected {expected}"));
        }
        let manifest = match Manifest::read(bytes) {
            Ok(manifest) => manifest,
            Err(why) => {
                self.fault(Some(revision), why);
                return None;
            }
        };
        let (its, name) = (manifest.revision, &manifest.namespace);
        if its != revision || name != self.namespace {
            let why =
                format!("found the manifest of {its} of {name}, expected that of {revision} of {}", self.namespace);
            self.fault(Some(revision), why);
            return None;
        }
        if let Some(previous) = manifest.previous.filter(|previous| previous.revision >= revision) {
            self.fault(Some(revision), format!("found that it follows {}, expected an older one", previous.revision));
            return None;
        }
        Some(manifest)
    }

    /// Everything that a manifest refers to.
    async fn content(&mut self, manifest: &Manifest) -> Result<(), StoreError> {
        let revision = manifest.revision;
        self.object(revision, "the snapshot", &manifest.snapshot.object).await?;
        let Some(bytes) = self.object(revision, "the list of documents", &manifest.documents).await? else {
            return Ok(());
        };
        match serde_json::from_slice::<Listing>(&bytes) {
            Ok(listing) => {
                for entry in listing.0 {
                    let name = format!("{} {}", entry.kind, entry.name);
                    self.object(revision, &name, &entry.object).await?;
                }
            }
            Err(why) => self.fault(Some(revision), format!("found no list of documents ({why}), expected one")),
        }
        Ok(())
    }

    /// The bytes of an object that was not looked at before and is whole.
    async fn object(&mut self, revision: Revision, name: &str, object: &Object) -> Result<Option<Vec<u8>>, StoreError> {
        if !self.objects.insert(object.clone()) {
            return Ok(None);
        }
        if let Err(why) = object.expect_as_cut() {
            self.fault(Some(revision), format!("{name}: {why}"));
            return Ok(None);
        }
        let (mut bytes, mut whole) = (Vec::new(), true);
        for digest in object.pieces() {
            match self.store.piece(&digest).await? {
                Some(piece) if Digest::of(&piece) == digest => {
                    self.count(digest, piece.len());
                    bytes.extend_from_slice(&piece);
                }
                found => {
                    whole = false;
                    let found = found.map_or("none".to_owned(), |piece| Digest::of(&piece).to_string());
                    self.fault(Some(revision), format!("{name}: found the piece {found}, expected {digest}"));
                }
            }
        }
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let digest = Digest::of(&bytes);
        if whole && (digest != object.sha256 || size != object.size) {
            whole = false;
            let Object { sha256, size: expected, .. } = object;
            self.fault(
                Some(revision),
                format!("{name}: found {digest} of {size} bytes, expected {sha256} of {expected}"),
            );
        }
        Ok(whole.then_some(bytes))
    }

    fn count(&mut self, digest: Digest, bytes: usize) {
        if self.pieces.insert(digest) {
            self.found.pieces = self.found.pieces.saturating_add(1);
            self.found.bytes = self.found.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

/// The newest of those that are older.
fn older(listed: &[Revision], than: Revision) -> Option<Revision> {
    listed.iter().copied().find(|revision| *revision < than)
}
