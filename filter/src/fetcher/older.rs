//! The newest snapshot in an older format as well, for the day on which the filter is replaced by an older one.
//!
//! An older filter that comes by ECDS cannot read what the one before it was given, and the control plane need not be there
//! to ask. So while all VMs read an older format besides, each revision is fetched in that one, too, and named beside the
//! newest as what everybody took. With one format, as long as there is only one, nothing is fetched twice.

use graylane_rules::{Revision, envelope::Head};

use super::{Fetcher, newest};
use crate::shelf;

/// A snapshot in an older format, kept until everybody has taken its revision.
#[derive(Debug)]
pub(super) struct Older {
    revision: Revision,
    format: u16,
    bytes: Vec<u8>,
}

impl Fetcher {
    /// Asks for what was fetched in `format` in the oldest format that all VMs read, if that is another one.
    pub(super) fn want_older(&mut self, format: u16) {
        self.older = None;
        if let Some(oldest) = self.table.formats().first().copied().filter(|oldest| *oldest < format) {
            self.poll.also_in(oldest);
        }
    }

    /// Keeps what came in an older format; another revision than the newest comes again in the usual way.
    pub(super) fn keep_older(&mut self, head: &Head, bytes: &[u8]) {
        let (revision, format) = (head.revision(), head.format);
        if revision != newest() {
            return;
        }
        self.older = Some(Older { revision, format, bytes: bytes.to_vec() });
        if self.table.all_run(revision) {
            self.prove(revision);
        }
    }

    /// Names `revision` as what everybody took, in the older format as well, if it is there.
    pub(super) fn prove(&mut self, revision: Revision) {
        if !shelf::prove(revision) {
            return;
        }
        let older = self.older.take_if(|older| older.revision == revision);
        if let Some(Older { format, bytes, .. }) = older {
            shelf::prove_also(self.writer, &bytes, revision, format);
        }
    }
}
