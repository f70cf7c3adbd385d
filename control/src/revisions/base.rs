//! What stands: the head of a namespace, and its documents.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};

use graylane_rules::Revision;
use graylane_store::{Digest, Entry, Ground, Head, Manifest, Object, Overlay, StoreError, fetch, listing, manifest_of};

use super::Revisions;
use crate::documents::{Document, NAMESPACE_LIMIT, ParsedDocument};

/// So many documents are read at once.
const AT_ONCE: usize = 32;

/// The head of a namespace and its documents; before the first revision there is neither.
#[derive(Clone, Debug, Default)]
pub struct Base {
    /// The head.
    pub head: Option<Head>,
    /// What it says of itself.
    pub manifest: Option<Manifest>,
    /// Its documents, in the order of its listing.
    pub documents: Vec<Held>,
}

/// A document of a revision.
#[derive(Clone, Debug)]
pub struct Held {
    /// What the listing says of it.
    pub entry: Entry,
    /// Its text.
    pub text: Arc<[u8]>,
}

impl Held {
    /// As it is compiled.
    pub fn document(&self) -> Document {
        Document { file: self.entry.file.clone(), format: self.entry.format, text: self.text.to_vec() }
    }

    /// Which parser read it.
    pub fn parsed(&self) -> ParsedDocument {
        parsed(self.entry.clone())
    }
}

/// Which parser read a document.
pub fn parsed(entry: Entry) -> ParsedDocument {
    let Entry { kind, name, file, tag, parser, .. } = entry;
    ParsedDocument { file, kind, name, tag, parser }
}

impl Base {
    /// What stands above its documents.
    pub fn overlay(&self) -> Overlay {
        self.manifest.as_ref().map(|manifest| manifest.overlay.clone()).unwrap_or_default()
    }

    /// Its revision.
    pub fn revision(&self) -> Option<Revision> {
        self.head.map(|head| head.revision)
    }
}

/// The pieces that a revision refers to.
pub fn pieces(manifest: &Manifest, documents: &[Held]) -> BTreeSet<Digest> {
    let own = [&manifest.documents, &manifest.snapshot.object];
    let all = own.into_iter().chain(documents.iter().map(|held| &held.entry.object));
    all.flat_map(Object::pieces).collect()
}

/// The names of the rule sets among documents.
pub fn rule_sets(documents: &[Held]) -> Vec<&str> {
    let rule_sets = documents.iter().filter(|held| held.entry.kind == "RuleSet");
    rule_sets.map(|held| held.entry.name.as_str()).collect()
}

impl Revisions {
    /// What stands now, and the ground that the next revision is written on.
    ///
    /// # Errors
    /// Where the store does not answer, or holds something else than was put there.
    pub async fn base(&self) -> Result<(Ground, Arc<Base>), StoreError> {
        let ground = self.store.ground(&self.namespace).await?;
        let remembered = self.remembered();
        if let Some(base) = remembered.as_ref().filter(|base| base.head == ground.head) {
            return Ok((ground, Arc::clone(base)));
        }
        let Some(head) = ground.head else { return Ok((ground, Arc::default())) };
        let manifest = manifest_of(&*self.store, &self.namespace, &head).await?;
        let documents = self.held(&manifest, remembered.as_deref()).await?;
        let base = Arc::new(Base { head: Some(head), manifest: Some(manifest), documents });
        self.remember(&base);
        Ok((ground, base))
    }

    /// The documents of a revision; those that `known` has are not read again.
    ///
    /// # Errors
    /// Where the store does not answer, or holds something else than was put there.
    pub async fn held(&self, manifest: &Manifest, known: Option<&Base>) -> Result<Vec<Held>, StoreError> {
        let listing = listing(&*self.store, &manifest.documents).await?;
        let total = listing.0.iter().fold(0_u64, |total, entry| total.saturating_add(entry.object.size));
        if usize::try_from(total).map_or(true, |total| total > NAMESPACE_LIMIT) {
            let why = format!("found documents of {total} bytes in all, expected at most {NAMESPACE_LIMIT}");
            return Err(StoreError::Corrupt { place: self.store.place().to_owned(), why });
        }
        let known = known.into_iter().flat_map(|base| &base.documents);
        let known: BTreeMap<_, _> = known.map(|held| (held.entry.object.sha256, &held.text)).collect();
        let read = listing.0.into_iter().map(|entry| {
            let same = known.get(&entry.object.sha256).map(|text| Arc::clone(text));
            async move {
                let text = match same {
                    Some(text) => text,
                    None => fetch(&*self.store, &entry.object).await?.into(),
                };
                Ok(Held { entry, text })
            }
        });
        // Boxed, since a stream of this many kinds of futures is too much for the compiler to see that it can be sent.
        let read: Vec<BoxFuture<'_, Result<Held, StoreError>>> = read.map(|read| read.boxed()).collect();
        stream::iter(read).buffered(AT_ONCE).try_collect().await
    }
}
