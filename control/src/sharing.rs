//! What Envoys report, shared between the control planes over one store: each Envoy reports to one of them, and whoever
//! publishes waits for all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use graylane_store::{Board, Digest, Notice};
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{
    clock::{Clock, Moment},
    mutex::locked,
    nodes::Report,
};

/// So often a report is posted that says nothing new, so that its Envoy is not thought silent elsewhere.
const AGAIN: Duration = Duration::from_secs(20);

/// So long after a failure the board is tried again.
const REST: Duration = Duration::from_millis(500);

/// What is posted, and what is still to be.
#[derive(Debug)]
pub struct Sharing {
    board: Arc<dyn Board>,
    posted: Mutex<BTreeMap<String, Posted>>,
    pending: Mutex<BTreeMap<String, Vec<u8>>>,
    woken: Notify,
}

/// What was last posted of an Envoy.
#[derive(Clone, Copy, Debug)]
struct Posted {
    report: Digest,
    at: Instant,
}

impl Sharing {
    /// By way of this board.
    pub fn by(board: Arc<dyn Board>) -> Self {
        Self { board, posted: Mutex::default(), pending: Mutex::default(), woken: Notify::new() }
    }

    /// Posts the report `body` of the Envoy `node`, which arrived at `now`, unless it says what it said before.
    pub fn share(&self, node: &str, body: &[u8], now: Moment) {
        let (key, report) = (key(node), Digest::of(body));
        let mut posted = locked(&self.posted);
        let is_known =
            |before: &&Posted| before.report == report && now.steady.saturating_duration_since(before.at) < AGAIN;
        if posted.get(&key).filter(is_known).is_some() {
            return;
        }
        posted.insert(key.clone(), Posted { report, at: now.steady });
        let mut note = now.wall.as_millisecond().to_string().into_bytes();
        note.push(b'\n');
        note.extend_from_slice(body);
        locked(&self.pending).insert(key, note);
        self.woken.notify_one();
    }

    /// Posts what is shared, for ever.
    pub async fn post(&self, namespace: &str) {
        loop {
            self.woken.notified().await;
            let pending = std::mem::take(&mut *locked(&self.pending));
            let notes: Vec<_> = pending.iter().map(|(key, note)| (key.clone(), Some(note.clone()))).collect();
            if notes.is_empty() {
                continue;
            }
            if let Err(why) = self.board.post(namespace, notes).await {
                tracing::warn!("reports of Envoys cannot be shared: {why}");
                self.put_back(pending);
                tokio::time::sleep(REST).await;
                self.woken.notify_one();
            }
        }
    }

    /// What was not posted is to be, unless something newer is.
    fn put_back(&self, mut notes: BTreeMap<String, Vec<u8>>) {
        let mut pending = locked(&self.pending);
        notes.append(&mut pending);
        *pending = notes;
    }

    /// Has `take` take in what others share, for ever.
    pub async fn follow(&self, namespace: &str, clock: &Clock, take: impl Fn(Report, Moment)) {
        let mut latest: BTreeMap<String, i64> = BTreeMap::new();
        loop {
            match self.board.follow(namespace).await {
                Ok(mut notices) => {
                    while let Some(notice) = notices.recv().await {
                        if let Some((report, at)) = self.news(notice, clock.now(), &mut latest) {
                            take(report, at);
                        }
                    }
                }
                Err(why) => tracing::warn!("reports to other control planes are not known: {why}"),
            }
            tokio::time::sleep(REST).await;
        }
    }

    /// What another one shares and when that was, where it is newer than what is known of that Envoy.
    fn news(&self, notice: Notice, mut now: Moment, latest: &mut BTreeMap<String, i64>) -> Option<(Report, Moment)> {
        let Notice::Posted { poster, key, note } = notice else { return None };
        if poster == self.board.poster() {
            return None;
        }
        let (at, report) = read(&note)?;
        if latest.get(&key).is_some_and(|known| *known >= at) {
            return None;
        }
        latest.insert(key, at);
        // What is older than a report gets before it is posted again is of an Envoy that fell silent then.
        let age = now.wall.as_millisecond().saturating_sub(at).max(0);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        if age > AGAIN {
            now.steady = now.steady.checked_sub(age).unwrap_or(now.steady);
            now.wall = Timestamp::from_millisecond(at).unwrap_or(now.wall);
        }
        Some((report, now))
    }
}

fn read(note: &[u8]) -> Option<(i64, Report)> {
    let end = note.iter().position(|byte| *byte == b'\n')?;
    let (at, body) = note.split_at_checked(end)?;
    let at = std::str::from_utf8(at).ok()?.parse().ok()?;
    Some((at, Report::parse(body.get(1..)?).ok()?))
}

/// The key of an Envoy's note: a node id may be any text.
fn key(node: &str) -> String {
    Digest::of(node.as_bytes()).to_string()
}
