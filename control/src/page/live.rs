//! The overview while it changes: its parts as server-sent events, each as soon as it says something else.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream::{self, Stream};

use super::{layout, overview, reader::Reader};
use crate::{
    events::{LISTENERS, Listener},
    namespace::{Namespace, Watching},
};

/// So long nothing is sent after something was: ten times a second is as often as anybody looks.
const REST: Duration = Duration::from_millis(100);

/// After a look that took long there is a longer rest: at most a twentieth of the time is spent on a browser.
const SHARE: u32 = 20;

/// So long without a change, times are told anew, and what is no event is noticed: an Envoy that is silent, say.
const TICK: Duration = Duration::from_secs(5);

/// Answers with the parts that change from now on, until serving ends.
pub async fn tell(Reader(namespace): Reader) -> Response {
    let Some(listener) = namespace.events.listen() else {
        let detail = format!("found {LISTENERS} that listen already, expected fewer");
        return layout::failure(&namespace, StatusCode::SERVICE_UNAVAILABLE, &detail);
    };
    let watching = namespace.watch();
    let telling = Telling { namespace, watching, sent: Vec::new(), rest: Duration::ZERO, _counted: listener };
    layout::guarded(Sse::new(told(telling)).keep_alive(sse::KeepAlive::new()).into_response())
}

struct Telling {
    namespace: Arc<Namespace>,
    watching: Watching,
    /// What the browser shows.
    sent: Vec<String>,
    rest: Duration,
    _counted: Listener,
}

fn told(telling: Telling) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    let batches = stream::unfold(telling, |mut telling| async move {
        let events = telling.next().await?;
        Some((stream::iter(events.into_iter().map(Ok)), telling))
    });
    futures_util::StreamExt::flatten(batches)
}

impl Telling {
    /// What changed, as soon as something does; however much happens meanwhile, it is told once.
    async fn next(&mut self) -> Option<Vec<sse::Event>> {
        tokio::time::sleep(self.rest).await;
        if !self.sent.is_empty() {
            tokio::select! {
                biased;
                () = self.namespace.drained() => return None,
                () = self.watching.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        let began = Instant::now();
        let parts = overview::parts(&self.namespace).await.map(|part| layout::harmless(&part.into_string()));
        self.rest = REST.max(began.elapsed().saturating_mul(SHARE));
        let is_new = |part: &&String| !self.sent.contains(part);
        let events = parts.iter().filter(is_new).map(|part| sse::Event::default().event("part").data(part)).collect();
        self.sent = parts.into();
        Some(events)
    }
}
