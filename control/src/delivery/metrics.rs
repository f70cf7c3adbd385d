//! What Prometheus is told.

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};
use graylane_rules::SNAPSHOT_FORMAT;

use crate::{
    metrics::{MEDIA_TYPE, Standing},
    namespace::Namespace,
};

/// Answers with the metrics as OpenMetrics text.
pub async fn tell(State(namespace): State<Arc<Namespace>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], text(&namespace))
}

/// The metrics of a namespace, as it stands now.
pub fn text(namespace: &Namespace) -> String {
    let published = namespace.published();
    // As it would be delivered: an envelope that nobody asked for since yesterday is made anew when somebody does.
    let sealed = published.as_ref().and_then(|published| namespace.envelope(published, SNAPSHOT_FORMAT));
    namespace.metrics.text(&Standing {
        published: published.map(|published| (published.revision, published.at.wall)),
        expires: sealed.map_or(0, |sealed| sealed.head.expires),
        keys: namespace.sealer.keyring().ids().len(),
        waiting: namespace.waiting(),
        listeners: namespace.events.listening(),
        problems: namespace.problems(),
        tally: namespace.nodes().tally(namespace.clock.now().steady),
    })
}
