//! Waiting for a namespace to change, in whatever way.

use std::sync::Arc;

use tokio::sync::watch;

use crate::publication::Publication;

/// Somebody who waits for anything to change.
pub struct Watching {
    published: watch::Receiver<Option<Arc<Publication>>>,
    reported: watch::Receiver<u64>,
}

impl Watching {
    /// One of what is published and of what is reported.
    pub(super) fn of(published: watch::Receiver<Option<Arc<Publication>>>, reported: watch::Receiver<u64>) -> Self {
        Self { published, reported }
    }

    /// Waits for something that changed since it was last asked.
    pub async fn changed(&mut self) {
        // They end with the namespace, which whoever asks holds.
        tokio::select! {
            _ = self.published.changed() => {}
            _ = self.reported.changed() => {}
        }
    }
}
