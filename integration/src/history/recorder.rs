//! The recorder: shared by everybody who sees something happen.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use graylane_rules::{Revision, Snapshot, envelope};

use super::{Ack, Bounds, History, Outcome, Published, Response, Served, Told, Upstream, Verdict, Worker};
use crate::{
    Request, access, eventually,
    load::{self, Record},
};

/// A history under way. Clones of it are the same one.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begin: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    history: History,
    /// Documents that were written, by the digest of what they compile to, and that control did not publish yet.
    written: VecDeque<(Duration, String)>,
    /// The digest of what was published last.
    newest: String,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A history that begins now.
    pub fn new() -> Self {
        Self(Arc::new(Inner { begin: Instant::now(), state: Mutex::default() }))
    }

    /// How long ago it began: the time of what happens now.
    pub fn now(&self) -> Duration {
        self.at(Instant::now())
    }

    /// Notes that nobody had `revision` before `at`, and that it may be served since.
    pub fn published(&self, at: Instant, revision: Revision, snapshot: Snapshot) {
        self.published_by(false, at, revision, snapshot);
    }

    /// The same; `spare`: by a control plane that fetchers ask only where another does not answer.
    pub(crate) fn published_by(&self, spare: bool, at: Instant, revision: Revision, snapshot: Snapshot) {
        let at = self.at(at);
        let mut state = self.state();
        if state.knows(revision, &snapshot) {
            return;
        }
        let digest = envelope::digest(snapshot.bytes());
        // What a file brings may be served since the file was renamed into place, not only since somebody noticed.
        let since = if spare { state.written_before(&digest, &snapshot) } else { state.take_written(&digest) };
        let since = since.unwrap_or(at);
        state.newest = digest;
        state.history.published.push(Published { at: since.min(at), revision, snapshot, spare });
    }

    /// Notes that what `documents` compile to is about to be written for control to publish.
    pub fn writes(&self, at: Instant, documents: &[String]) {
        let digest = envelope::digest(&crate::control::compiled(documents).snapshot);
        let at = self.at(at);
        let mut state = self.state();
        // The same rules again are no change, and get no revision.
        if state.written.back().map_or(&state.newest, |(_, digest)| digest) != &digest {
            state.written.push_back((at, digest));
        }
    }

    /// Notes what VMs said at `at`.
    pub fn acked(&self, at: Instant, workers: Vec<Worker>) {
        let at = self.at(at);
        let history = &mut self.state().history;
        for Worker { vm, revision, refusal } in workers {
            let ack = Ack {
                at,
                vm: history.names.of(&vm),
                revision,
                refusal: refusal.map(|refusal| history.names.of(&refusal)),
            };
            // A VM's word is news only where it differs from its last.
            let last = history.acks.iter().rev().find(|known| known.vm == ack.vm);
            if last.is_none_or(|last| Ack { at, ..*last } != ack) {
                history.acks.push(ack);
            }
        }
    }

    /// Notes a request of a load.
    pub fn finished(&self, request: &Request, record: &Record) {
        let history = &mut self.state().history;
        let outcome = match &record.outcome {
            Ok(outcome) => Outcome::Served(served(history, outcome)),
            Err(failure) => Outcome::Failed(history.names.of(&failure.to_string())),
        };
        let response = Response {
            connection: record.connection,
            stream: record.stream,
            request: history.place(request),
            due: self.at(record.due),
            begin: self.at(record.sent),
            end: self.at(record.finished),
            outcome,
        };
        history.responses.push(response);
    }

    /// Notes a line of the access log; anything else is passed over.
    pub fn logged(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<access::Access>(line) else { return };
        let Some(id) = line.request_id.as_deref().and_then(access::id) else { return };
        let history = &mut self.state().history;
        let (revision, variant, reason) = (line.revision.as_deref(), line.variant.as_deref(), line.reason.as_deref());
        let told = Told::of(&mut history.names, revision, variant, reason);
        history.log.insert(id, told);
    }

    /// Notes which documents the plugin configuration embeds.
    pub fn embeds(&self, documents: &[String]) {
        let snapshot = Snapshot::load(crate::control::compiled(documents).snapshot);
        self.state().history.embedded = Some(snapshot.expect("what was compiled loads"));
    }

    /// Waits until the access log has told of every answer so far. Not after Envoy was killed: it takes its last lines
    /// with it.
    pub fn await_logged(&self) {
        eventually("a line of the access log about every answer", || {
            let state = self.state();
            let untold =
                state.history.served().filter(|(_, served)| !state.history.log.contains_key(&served.id)).count();
            if untold == 0 { Ok(()) } else { Err(format!("found {untold} answers without one")) }
        });
    }

    /// How many requests ended so far.
    pub fn responses(&self) -> usize {
        self.state().history.responses.len()
    }

    /// How many of the requests that ended so far were begun after `since` and decided by `revision` or a later one.
    pub fn served_by(&self, revision: Revision, since: Duration) -> usize {
        let state = self.state();
        let begun = state.history.served().filter(|(response, _)| response.begin >= since);
        begun.filter(|(_, served)| served.told.revision >= Some(revision)).count()
    }

    /// Looks at the history as it is now.
    pub fn read<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.state().history)
    }

    /// Takes what was recorded so far; the recording begins anew, by the same clock.
    pub fn take(&self) -> History {
        std::mem::take(&mut *self.state()).history
    }

    /// Takes what was recorded so far, and proves the promises on it.
    ///
    /// # Panics
    /// Where one was broken, or fewer than `count` requests were held to them.
    pub fn assert_kept(&self, bounds: &Bounds, count: usize) -> Verdict {
        self.take().assert_kept(bounds, count)
    }

    fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.0.begin)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl State {
    /// When the documents of `digest` were written, whose publication was awaited; that of earlier ones no longer is.
    fn take_written(&mut self, digest: &str) -> Option<Duration> {
        let place = self.written.iter().position(|(_, written)| written == digest)?;
        self.written.drain(..=place).next_back().map(|(since, _)| since)
    }

    /// The same for a spare, which reads what another publishes as well, before or after it.
    fn written_before(&self, digest: &str, snapshot: &Snapshot) -> Option<Duration> {
        let written = self.written.iter().find(|(_, written)| written == digest).map(|(since, _)| *since);
        let same = |published: &&Published| published.snapshot.bytes() == snapshot.bytes();
        written.or_else(|| self.history.published.iter().rev().find(same).map(|published| published.at))
    }

    fn knows(&self, revision: Revision, snapshot: &Snapshot) -> bool {
        let mut known = self.history.published.iter().filter(|published| published.revision == revision);
        known.any(|published| published.snapshot.bytes() == snapshot.bytes())
    }
}

fn served(history: &mut History, outcome: &load::Outcome) -> Served {
    let names = &mut history.names;
    let told = [&outcome.revision, &outcome.variant, &outcome.reason].map(Option::as_deref);
    Served {
        id: outcome.id.unwrap_or_default(),
        upstream: Upstream {
            name: Some(names.of(&outcome.upstream)),
            revision: outcome.seen_revision.as_deref().and_then(|revision| revision.parse().ok()),
            variant: outcome.seen_variant.as_deref().map(|variant| names.of(variant)),
            flags: outcome.flags.as_deref().map(|flags| names.of(flags)),
        },
        told: Told::of(names, told[0], told[1], told[2]),
    }
}

#[cfg(test)]
mod tests;
