//! Making revisions: what is proposed, on what stands, into the store.
//!
//! A [`Proposal`] is applied to the [`Base`], the head of the namespace; what comes out is compiled, compared, and written in
//! one transaction. Nothing that is refused has changed anything.

mod base;
mod composing;
mod content;
mod difference;
mod files;
pub mod following;
pub mod json;
mod listed;
mod locks;
mod making;
mod overridden;
mod proposal;
mod reading;
mod refusal;
mod restoring;
mod running;
mod words;
mod writing;

pub use base::{Base, Held};
pub use difference::Difference;
pub use following::follow;
pub use locks::complete as complete_locks;
pub use making::{Made, Outcome};
pub use proposal::{Proposal, Sample, Wish};
pub use refusal::Refusal;
pub use running::Running;
use words::words;
pub use words::words_of;

use std::sync::{Arc, Mutex};

use graylane_store::Store;

use crate::{clock::Clock, mutex::locked};

/// The revisions of one namespace in one store.
#[derive(Debug)]
pub struct Revisions {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// The namespace.
    pub namespace: String,
    /// What they go by.
    pub clock: Clock,
    /// The headers that documents may set; empty: any.
    pub owned: Vec<String>,
    /// Held by whoever works on all of them, such as a backup: one at a time is enough for any machine.
    pub chores: Arc<tokio::sync::Mutex<()>>,
    /// What was read last: the head is the same most of the time.
    read: Mutex<Option<Arc<Base>>>,
}

impl Revisions {
    /// Those of `namespace` in `store`.
    pub fn new(store: Arc<dyn Store>, namespace: impl Into<String>, clock: Clock, owned: Vec<String>) -> Self {
        Self { store, namespace: namespace.into(), clock, owned, chores: Arc::default(), read: Mutex::default() }
    }

    fn remembered(&self) -> Option<Arc<Base>> {
        locked(&self.read).clone()
    }

    fn remember(&self, base: &Arc<Base>) {
        *locked(&self.read) = Some(Arc::clone(base));
    }
}
