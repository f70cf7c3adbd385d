//! What the kernel's events say about a directory, and since when.

use std::{collections::BTreeSet, path::PathBuf, time::Instant};

use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind},
};

/// What the events told that nobody acted upon yet.
#[derive(Debug, Default)]
pub struct Events {
    /// The files that were written into and not closed since.
    writing: BTreeSet<PathBuf>,
    /// When the first of them came.
    first: Option<Instant>,
    /// When the first of them came that completes a change: a file closed, renamed, removed, linked.
    complete: Option<Instant>,
}

impl Events {
    /// Takes an event in; `inside` where it is about a file of the directory.
    pub fn note(&mut self, event: &Event, inside: bool) {
        let now = Instant::now();
        self.first.get_or_insert(now);
        if is_complete(event.kind) {
            self.complete.get_or_insert(now);
        }
        if inside {
            self.note_writing(event);
        }
    }

    /// Whether a file is being written.
    pub fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    /// Waits for no writer any longer.
    pub fn forget_writing(&mut self) {
        self.writing.clear();
    }

    /// When the first change was complete since this was last asked; else when the first event came.
    pub fn take_noticed(&mut self) -> Option<Instant> {
        let (first, complete) = (self.first.take(), self.complete.take());
        complete.or(first)
    }

    /// A file is being written from the first byte until it is closed or gone.
    fn note_writing(&mut self, event: &Event) {
        for path in &event.paths {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) => _ = self.writing.insert(path.clone()),
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(_)) => _ = self.writing.remove(path),
                _ => {}
            }
        }
    }
}

/// A new file and a piece of one are the beginning of a change; how long its writer takes for the rest is the writer's.
fn is_complete(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)))
}

/// Opening and reading is no change: the reader of the directory would wake itself for ever.
pub fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
