//! The documents of what is published, read for people.

use std::sync::{Arc, PoisonError};

use graylane_rules::{Outline, Revision, Source};
use graylane_store::StoreError;

use crate::{
    documents::Document,
    namespace::Namespace,
    publication::Publication,
    revisions::{Held, Revisions},
};

/// The documents of a revision, and what they say.
pub struct Read {
    revision: Revision,
    /// What they say; nothing where this build reads them otherwise than the one that compiled them.
    pub outline: Outline,
    /// The documents of a store; those of a directory are with the publication.
    kept: Vec<Document>,
    /// Whose documents they are.
    publication: Arc<Publication>,
}

impl Read {
    /// The documents of `publication`. They are read once a revision.
    ///
    /// # Errors
    /// Where the store does not answer, or holds something else than was put there.
    pub async fn of(namespace: &Namespace, publication: &Arc<Publication>) -> Result<Arc<Self>, StoreError> {
        let remembered = || namespace.page.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered().clone();
        if let Some(known) = known.filter(|known| known.revision == publication.revision) {
            return Ok(known);
        }
        let kept = match &namespace.revisions {
            Some(revisions) => kept(revisions, publication).await?,
            None => Vec::new(),
        };
        let publication = Arc::clone(publication);
        let mut read = Self { revision: publication.revision, outline: Outline::default(), kept, publication };
        let sources: Vec<Source<'_>> = read.documents().iter().map(Document::source).collect();
        read.outline = Outline::read(&sources).unwrap_or_default();
        let read = Arc::new(read);
        *remembered() = Some(Arc::clone(&read));
        Ok(read)
    }

    /// The documents, in the order that the outline counts them in.
    pub fn documents(&self) -> &[Document] {
        if self.kept.is_empty() { &self.publication.texts } else { &self.kept }
    }
}

async fn kept(revisions: &Revisions, publication: &Publication) -> Result<Vec<Document>, StoreError> {
    let Some(manifest) = &publication.manifest else { return Ok(Vec::new()) };
    let (_, base) = revisions.base().await?;
    let held = if base.revision() == Some(publication.revision) {
        base.documents.iter().map(Held::document).collect()
    } else {
        revisions.held(manifest, Some(&base)).await?.iter().map(Held::document).collect()
    };
    Ok(held)
}
