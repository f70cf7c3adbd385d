//! What a VM cannot read is written again, or fetched again.

use std::time::Duration;

use graylane_rules::Revision;

use super::{Fetcher, newest};
use crate::{host, message::Hello, pointer::Pointer};

/// How often spoilt bytes are written again at most.
const REPAIR_EVERY: Duration = Duration::from_secs(1);

impl Fetcher {
    /// A VM found other bytes than the pointer promises: writes them again, or, without them, asks for whatever the
    /// control plane has.
    pub(super) fn repair(&mut self, hello: &Hello) {
        let now = host::now();
        if now < self.next_repair {
            return;
        }
        self.next_repair = now.saturating_add(REPAIR_EVERY);
        let refused = |revision: Revision| hello.refused == Some(revision.to_string());
        match &self.shelved {
            Some(shelved) if refused(shelved.place.revision) && shelved.write_again().is_ok() => {
                log::warn!("revision {} was spoilt in shared data and is written again", shelved.place.revision);
                let _ = host::enqueue(hello.queue, b"again");
            }
            _ if refused(newest()) => {
                self.poll.continue_after(None);
                self.poll.restart();
            }
            _ => {}
        }
    }

    /// Asks for the newest revision once more where a VM reads other formats than the one it lies there in.
    pub(super) fn refetch_unreadable(&mut self) {
        let place = Pointer::read().map(|(pointer, _)| pointer.newest).unwrap_or_default();
        let formats = self.table.formats();
        if place.slot.key().is_none() || formats.contains(&place.format) {
            return self.refetched.clear();
        }
        if self.refetched != formats {
            log::info!("revision {} is wanted in one of the formats {formats:?}", place.revision);
            self.refetched = formats;
            self.poll.continue_after(None);
            self.poll.restart();
        }
    }
}
