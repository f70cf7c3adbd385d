//! A backup into a revision: what it holds is compiled anew, whatever it says that it was compiled to.

use std::{
    io::{BufRead, Seek},
    sync::Arc,
};

use async_trait::async_trait;
use graylane_store::{
    By, Compile, Compiled, Manifest, NotRestored, Overlay, Restored, StoreError, Unreadable, restore,
};

use super::{
    Base, Difference, Held, Revisions, files, listed,
    writing::{Kept, kept},
};
use crate::{
    documents::{self, Gathered},
    finding::Finding,
};

/// So many of the errors in its documents are told of a backup.
const FEW: usize = 3;

impl Revisions {
    /// Restores a backup.
    ///
    /// # Errors
    /// Why nothing is restored. The head has not moved then.
    pub async fn restore(&self, backup: &mut (impl BufRead + Seek + Send), by: &By) -> Result<Restored, NotRestored> {
        Self::check_words(&by.actor, &by.reason, &by.source).map_err(|why| NotRestored::Unfit(why.to_string()))?;
        restore(&*self.store, &self.namespace, backup, by, self).await
    }

    /// What stands, and whether that is nothing yet. Nothing is read where it cannot be, which may be why a backup is restored.
    async fn standing(&self) -> Result<(Arc<Base>, bool), NotRestored> {
        match self.base().await {
            Ok((ground, base)) => Ok((base, ground.head.is_none())),
            Err(StoreError::Corrupt { .. }) => Ok((Arc::default(), false)),
            Err(other) => Err(other.into()),
        }
    }
}

#[async_trait]
impl Compile for Revisions {
    async fn compile(&self, manifest: &Manifest) -> Result<Compiled, NotRestored> {
        let held = self.held(manifest, None).await.map_err(|why| match why {
            StoreError::Corrupt { why, .. } => NotRestored::Unreadable(Unreadable::Wrong(why)),
            other => NotRestored::Store(other),
        })?;
        let ((base, is_first), overlay, owned) = (self.standing().await?, manifest.overlay.clone(), self.owned.clone());
        // What it held stands behind it then.
        let is_same = is_first && manifest.namespace == self.namespace;
        let compiled = tokio::task::spawn_blocking(move || compiled(&held, &base, overlay, &owned));
        let ended = |why| format!("compiling ended unexpectedly ({why}), which is a fault of graylane");
        let compiled = compiled.await.map_err(ended).flatten().map_err(NotRestored::Unfit)?;
        let difference = if is_same { Difference::default().value() } else { compiled.difference };
        Ok(Compiled { difference, ..compiled })
    }
}

/// Compiles what is `held` of a backup, and compares it with what stands.
fn compiled(held: &[Held], base: &Base, overlay: Overlay, owned: &[String]) -> Result<Compiled, String> {
    if held.is_empty() {
        return Err("found no documents, expected at least one".to_owned());
    }
    let gathered = Gathered::given(files::of_revision(held)?).under(overlay);
    let compiled = documents::compiled(&gathered, owned).map_err(|findings| unsound(&findings))?;
    let outline = listed::outline(&gathered.documents).map_err(|why| why.to_string())?;
    let standing = (&listed::outline_of(base), &base.overlay());
    let difference = Difference::between(standing, (&outline, &gathered.overlay)).value();
    let Kept { documents, snapshot, pieces } = kept(&gathered.documents, &compiled.parsed, &compiled.snapshot)?;
    Ok(Compiled { documents, snapshot, pieces, difference })
}

fn unsound(findings: &[Finding]) -> String {
    let errors: Vec<_> = findings.iter().filter(|finding| finding.is_error()).collect();
    let few: Vec<_> = errors.iter().take(FEW).map(ToString::to_string).collect();
    let more = if errors.len() > few.len() { "; …" } else { "" };
    format!("found documents that this build does not compile, expected sound ones: {}{more}", few.join("; "))
}
