//! A stream whose other end may not take all the time in the world.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::metrics::Refusals;

/// The longest the head of a request may take, from the beginning of the connection or from its first byte.
pub const HEAD: Duration = Duration::from_secs(10);

/// So long nothing may be taken of what is written.
pub const STALL: Duration = Duration::from_secs(30);

/// A stream that fails where the head of a request takes longer than [`HEAD`], or its other end takes nothing for [`STALL`].
pub struct Paced<S> {
    stream: S,
    busy: Busy,
    head: Option<Pin<Box<Sleep>>>,
    stalled: Option<Pin<Box<Sleep>>>,
    refusals: Refusals,
}

/// Whether a request is being answered, so that what is read is no head.
#[derive(Clone, Debug, Default)]
pub struct Busy(Arc<AtomicBool>);

impl Busy {
    /// From now on one is, or none.
    pub fn set(&self, is: bool) {
        self.0.store(is, Ordering::Relaxed);
    }
}

impl<S> Paced<S> {
    /// Over `stream`, whose first head begins now.
    pub fn new(stream: S, busy: Busy, refusals: Refusals) -> Self {
        Self { stream, busy, head: Some(Box::pin(sleep(HEAD))), stalled: None, refusals }
    }

    /// What a write came to, where one that waits too long has failed.
    fn bounded<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        ready!(stalled.as_mut().poll(context));
        self.refusals.count("stalled");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.busy.0.load(Ordering::Relaxed) {
            this.head = None;
        } else if let Some(head) = &mut this.head
            && head.as_mut().poll(context).is_ready()
        {
            this.refusals.count("slow-head");
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut this.stream).poll_read(context, buffer));
        if buffer.filled().len() > before && !this.busy.0.load(Ordering::Relaxed) {
            // Whether these bytes are a whole head is seen when it is read on: then a request is being answered, or they are not.
            this.head.get_or_insert_with(|| Box::pin(sleep(HEAD)));
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.bounded(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.bounded(written, context)
    }

    // As the stream does: where it cannot, a snapshot would be copied for each connection.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.bounded(flushed, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(context);
        this.bounded(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_and_an_answer_and_a_pause_have_theirs() {
        let (mut client, server) = duplex(64);
        let busy = Busy::default();
        let mut paced = Paced::new(server, busy.clone(), Refusals::default());
        let mut buffer = [0; 8];
        client.write_all(b"GET").await.unwrap();
        assert_eq!(paced.read(&mut buffer).await.unwrap(), 3);
        busy.set(true);
        assert!(tokio::time::timeout(HEAD * 3, paced.read(&mut buffer)).await.is_err(), "it is answered");
        busy.set(false);
        assert!(tokio::time::timeout(HEAD * 3, paced.read(&mut buffer)).await.is_err(), "nothing has begun");
        let begun = Instant::now();
        loop {
            client.write_all(b"x").await.unwrap();
            match paced.read(&mut buffer).await {
                Ok(_) => sleep(HEAD / 4).await,
                Err(why) => break assert_eq!(why.kind(), io::ErrorKind::TimedOut),
            }
        }
        assert_eq!(begun.elapsed(), HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_word_ends() {
        let (_client, server) = duplex(64);
        let begun = Instant::now();
        let mut paced = Paced::new(server, Busy::default(), Refusals::default());
        assert!(paced.read(&mut [0; 8]).await.is_err());
        assert_eq!(begun.elapsed(), HEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_is_left_and_whoever_takes_something_is_not() {
        let (mut client, server) = duplex(64);
        let mut paced = Paced::new(server, Busy::default(), Refusals::default());
        let writing = tokio::spawn(async move { (paced.write_all(&[0; 1024]).await, Instant::now()) });
        for _ in 0..4 {
            sleep(STALL / 2).await;
            client.read_exact(&mut [0; 64]).await.unwrap();
        }
        let last = Instant::now();
        let (written, ended) = writing.await.unwrap();
        assert_eq!((written.unwrap_err().kind(), ended - last), (io::ErrorKind::TimedOut, STALL));
    }
}
