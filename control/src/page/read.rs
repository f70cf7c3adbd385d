//! The documents of what is published, read for people.

use std::sync::Arc;

use graylane_rules::{Outline, Revision, Source};
use graylane_store::StoreError;

use crate::{
    documents::Document,
    publication::Publication,
    revisions::{Held, Revisions},
};

/// The documents of a revision, and what they say.
pub struct Read {
    pub(super) revision: Revision,
    /// What they say; nothing where this build reads them otherwise than the one that compiled them.
    pub outline: Outline,
    /// The documents. The publication is not kept: nobody may look at the page again for long.
    documents: Arc<Vec<Document>>,
}

impl Read {
    /// The documents of `publication`, which are among `revisions` where it is of a store.
    ///
    /// # Errors
    /// Where the store does not answer, or holds something else than was put there.
    pub async fn of(revisions: Option<&Revisions>, publication: &Publication) -> Result<Self, StoreError> {
        let documents = match revisions {
            Some(revisions) => Arc::new(kept(revisions, publication).await?),
            None => Arc::clone(&publication.texts),
        };
        let sources: Vec<Source<'_>> = documents.iter().map(Document::source).collect();
        let outline = Outline::read(&sources).unwrap_or_default();
        Ok(Self { revision: publication.revision, outline, documents })
    }

    /// The documents, in the order that the outline counts them in.
    pub fn documents(&self) -> &[Document] {
        &self.documents
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
