//! A body that ends too early.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::time::{Sleep, sleep};

/// How long the connection stays after the first part, so that this part is really sent.
const PAUSE: Duration = Duration::from_millis(30);

/// Some bytes, and then an error, which makes the server close the connection.
pub(super) struct Torn {
    part: Option<Bytes>,
    pause: Pin<Box<Sleep>>,
}

impl Torn {
    /// The body that brings `part` and no more.
    pub(super) fn after(part: &[u8]) -> Self {
        Self { part: Some(Bytes::copy_from_slice(part)), pause: Box::pin(sleep(PAUSE)) }
    }
}

impl Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(part) = self.part.take() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        ready!(self.pause.as_mut().poll(context));
        Poll::Ready(Some(Err(io::Error::other("torn on purpose"))))
    }
}
