//! What happens, told to whoever listens.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use graylane_rules::Revision;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::switch_changes::SwitchChanged;

/// So many tellings, each of all that a revision changed, are kept for a listener that reads slowly; one that is further
/// behind is cut off.
const KEPT: usize = 64;

/// The most listeners at a time.
pub const LISTENERS: usize = 64;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Event {
    /// A revision gives upstreams another value of a switch.
    #[serde(rename = "SwitchChanged")]
    SwitchChanged {
        /// The revision.
        revision: String,
        /// What changed.
        #[serde(flatten)]
        changed: SwitchChanged,
    },
}

impl Event {
    /// The name that listeners choose by.
    pub fn name(&self) -> &'static str {
        match self {
            Event::SwitchChanged { .. } => "SwitchChanged",
        }
    }
}

/// Where events are told.
pub struct Events {
    sender: broadcast::Sender<Arc<Vec<Event>>>,
    listening: AtomicUsize,
}

impl Default for Events {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(KEPT), listening: AtomicUsize::new(0) }
    }
}

/// Somebody who listens, counted while it lives.
pub struct Listener {
    events: Arc<Events>,
    /// What was told since it began to listen.
    pub receiver: broadcast::Receiver<Arc<Vec<Event>>>,
}

impl Events {
    /// Tells how switches changed with `revision`.
    pub fn switches_changed(&self, revision: Revision, changes: &[SwitchChanged]) {
        let event = |changed: &SwitchChanged| {
            let (revision, changed) = (revision.to_string(), changed.clone());
            Event::SwitchChanged { revision, changed }
        };
        let events: Vec<_> = changes.iter().map(event).collect();
        if !events.is_empty() {
            // Where nobody listens there is nobody to tell.
            let _ = self.sender.send(Arc::new(events));
        }
    }

    /// Begins to listen; None where too many do.
    pub fn listen(self: &Arc<Self>) -> Option<Listener> {
        let listener = Listener { events: Arc::clone(self), receiver: self.sender.subscribe() };
        (self.listening.fetch_add(1, Ordering::Relaxed) < LISTENERS).then_some(listener)
    }

    /// How many listen.
    pub fn listening(&self) -> usize {
        self.listening.load(Ordering::Relaxed)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.events.listening.fetch_sub(1, Ordering::Relaxed);
    }
}
