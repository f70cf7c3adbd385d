//! Looking at what was made.

use graylane_rules::Revision;
use graylane_store::{Manifest, StoreError, manifest};

use super::{
    Refusal, Revisions,
    json::{Text, Texts},
};

impl Revisions {
    /// The head.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn head(&self) -> Result<Option<Revision>, StoreError> {
        Ok(self.store.ground(&self.namespace).await?.head.map(|head| head.revision))
    }

    /// The manifests of at most `limit` revisions before `before`, the newest first.
    ///
    /// # Errors
    /// Where the store does not answer, or holds something else than was put there.
    pub async fn history(&self, before: Option<Revision>, limit: usize) -> Result<Vec<Manifest>, Refusal> {
        let revisions = self.store.revisions(&self.namespace, before, limit).await?;
        let mut manifests = Vec::with_capacity(revisions.len());
        for revision in revisions {
            // One that was compacted away meanwhile is the last of those that follow.
            let Ok(found) = manifest(&*self.store, &self.namespace, revision).await? else { break };
            manifests.push(found);
        }
        Ok(manifests)
    }

    /// What a revision decides by: its documents as they were given, and what stands above them.
    ///
    /// # Errors
    /// Where the store does not answer, or holds something else than was put there.
    pub async fn texts(&self, manifest: &Manifest) -> Result<Texts, StoreError> {
        let held = self.held(manifest, None).await?;
        let documents = held.iter().map(|held| Text::of(&held.document())).collect();
        Ok(Texts { revision: manifest.revision.to_string(), overlay: manifest.overlay.clone(), documents })
    }
}
