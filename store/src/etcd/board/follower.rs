//! Whoever follows the notes of a namespace.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::sleep};

use crate::{
    board::Notice,
    etcd::{
        calls::Calls,
        failure::Failure,
        keys,
        pages::{self, Values},
        watch::Watching,
        wire::{Event, EventKind, Kv},
    },
};

/// The longest pause where nobody answers.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Follower {
    calls: Arc<Calls>,
    /// What all keys of the namespace begin with.
    under: String,
    /// At which revision of etcd each note was put that the receiver was told of.
    told: BTreeMap<Vec<u8>, u64>,
    out: mpsc::Sender<Notice>,
}

/// Notes as they are, and the revision of etcd behind which everything that happens is news.
#[derive(Debug)]
pub(super) struct Look(pages::Found);

/// Why following ends.
#[derive(Debug)]
enum End {
    /// Nobody listens.
    Left,
    /// Everything has to be looked at anew.
    Lost,
}

impl From<Failure> for End {
    fn from(_: Failure) -> Self {
        Self::Lost
    }
}

impl Follower {
    pub(super) fn new(calls: &Arc<Calls>, under: String, out: mpsc::Sender<Notice>) -> Self {
        Self { calls: Arc::clone(calls), under, told: BTreeMap::new(), out }
    }

    /// Looks at everything.
    pub(super) async fn look(&mut self) -> Result<Look, Failure> {
        pages::all(&self.calls, &self.under, Values::Large, false).await.map(Look)
    }

    /// Tells of everything until nobody listens any more.
    pub(super) async fn follow(mut self, begin: Look) {
        let mut look = Some(begin);
        let mut first = true;
        let mut pause = Duration::from_millis(20);
        loop {
            let ended = match look.take() {
                Some(look) => self.from(look, std::mem::take(&mut first)).await,
                None => End::Lost,
            };
            if matches!(ended, End::Left) || self.out.is_closed() {
                return;
            }
            look = self.look().await.ok();
            pause = if look.is_some() { Duration::from_millis(20) } else { pause.saturating_mul(2).min(PAUSE) };
            sleep(pause).await;
        }
    }

    /// Tells how it is, and then what happens.
    async fn from(&mut self, look: Look, first: bool) -> End {
        let revision = look.0.revision;
        let done = async {
            self.tell_all(look.0.kvs).await?;
            if first {
                self.send(Notice::Complete).await?;
            }
            self.watch(revision.saturating_add(1)).await
        };
        done.await.err().unwrap_or(End::Lost)
    }

    async fn watch(&mut self, from: u64) -> Result<(), End> {
        let (key, end) = (self.under.clone().into_bytes(), keys::behind(&self.under));
        let mut watching = Watching::open(&self.calls, key, Some(end), from).await?;
        loop {
            let events = tokio::select! {
                events = watching.news() => events?,
                () = self.out.closed() => return Err(End::Left),
            };
            for event in events {
                self.tell(event).await?;
            }
        }
    }

    async fn tell(&mut self, event: Event) -> Result<(), End> {
        let known = self.told.get(&event.kv.key.0).copied();
        match event.kind {
            // What was read later than the stream began is told already.
            _ if known.is_some_and(|known| known >= event.kv.mod_revision) => Ok(()),
            EventKind::Put => self.posted(event.kv).await,
            EventKind::Delete if known.is_some() => self.gone(&event.kv.key.0).await,
            EventKind::Delete => Ok(()),
        }
    }

    async fn tell_all(&mut self, all: Vec<Kv>) -> Result<(), End> {
        let there: std::collections::BTreeSet<_> = all.iter().map(|kv| kv.key.0.clone()).collect();
        let gone: Vec<_> = self.told.keys().filter(|key| !there.contains(*key)).cloned().collect();
        for key in gone {
            self.gone(&key).await?;
        }
        for kv in all {
            if self.told.get(&kv.key.0) != Some(&kv.mod_revision) {
                self.posted(kv).await?;
            }
        }
        Ok(())
    }

    async fn posted(&mut self, kv: Kv) -> Result<(), End> {
        let Some((poster, key)) = keys::note_name(&kv.key.0, &self.under) else { return Ok(()) };
        self.told.insert(kv.key.0, kv.mod_revision);
        self.send(Notice::Posted { poster, key, note: kv.value.0 }).await
    }

    async fn gone(&mut self, name: &[u8]) -> Result<(), End> {
        self.told.remove(name);
        let Some((poster, key)) = keys::note_name(name, &self.under) else { return Ok(()) };
        self.send(Notice::Gone { poster, key }).await
    }

    async fn send(&self, notice: Notice) -> Result<(), End> {
        self.out.send(notice).await.map_err(|_| End::Left)
    }
}
