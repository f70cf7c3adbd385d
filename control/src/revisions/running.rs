//! A revision that is to be served.

use graylane_rules::{SNAPSHOT_FORMAT, Snapshot};
use graylane_store::{Head, Manifest, fetch, listing, manifest_of};

use super::{Refusal, Revisions, base::parsed};
use crate::documents::{self, Gathered, ParsedDocument};

/// A revision, ready to be served.
#[derive(Debug)]
pub struct Running {
    /// The head that it is, or was.
    pub head: Head,
    /// What it says of itself.
    pub manifest: Box<Manifest>,
    /// What Envoys load.
    pub snapshot: Snapshot,
    /// Which parser read which of its documents.
    pub documents: Vec<ParsedDocument>,
}

impl Revisions {
    /// Reads the revision that `head` names. Where another build compiled it into a format that this one cannot use, it is
    /// compiled anew.
    ///
    /// # Errors
    /// Where the store does not answer, holds something else than was put there, or this build cannot compile it.
    pub async fn load(&self, head: &Head) -> Result<Running, Refusal> {
        let manifest = manifest_of(&*self.store, &self.namespace, head).await?;
        let entry = &manifest.snapshot;
        let known = if entry.format == SNAPSHOT_FORMAT {
            Snapshot::load(fetch(&*self.store, &entry.object).await?).ok()
        } else {
            None
        };
        let (snapshot, documents) = match known {
            Some(snapshot) => {
                let listing = listing(&*self.store, &manifest.documents).await?;
                (snapshot, listing.0.into_iter().map(parsed).collect())
            }
            None => self.compiled_anew(&manifest).await?,
        };
        Ok(Running { head: *head, manifest: Box::new(manifest), snapshot, documents })
    }

    async fn compiled_anew(&self, manifest: &Manifest) -> Result<(Snapshot, Vec<ParsedDocument>), Refusal> {
        let held = self.held(manifest, None).await?;
        let documents = held.iter().map(super::Held::document).collect();
        // What was published may set what it sets.
        let gathered = Gathered::given(documents).under(manifest.overlay.clone());
        let compiled = documents::compiled(&gathered, &[]).map_err(Refusal::Broken)?;
        Ok((compiled.snapshot, compiled.parsed))
    }
}
