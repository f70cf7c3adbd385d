//! One connection: requests and answers, until either side ends it.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, watch},
    time::{Instant, sleep, timeout_at},
};

use super::paced::{Busy, Paced};
use crate::{access::Peer, metrics::Refusals};

/// So long a connection may be idle between two requests. A fetcher reports several times a minute.
const IDLE: Duration = Duration::from_secs(90);

/// The longest head of a request, in bytes.
const HEAD_LIMIT: usize = 16 << 10;

/// So much of what is read and written is buffered at most, in bytes; whole answers are shared by all who are sent them.
const BUFFER: usize = 64 << 10;

/// After so long a connection ends, so that whoever comes again shows a certificate that holds then.
const AGE: Duration = Duration::from_secs(3600);

/// So long a connection is open at most once it is to end, whatever goes on, such as a stream of events: longer than any poll
/// waits. It is the whole time from when keys and callers are others to the end of what was opened under the old ones.
const GRACE: Duration = Duration::from_secs(90);

/// A connection that is to end is open for so long at least, unless it was asked before: its first request is on its way.
const FIRST: Duration = Duration::from_secs(2);

/// A connection's two sides.
pub struct Talk {
    /// What answers.
    pub app: Router,
    /// Who asks.
    pub peer: Peer,
    /// Where refusals are counted.
    pub refusals: Refusals,
}

/// What ends connections.
pub struct Ends {
    /// Whether serving ends.
    pub serving: watch::Receiver<bool>,
    /// Told when keys or callers are others.
    renewed: watch::Receiver<()>,
    /// Since when the connection goes by those of then.
    since: Instant,
}

impl Ends {
    /// Those of a connection that begins now.
    pub fn new(serving: watch::Receiver<bool>, renewed: watch::Receiver<()>) -> Self {
        Self { serving, renewed, since: Instant::now() }
    }

    /// From now on the connection goes by what is in use: to be called before anything of that is taken.
    pub fn begin(&mut self) {
        self.renewed.mark_unchanged();
        self.since = Instant::now();
    }

    /// Waits until the connection is to end; gives the moment from which it may be open for [`GRACE`].
    async fn any(&mut self) -> Instant {
        // It was in its handshake: nobody noted when, but it was not before that began.
        let is_old = self.renewed.has_changed().unwrap_or_default();
        let Self { serving, renewed, since } = self;
        tokio::select! {
            _ = serving.wait_for(|ends| *ends) => {}
            _ = renewed.changed() => {}
            () = sleep(AGE) => {}
        }
        if is_old { *since } else { Instant::now() }
    }
}

impl Talk {
    /// Talks on `stream` until it is over. When it is to end, the request that is under way is answered first, and so is
    /// the first one of a connection that was just opened.
    pub async fn on<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, mut ends: Ends) {
        let (busy, asked, opened) = (Busy::default(), Arc::new(Notify::new()), Instant::now());
        let stream = TokioIo::new(Paced::new(stream, busy.clone(), self.refusals));
        let (app, peer) = (TowerToHyperService::new(self.app), self.peer);
        let told = Arc::clone(&asked);
        let service = service_fn(move |request: Request<Incoming>| {
            busy.set(true);
            told.notify_one();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            let answered = hyper::service::Service::call(&app, request);
            let busy = busy.clone();
            async move {
                let answer = answered.await;
                busy.set(false);
                answer
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(IDLE).max_header_size(HEAD_LIMIT).max_buf_size(BUFFER);
        let mut talking = pin!(http.serve_connection(stream, service));
        // What went wrong with a connection is its client's business, and counted where it is ours.
        tokio::select! {
            _ = talking.as_mut() => {}
            from = ends.any() => {
                tokio::select! {
                    _ = talking.as_mut() => return,
                    () = asked.notified() => {}
                    () = sleep(FIRST.saturating_sub(opened.elapsed())) => {}
                }
                talking.as_mut().graceful_shutdown();
                let _ = timeout_at(from.checked_add(GRACE).unwrap_or(from), talking).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    /// A connection to `app` that goes by `ends`.
    fn opened(app: Router, ends: Ends) -> DuplexStream {
        let (client, server) = duplex(1024);
        let peer = Peer { address: std::net::Ipv4Addr::LOCALHOST.into(), names: None };
        tokio::spawn(Talk { app, peer, refusals: Refusals::default() }.on(server, ends));
        client
    }

    /// A connection that is told to end now, and the time.
    fn told_to_end() -> (DuplexStream, Instant) {
        let (_, renewed) = watch::channel(());
        let (_, serving) = watch::channel(true);
        let app = Router::new().fallback(|| std::future::ready("here"));
        (opened(app, Ends::new(serving, renewed)), Instant::now())
    }

    async fn answer(client: &mut DuplexStream) -> String {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_of_a_connection_that_is_to_end_is_answered() {
        let (mut client, begun) = told_to_end();
        sleep(FIRST / 2).await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: control\r\n\r\n").await.unwrap();
        let answer = answer(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        assert_eq!(begun.elapsed(), FIRST / 2, "it ends with its answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_to_end_and_asks_nothing_ends_soon() {
        let (mut client, begun) = told_to_end();
        assert_eq!(answer(&mut client).await, "");
        assert_eq!(begun.elapsed(), FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_opened_under_old_keys_ends_in_time_however_late_its_handshake_and_its_request_are() {
        let (renew, renewed) = watch::channel(());
        let (_serving, serving) = watch::channel(false);
        let mut ends = Ends::new(serving, renewed);
        sleep(GRACE).await;
        ends.begin();
        let begun = Instant::now();
        renew.send_replace(());
        // The rest of the handshake.
        sleep(FIRST * 4).await;
        let app = Router::new().fallback(std::future::pending::<&str>);
        let mut client = opened(app, ends);
        sleep(FIRST / 2).await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: control\r\n\r\n").await.unwrap();
        assert_eq!(answer(&mut client).await, "");
        assert_eq!(begun.elapsed(), GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_begins_after_keys_are_others_goes_on() {
        let (renew, renewed) = watch::channel(());
        let (_serving, serving) = watch::channel(false);
        let mut ends = Ends::new(serving, renewed);
        renew.send_replace(());
        ends.begin();
        let begun = Instant::now();
        let mut client = opened(Router::new().fallback(|| std::future::ready("here")), ends);
        sleep(FIRST * 2).await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: control\r\n\r\n").await.unwrap();
        assert!(answer(&mut client).await.ends_with("here"));
        assert_eq!(begun.elapsed(), FIRST * 2 + IDLE, "it was open for more");
    }
}
