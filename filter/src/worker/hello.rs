//! What a VM tells whoever fetches: that it lives, and what it runs.

use std::time::Duration;

use graylane_rules::SNAPSHOT_FORMATS;

use super::{Worker, refusal::Refused};
use crate::{
    host,
    lease::Lease,
    message::{self, Hello, INBOX},
    roots::Roots,
};

/// How often a VM says hello when nothing happens.
const HELLO_EVERY: Duration = Duration::from_secs(1);

/// The VM's queue, and the root that is called back. Its name is the VM's, so another root can take over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    pub(super) token: u32,
    pub(super) owner: u32,
}

impl Worker {
    /// Registers the VM's queue for `caller` where nobody is called back for it, which Envoy does not tell.
    pub(super) fn own_queue(&mut self, caller: u32, roots: &Roots) {
        if self.queue.is_some_and(|queue| roots.contains(queue.owner)) {
            return;
        }
        self.queue = match host::register_queue(&format!("graylane/w/{:016x}", self.id)) {
            Ok(token) => Some(Queue { token, owner: caller }),
            Err(_) => return,
        };
        // Registering again calls nobody back for what waits already.
        self.queue.map(|queue| message::drain(queue.token)).into_iter().flatten().for_each(drop);
    }

    /// Tells whoever fetches, or leaves it due where nobody does.
    pub(super) fn hello(&mut self, lease: &Lease, roots: &Roots) {
        let now = host::now();
        self.next_hello = Duration::ZERO;
        let Some(queue) = self.queue else { return };
        if !lease.lives(now) {
            return;
        }
        self.inbox = self.inbox.or_else(|| host::resolve_queue(INBOX).ok());
        let Some(inbox) = self.inbox else { return };
        let Ok(message) = serde_json::to_vec(&self.report(queue.token, roots)) else { return };
        if host::enqueue(inbox, &message).is_ok() {
            self.greeted = lease.holder;
            self.next_hello = now.saturating_add(HELLO_EVERY);
        }
    }

    fn report(&self, queue: u32, roots: &Roots) -> Hello {
        let refusal = self.refusal.as_ref();
        let error = refusal.map(|refusal| refusal.why.text().to_owned()).or_else(|| self.complaint(roots));
        Hello {
            id: format!("{:016x}", self.id),
            queue,
            formats: SNAPSHOT_FORMATS.to_vec(),
            revision: self.current.as_ref().map(|current| current.label.clone()),
            refused: refusal.map(|refusal| refusal.place.revision.to_string()),
            error: error.as_deref().map(message::told),
            unfit: refusal.is_some_and(|refusal| matches!(refusal.why, Refused::Unfit(_))),
            serving: self.serving,
            at: u64::try_from(host::now().as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// What is wrong with a filter although its VM has taken the snapshot.
    fn complaint(&self, roots: &Roots) -> Option<String> {
        let current = self.current.as_ref();
        let objection = current.and_then(|current| roots.filters().find_map(|filter| filter.objection(current)));
        objection.or_else(|| roots.current_filters().find_map(|filter| filter.switches.complaint()))
    }
}
