//! The stream of events: server-sent events, one for each thing that happens.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::error::RecvError;

use super::problem::Problem;
use crate::{
    events::{Event, LISTENERS, Listener},
    namespace::Namespace,
};

/// How often something is sent where nothing happens: so that a peer that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers with what happens from now on, until serving ends or the listener is too far behind.
pub async fn tell(State(namespace): State<Arc<Namespace>>) -> Result<Response, Problem> {
    let crowded = || {
        let detail = format!("found {LISTENERS} that listen already, expected fewer");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    };
    let listener = namespace.events.listen().ok_or_else(crowded)?;
    let told = told(Telling { listener, namespace, waiting: VecDeque::new(), ended: false });
    Ok(Sse::new(told).keep_alive(sse::KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

struct Telling {
    listener: Listener,
    namespace: Arc<Namespace>,
    /// What was told at once and is still to be sent.
    waiting: VecDeque<sse::Event>,
    ended: bool,
}

fn told(telling: Telling) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold(telling, |mut telling| async move {
        let event = telling.next().await?;
        Some((Ok(event), telling))
    })
}

impl Telling {
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let received = tokio::select! {
                biased;
                received = self.listener.receiver.recv() => received,
                () = self.namespace.drained() => return None,
            };
            match received {
                Ok(events) => self.waiting.extend(events.iter().filter_map(written)),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(missed)) => {
                    // Going on would look as if nothing had been missed.
                    self.ended = true;
                    let why = format!(
                        "{{\"event\":\"Cut\",\"why\":\"found {missed} tellings unread, expected a faster reader\"}}"
                    );
                    self.waiting.push_back(sse::Event::default().event("Cut").data(why));
                }
            }
        }
    }
}

/// An event as it is sent; JSON cannot fail for what it is made of.
fn written(event: &Event) -> Option<sse::Event> {
    let text = serde_json::to_string(event).ok()?;
    Some(sse::Event::default().event(event.name()).data(text))
}
