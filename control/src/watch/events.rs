//! What the kernel's events say about a directory, and since when.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, CreateKind, ModifyKind},
};

use crate::documents::{is_document, is_hidden};

/// So long a hidden file counts as being written after each piece. A copy's draft grows without a break; an editor keeps
/// its own file open for as long as somebody edits, and nobody's change may wait for that.
const DRAFT: Duration = Duration::from_millis(200);

/// What the events told that nobody acted upon yet.
#[derive(Debug, Default)]
pub struct Events {
    /// The documents and drafts that were written into and not closed since, and when that was.
    writing: BTreeMap<PathBuf, Instant>,
    /// When the last event came.
    last: Option<Instant>,
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
        self.last = Some(now);
        if is_complete(event.kind) {
            self.complete.get_or_insert(now);
        }
        if inside {
            self.note_writing(event);
        }
    }

    /// The files that are being written.
    pub fn writing(&self) -> impl Iterator<Item = &Path> {
        let writing = self.writing.iter().filter(|(path, last)| !is_hidden(path) || last.elapsed() < DRAFT);
        writing.map(|(path, _)| path.as_path())
    }

    /// How much of `quiet`, a time without events, is missing; None where nothing is.
    pub fn lacks(&self, quiet: Duration) -> Option<Duration> {
        let passed = self.last?.elapsed();
        quiet.checked_sub(passed).filter(|rest| !rest.is_zero())
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

    /// A file is being written from the first byte, or from when it appeared without any, until it is closed or gone.
    ///
    /// Nobody reads a file that is neither a document nor hidden, such as the log of the server itself, and somebody may
    /// write it for ever.
    fn note_writing(&mut self, event: &Event) {
        for path in event.paths.iter().filter(|path| is_document(path) || is_hidden(path)) {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) => _ = self.writing.insert(path.clone(), Instant::now()),
                // Made by `program >file`, and the program has not got to its first word.
                EventKind::Create(CreateKind::File) if is_empty(path) => {
                    self.writing.insert(path.clone(), Instant::now());
                }
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Remove(_)
                | EventKind::Modify(ModifyKind::Name(_)) => _ = self.writing.remove(path),
                _ => {}
            }
        }
    }
}

/// A hard link to a file, and a link by name, have something in them as a rule, and nobody closes them.
fn is_empty(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0)
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
