//! Which revisions there are.

use graylane_rules::Revision;

use super::{
    Etcd, keys,
    pages::{self, Values},
};
use crate::StoreError;

/// Up to so many are looked for where they most likely are.
const FEW: u64 = 100;

impl Etcd {
    /// At most `limit` revisions that are older than `before`, the newest first.
    pub(super) async fn listed(
        &self,
        namespace: &str,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        let Some(end) = self.end(namespace, before).await? else { return Ok(Vec::new()) };
        if let Some(few) = u64::try_from(limit).ok().filter(|few| *few <= FEW) {
            // Numbers follow each other, so that the last ones have the last numbers; but some may be gone, or of another
            // epoch. From the other end, etcd would read everything there is.
            let first = Revision { epoch: end.epoch, number: end.number.saturating_sub(few) };
            let found = self.between(namespace, Some(first), end).await?;
            if found.len() == limit {
                return Ok(found);
            }
        }
        let mut all = self.between(namespace, None, end).await?;
        all.truncate(limit);
        Ok(all)
    }

    /// Before which revision to look: that one, or what follows the head. None where there is no head.
    async fn end(&self, namespace: &str, before: Option<Revision>) -> Result<Option<Revision>, StoreError> {
        let Some(head) = self.looked_up(namespace).await?.0.head else { return Ok(None) };
        let Revision { epoch, number } = head.revision;
        let behind = Revision { epoch, number: number.saturating_add(1) };
        Ok(Some(before.map_or(behind, |before| before.min(behind))))
    }

    /// Those from `first` to before `end`, the newest first.
    async fn between(
        &self,
        namespace: &str,
        first: Option<Revision>,
        end: Revision,
    ) -> Result<Vec<Revision>, StoreError> {
        let under = self.keys.manifests(namespace);
        let begin = first.map_or_else(|| under.clone(), |first| self.keys.manifest(namespace, first));
        let end = self.keys.manifest(namespace, end);
        let found = pages::between(&self.calls, (begin.into(), end.into()), Values::Small, true).await;
        let found = found.map_err(|failure| self.failed(failure))?;
        Ok(found.kvs.iter().rev().filter_map(|kv| keys::revision(&kv.key.0, &under)).collect())
    }
}
