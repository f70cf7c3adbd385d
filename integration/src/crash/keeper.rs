//! The publisher's process, and what it said.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use graylane_rules::Revision;
use graylane_store::{Digest, Head};

use super::publishing::{ACKNOWLEDGED, UNKNOWN};
use crate::process::{Process, Second, Tap};

/// How long a publisher may take to publish something, members failing or not.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a publisher said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) acknowledged: Vec<Head>,
    /// Of which it does not know.
    pub(super) unknown: Vec<Head>,
}

/// A running publisher.
#[derive(Debug)]
pub(super) struct Publisher {
    process: Process,
    said: Arc<(Mutex<Said>, Condvar)>,
}

impl Publisher {
    pub(super) fn start(program: &Path, url: &str, number: usize) -> Self {
        let said: Arc<(Mutex<Said>, Condvar)> = Arc::default();
        let hears = Arc::clone(&said);
        let tap = Tap::new(move |line| {
            hears.0.lock().expect("nobody panics with it").hear(line);
            hears.1.notify_all();
        });
        let process = Process::start_read(
            "publisher",
            program,
            &[url, &format!("publisher {number}")],
            Some(Second::Tap(tap)),
            None,
        );
        Self { process, said }
    }

    /// Waits until so many more revisions are acknowledged.
    ///
    /// # Panics
    /// Where they are not within a minute.
    pub(super) fn go_on(&self, more: usize) {
        let (said, changed) = &*self.said;
        let said = said.lock().expect("nobody panics with it");
        let enough = said.acknowledged.len() + more;
        let waited = changed.wait_timeout_while(said, PATIENCE, |said| said.acknowledged.len() < enough);
        let (said, waited) = waited.expect("nobody panics with it");
        assert!(!waited.timed_out(), "found {} acknowledged, expected {enough}", said.acknowledged.len());
    }

    /// Kills it, and gives everything that it said.
    pub(super) fn kill(self) -> Said {
        // Whatever it wrote is read before this returns.
        self.process.kill();
        std::mem::take(&mut *self.said.0.lock().expect("nobody panics with it"))
    }
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let what = words.next();
        let head = (|| {
            let revision: Revision = words.next()?.parse().ok()?;
            let manifest: Digest = words.next()?.parse().ok()?;
            Some(Head { revision, manifest })
        })();
        match (what, head) {
            (Some(ACKNOWLEDGED), Some(head)) => self.acknowledged.push(head),
            (Some(UNKNOWN), Some(head)) => self.unknown.push(head),
            // It may be killed in the middle of a line, which then says nothing.
            _ => {}
        }
    }
}
