//! How everything stands: what is published, by whom and why, who runs it, and what is wrong.

mod envoys;
mod problems;
mod rule_sets;
mod standing;

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};

use super::{
    layout::{self, Place},
    reader::Reader,
};
use crate::namespace::Namespace;

pub use standing::revision;

/// A part of the overview, which changes by itself while the page is open: an element with an id.
pub type Part = Markup;

/// The overview.
pub async fn tell(Reader(namespace): Reader) -> Response {
    let parts = parts(&namespace).await;
    let content = html! { @for part in &parts { (part) } };
    layout::page(&namespace, Place::Overview, "Overview", &content)
}

/// Its parts, as everything stands now, in the order of the page.
pub async fn parts(namespace: &Arc<Namespace>) -> [Part; 4] {
    let now = namespace.clock.now();
    let published = namespace.published();
    let read = match &published {
        Some(published) => {
            Some(namespace.page.read(namespace.revisions.as_deref(), published).await.map_err(|why| why.to_string()))
        }
        None => None,
    };
    let observed = match &namespace.page.observed {
        Some(observed) => Some(observed.latest().await),
        None => None,
    };
    let overlay =
        published.as_ref().and_then(|published| published.manifest.as_ref()).map(|manifest| &manifest.overlay);
    [
        standing::part(namespace, published.as_deref(), now),
        problems::part(namespace),
        rule_sets::part(read.as_ref().map(|read| read.as_deref().map_err(String::as_str)), overlay, observed.as_ref()),
        envoys::part(namespace, now),
    ]
}
