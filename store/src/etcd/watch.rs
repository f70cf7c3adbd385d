//! Being told of what happens to keys.

use std::{sync::Arc, time::Duration};

use bytes::{Buf as _, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

use super::{
    calls::Calls,
    failure::Failure,
    wire::{Bytes, Event, Line, Watch, WatchAnswer, WatchCreate},
};

/// The most bytes of a line: what etcd cuts its answers to, in base64, and a good deal more.
const LINE: usize = 16 << 20;

/// A member that tells nothing for so long is asked whether it still belongs to the cluster: one that hangs, or is cut off from
/// the others, is silent.
const SILENCE: Duration = Duration::from_secs(2);
/// After so long without any news the stream is given up: that a member answers does not say that the stream is whole.
const STALE: Duration = Duration::from_secs(60);

/// A stream of what happens.
#[derive(Debug)]
pub(super) struct Watching {
    calls: Arc<Calls>,
    /// Whose stream it is.
    place: usize,
    body: Incoming,
    buffer: BytesMut,
    /// So much of the buffer has no end of a line in it.
    searched: usize,
}

impl Watching {
    /// Everything that happens to `key`, or to those from it to before `end`, from the revision `from` of etcd on.
    ///
    /// # Errors
    /// Where no member answers.
    pub(super) async fn open(
        calls: &Arc<Calls>,
        key: Vec<u8>,
        end: Option<Vec<u8>>,
        from: u64,
    ) -> Result<Self, Failure> {
        let create = WatchCreate { key: Bytes(key), range_end: end.map(Bytes), start_revision: from, fragment: true };
        let (place, body) = calls.stream("/v3/watch", &Watch { create_request: create }).await?;
        Ok(Self { calls: Arc::clone(calls), place, body, buffer: BytesMut::new(), searched: 0 })
    }

    /// What happened next. It may be dropped while it waits, and nothing is lost.
    ///
    /// # Errors
    /// Where the stream ended or may have ended, or etcd no longer knows what happened: then everything has to be read anew.
    pub(super) async fn news(&mut self) -> Result<Vec<Event>, Failure> {
        let begin = Instant::now();
        while begin.elapsed() < STALE {
            if let Ok(news) = timeout(SILENCE, self.next()).await {
                return news;
            }
            self.calls.probe(self.place).await?;
        }
        // Nobody's fault, most likely: there was nothing to tell.
        Err(Failure::Unknown("found a stream that was silent for long".to_owned()))
    }

    async fn next(&mut self) -> Result<Vec<Event>, Failure> {
        loop {
            while let Some(answer) = self.line()? {
                if answer.canceled {
                    let why = match answer.compact_revision {
                        0 => format!("found that etcd ended the watch: {}", answer.cancel_reason),
                        _ => "found that etcd has forgotten what happened meanwhile".to_owned(),
                    };
                    return Err(Failure::Unknown(why));
                }
                if !answer.events.is_empty() {
                    return Ok(answer.events);
                }
            }
            self.more().await?;
        }
    }

    /// The next whole line that is there.
    fn line(&mut self) -> Result<Option<WatchAnswer>, Failure> {
        let rest = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let line = self.buffer.split_to(self.searched.saturating_add(end));
        self.buffer.advance(1);
        self.searched = 0;
        match serde_json::from_slice(&line) {
            Ok(Line::Result(answer)) => Ok(Some(answer)),
            Ok(Line::Error(refusal)) => Err(self.broken(&refusal.said())),
            Err(why) => Err(self.broken(&why.to_string())),
        }
    }

    async fn more(&mut self) -> Result<(), Failure> {
        let frame = match self.body.frame().await {
            Some(Ok(frame)) => frame,
            Some(Err(why)) => return Err(self.broken(&why.to_string())),
            None => return Err(self.broken("it ended")),
        };
        if let Some(bytes) = frame.data_ref() {
            self.buffer.extend_from_slice(bytes);
        }
        if self.buffer.len() > LINE {
            return Err(self.broken("a line has no end"));
        }
        Ok(())
    }

    fn broken(&self, why: &str) -> Failure {
        self.calls.broke(self.place);
        Failure::Unknown(format!("found that the stream broke off: {why}"))
    }
}
