//! The board: each note a key, all notes of a poster with one lease.

mod desk;
mod follower;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use self::{desk::Desk, follower::Follower};
use super::{calls::Calls, keys::Keys};
use crate::{
    StoreError,
    board::{Board, NOTE_LIMIT, Notice},
};

/// So many notices may wait for a follower; etcd keeps the rest for it.
const NOTICES: usize = 256;
/// So many posts may wait.
const POSTS: usize = 256;

/// A board in etcd.
#[derive(Debug)]
pub(super) struct EtcdBoard {
    place: String,
    keys: Keys,
    calls: Arc<Calls>,
    poster: String,
    /// Where posts go; there is somebody at the desk from the first one on.
    desk: OnceLock<mpsc::Sender<Job>>,
}

/// What somebody wants to be posted.
#[derive(Debug)]
struct Job {
    namespace: String,
    notes: Vec<(String, Option<Vec<u8>>)>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl EtcdBoard {
    pub(super) fn new(place: &str, keys: &Keys, calls: &Arc<Calls>) -> Result<Self, String> {
        let poster = getrandom::u64().map_err(|why| format!("found no random number: {why}"))?;
        let (place, keys, calls) = (place.to_owned(), keys.clone(), Arc::clone(calls));
        Ok(Self { place, keys, calls, poster: format!("{poster:016x}"), desk: OnceLock::new() })
    }

    fn desk(&self) -> &mpsc::Sender<Job> {
        self.desk.get_or_init(|| {
            let (sender, jobs) = mpsc::channel(POSTS);
            let desk = Desk::new(&self.place, &self.keys, &self.calls, &self.poster);
            tokio::spawn(desk.serve(jobs));
            sender
        })
    }
}

#[async_trait]
impl Board for EtcdBoard {
    fn poster(&self) -> &str {
        &self.poster
    }

    async fn post(&self, namespace: &str, notes: Vec<(String, Option<Vec<u8>>)>) -> Result<(), StoreError> {
        let place = || self.place.clone();
        for (key, note) in &notes {
            let size = note.as_ref().map_or(0, Vec::len);
            if size > NOTE_LIMIT {
                let why = format!("found a note {key:?} of {size} bytes, expected at most {NOTE_LIMIT}");
                return Err(StoreError::Refused { place: place(), why });
            }
        }
        let gone =
            || StoreError::Unavailable { place: place(), why: "found nobody at the desk of the board".to_owned() };
        let (done, answer) = oneshot::channel();
        let job = Job { namespace: namespace.to_owned(), notes, done };
        self.desk().send(job).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    async fn follow(&self, namespace: &str) -> Result<mpsc::Receiver<Notice>, StoreError> {
        let (out, notices) = mpsc::channel(NOTICES);
        let mut follower = Follower::new(&self.calls, self.keys.board(namespace), out);
        let begin = follower.look().await.map_err(|failure| failure.at(&self.place))?;
        tokio::spawn(follower.follow(begin));
        Ok(notices)
    }
}
