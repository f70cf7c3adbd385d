//! Bodies that come in pieces, all of them or not.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Sleep, sleep};

/// How long the connection stays after the first part of a torn body, so that this part is really sent.
const PAUSE: Duration = Duration::from_millis(30);
/// In how many pieces a body drips.
const DROPS: usize = 20;

/// Some pieces with a pause before each but the first, and then the end or an error, which makes the server close the
/// connection.
pub(crate) struct Pieces {
    rest: VecDeque<Bytes>,
    first: bool,
    pause: Duration,
    torn: bool,
    sleeping: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    /// The body that brings `part` and no more.
    pub(crate) fn torn_after(part: &[u8]) -> Self {
        Self { torn: true, ..Self::of([Bytes::copy_from_slice(part)].into(), PAUSE) }
    }

    /// The body that takes `over` from its first byte to its last.
    pub(crate) fn dripping(body: &[u8], over: Duration) -> Self {
        let pieces: VecDeque<_> = body.chunks(body.len().div_ceil(DROPS).max(1)).map(Bytes::copy_from_slice).collect();
        let pauses = u32::try_from(pieces.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Self::of(pieces, over / pauses.max(1))
    }

    fn of(rest: VecDeque<Bytes>, pause: Duration) -> Self {
        Self { rest, first: true, pause, torn: false, sleeping: None }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() && !self.torn {
            return Poll::Ready(None);
        }
        if !self.first {
            let pause = self.pause;
            let sleeping = self.sleeping.get_or_insert_with(|| Box::pin(sleep(pause)));
            ready!(sleeping.as_mut().poll(context));
            self.sleeping = None;
        }
        self.first = false;
        match self.rest.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None => {
                self.torn = false;
                Poll::Ready(Some(Err(io::Error::other("torn on purpose"))))
            }
        }
    }
}
