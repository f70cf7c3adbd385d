//! What must be there.

use std::collections::{BTreeMap, BTreeSet};

use graylane_rules::Revision;
use graylane_store::{Digest, Store, manifest_of, verify};

use super::{keeper::Said, publishing::NAMESPACE};

/// So often the whole history is looked at, and not only what is new.
const WHOLE: usize = 25;

/// What publishers said, and what was found.
#[derive(Debug, Default)]
pub(super) struct Model {
    acknowledged: BTreeMap<Revision, Digest>,
    unknown: BTreeSet<Digest>,
    /// The publishers of which a revision was found that they said nothing of: what each was about to hear of when it was
    /// killed. In etcd it may come only after the next publisher has begun.
    silent: BTreeSet<String>,
    /// Of which nobody said anything, or that he does not know.
    pub(super) unsaid: usize,
    pub(super) said_unknown: usize,
    looked: usize,
    /// The digests up to which the chain was walked before.
    known: BTreeMap<Revision, Digest>,
}

/// A revision that was not there before.
#[derive(Debug)]
struct New {
    revision: Revision,
    digest: Digest,
    /// Who made it.
    actor: String,
}

impl Model {
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    pub(super) fn revisions(&self) -> usize {
        self.known.len()
    }

    /// Adds what one publisher said, and compares everything with what is in `store`.
    ///
    /// # Errors
    /// What is not as it must be.
    pub(super) async fn compare(&mut self, store: &dyn Store, said: Said) -> Result<(), String> {
        self.unknown.extend(said.unknown.iter().map(|head| head.manifest));
        for head in said.acknowledged {
            if self.acknowledged.insert(head.revision, head.manifest).is_some() {
                return Err(format!("{} was acknowledged twice", head.revision));
            }
        }
        let new = self.walk(store).await?;
        self.judge(&new)?;
        self.known.extend(new.into_iter().map(|new| (new.revision, new.digest)));
        self.looked += 1;
        if self.looked.is_multiple_of(WHOLE) { self.whole(store).await } else { Ok(()) }
    }

    /// From the head back to what was walked before: what is new, the newest first.
    async fn walk(&self, store: &dyn Store) -> Result<Vec<New>, String> {
        let said = |why: graylane_store::StoreError| why.to_string();
        let mut next = store.ground(NAMESPACE).await.map_err(said)?.head;
        let mut new = Vec::new();
        while let Some(head) = next {
            match self.known.get(&head.revision) {
                Some(known) if *known == head.manifest => return Ok(new),
                Some(known) => return Err(format!("{} was {known}, and is {}", head.revision, head.manifest)),
                None => {}
            }
            let manifest = manifest_of(store, NAMESPACE, &head).await.map_err(said)?;
            new.push(New { revision: head.revision, digest: head.manifest, actor: manifest.actor });
            let previous = manifest.previous.map(|link| (link.revision, link.manifest));
            let number = previous.map_or(0, |(revision, _)| revision.number);
            if number + 1 != head.revision.number {
                return Err(format!("{} follows {number}, expected no gap", head.revision));
            }
            next = previous.map(|(revision, manifest)| graylane_store::Head { revision, manifest });
        }
        if self.known.is_empty() {
            Ok(new)
        } else {
            Err("found another chain, expected the one from before".to_owned())
        }
    }

    /// Whether what is `new` is what must be there, and nothing that must not.
    fn judge(&mut self, new: &[New]) -> Result<(), String> {
        let there: BTreeMap<_, _> = new.iter().map(|new| (new.revision, new.digest)).collect();
        for (revision, digest) in &self.acknowledged {
            let found = there.get(revision).or_else(|| self.known.get(revision));
            if found != Some(digest) {
                return Err(format!("{revision} was acknowledged as {digest}, and is {found:?}"));
            }
        }
        for New { revision, digest, actor } in new.iter().filter(|new| !self.acknowledged.contains_key(&new.revision)) {
            if self.unknown.contains(digest) {
                self.said_unknown += 1;
            } else if self.silent.insert(actor.clone()) {
                self.unsaid += 1;
            } else {
                return Err(format!("{revision} is the second of which {actor} said nothing, expected one at most"));
            }
        }
        Ok(())
    }

    /// Looks at everything that was ever written.
    ///
    /// # Errors
    /// What is not as it must be.
    pub(super) async fn whole(&self, store: &dyn Store) -> Result<(), String> {
        let found = verify(store, NAMESPACE).await.map_err(|why| why.to_string())?;
        match found.faults.first() {
            Some(fault) => Err(fault.to_string()),
            None if found.revisions == self.known.len() => Ok(()),
            None => Err(format!("found {} revisions, expected {}", found.revisions, self.known.len())),
        }
    }
}
