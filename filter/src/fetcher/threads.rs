//! Which VMs are workers' and which is the main thread's: Envoy does not say, but time does.
//!
//! The bootstrap's fetcher runs on the main thread. While one of its callbacks runs, no other VM of that thread can run: a VM
//! that says something meanwhile is on another thread, a worker's. Who never does, although it was called often, is the
//! main thread's own, which serves no request.

use std::time::Duration;

use super::Fetcher;
use crate::host;

/// How long the main thread waits, ten times at most for each VM, for one that might be a worker's to speak. An idle worker is
/// called back within 20 to 200 µs.
const TRIAL: Duration = Duration::from_micros(500);

/// Looks into the inbox so often at most, whatever the clock says.
const LOOKS: usize = 2_000;

impl Fetcher {
    /// Calls the VMs of which it is not known, and listens for a moment.
    pub(super) fn try_threads(&mut self, inbox: u32) {
        if self.elected {
            return;
        }
        let begin = host::now();
        let queues = self.table.on_trial();
        if queues.is_empty() {
            return;
        }
        for &queue in &queues {
            let _ = host::enqueue(queue, b"?");
        }
        for _ in 0..LOOKS {
            if host::now().saturating_sub(begin) >= TRIAL {
                break;
            }
            self.listen(inbox, begin);
        }
    }

    /// The VM `id` said something at `at`, which was read in a callback that began at `since`. True where this is the first
    /// proof that it is a worker's.
    pub(super) fn note_thread(&mut self, id: &str, at: Duration, since: Duration) -> bool {
        !self.elected && at > since && self.table.is_worker(id)
    }
}
