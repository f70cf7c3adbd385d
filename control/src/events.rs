//! What happens, told to whoever listens.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use graylane_rules::Revision;
use serde::Serialize;
use tokio::sync::broadcast;

use crate::{
    nodes::{Taken, Verdict},
    publication::Publication,
    revisions,
    switch_changes::SwitchChanged,
};

/// So many tellings, each of all that a revision or a report changed, are kept for a listener that reads slowly; one that is
/// further behind is cut off. A revision that ten thousand Envoys acknowledge at once is no reason for that, where a listener
/// reads at all.
pub const KEPT: usize = 4_096;

/// The most listeners at a time.
pub const LISTENERS: usize = 64;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
pub enum Event {
    /// A revision is delivered from now on.
    #[serde(rename = "Published")]
    Published {
        /// The revision.
        revision: String,
        /// What was done, in words, where a store keeps that.
        #[serde(skip_serializing_if = "Option::is_none")]
        action: Option<String>,
        /// Who did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        actor: Option<String>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A worker runs another revision than before.
    #[serde(rename = "Acknowledged")]
    Acknowledged {
        /// The revision.
        revision: String,
        /// Its Envoy's `--service-node`.
        node: String,
        /// Its own name.
        worker: String,
    },
    /// A worker refuses a revision.
    #[serde(rename = "Refused")]
    Refused {
        /// The revision.
        revision: String,
        /// Its Envoy's `--service-node`.
        node: String,
        /// Its own name.
        worker: String,
        /// Why; empty where it does not say.
        why: String,
    },
    /// Every live worker runs a revision.
    #[serde(rename = "InEffect")]
    InEffect {
        /// The revision.
        revision: String,
        /// How long that took, from the change to the last ack; not there where nobody was there to be waited for.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    },
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
            Event::Published { .. } => "Published",
            Event::Acknowledged { .. } => "Acknowledged",
            Event::Refused { .. } => "Refused",
            Event::InEffect { .. } => "InEffect",
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
    /// Tells that `publication` is delivered, and how switches changed with it.
    pub fn published(&self, publication: &Publication) {
        let revision = publication.revision.to_string();
        let manifest = publication.manifest.as_ref();
        let published = Event::Published {
            revision: revision.clone(),
            action: manifest.map(revisions::words_of),
            actor: manifest.map(|manifest| manifest.actor.clone()),
            reason: manifest.map(|manifest| manifest.reason.clone()),
        };
        let switched = |changed: &SwitchChanged| {
            let (revision, changed) = (revision.clone(), changed.clone());
            Event::SwitchChanged { revision, changed }
        };
        self.tell(std::iter::once(published).chain(publication.switch_changes.iter().map(switched)));
    }

    /// Tells what a report of `node` came to.
    pub fn reported(&self, node: &str, taken: &Taken) {
        let told = |verdict: &Verdict| {
            let (revision, node, worker) = (verdict.revision.to_string(), node.to_owned(), verdict.worker.clone());
            match &verdict.refused {
                None => Event::Acknowledged { revision, node, worker },
                Some(why) => Event::Refused { revision, node, worker, why: why.clone() },
            }
        };
        let in_effect = |revision: Revision| {
            let seconds = taken.effect.map(|effect| effect.as_secs_f64());
            Event::InEffect { revision: revision.to_string(), seconds }
        };
        let completed = taken.awaited.filter(|_| taken.completed).map(in_effect);
        self.tell(taken.verdicts.told.iter().map(told).chain(completed));
    }

    /// Tells what happened at once; where nobody listens there is nobody to tell.
    fn tell(&self, events: impl Iterator<Item = Event>) {
        if self.listening() == 0 {
            return;
        }
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
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
