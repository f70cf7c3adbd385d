//! What was published: who, when, why, and what changed.

use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use graylane_rules::Revision;
use graylane_store::Manifest;
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    layout::{self, Place},
    overview::revision,
    reader::Reader,
    words::time,
};
use crate::{
    finding::one_line,
    namespace::Namespace,
    revisions::{self, Difference},
};

/// So many revisions are on a page.
const PAGE: usize = 25;

/// Which part of the history.
#[derive(Debug, Deserialize)]
pub struct Part {
    before: Option<String>,
}

/// A page of the history, the newest first.
pub async fn list(Reader(namespace): Reader, part: Result<Query<Part>, QueryRejection>) -> Response {
    let Ok(Query(Part { before })) = part else {
        let detail = "found a query that cannot be read, expected ?before=EPOCH.NUMBER";
        return layout::failure(&namespace, StatusCode::BAD_REQUEST, detail);
    };
    let before: Option<Revision> = match before.as_deref().map(str::parse).transpose() {
        Ok(before) => before,
        Err(_) => {
            let detail = "before: found no revision, expected one, such as 1732450000.7";
            return layout::failure(&namespace, StatusCode::BAD_REQUEST, detail);
        }
    };
    let Some(revisions) = &namespace.revisions else {
        return layout::page(&namespace, Place::History, "History", &none(&namespace));
    };
    // One more tells whether there is another page.
    match revisions.history(before, PAGE.saturating_add(1)).await {
        Ok(manifests) => {
            let content = table(&manifests, before, namespace.clock.now().wall);
            layout::page(&namespace, Place::History, "History", &content)
        }
        Err(why) => layout::failure(&namespace, StatusCode::SERVICE_UNAVAILABLE, &why.to_string()),
    }
}

/// What a directory has instead of a history.
pub fn none(namespace: &Namespace) -> Markup {
    let published = namespace.published();
    html! {
        h1 { "History" }
        p { "A directory is served, and a directory keeps no revisions: who changed it, when and why is where it comes from, as in git." }
        p.quiet {
            "With " code { "graylane serve --store redb://PATH" } " and " code { "graylane publish" }
            ", every revision is kept, with who made it, why, and what changed."
        }
        @if let Some(published) = published {
            p { "Published now: " (revision(&published.revision.to_string())) ", " (time(namespace.clock.now().wall, published.at.wall)) "." }
        }
    }
}

fn table(manifests: &[Manifest], before: Option<Revision>, now: Timestamp) -> Markup {
    let shown = manifests.get(..PAGE.min(manifests.len())).unwrap_or_default();
    let older = shown.last().filter(|_| manifests.len() > shown.len());
    html! {
        h1 { "History" }
        @if shown.is_empty() {
            p { @if before.is_some() { "Nothing is older." } @else { "Nothing is published." } }
        } @else {
            table.history {
                caption.hidden { "Revisions, the newest first" }
                thead {
                    tr { @for heading in ["Revision", "When", "Who", "What", "Changes", "Why"] { th scope="col" { (heading) } } }
                }
                tbody { @for manifest in shown { (row(manifest, now)) } }
            }
        }
        p.links {
            @if before.is_some() { a href="/history" { "Newest" } }
            @if let Some(older) = older { a rel="next" href={ "/history?before=" (older.revision) } { "Older" } }
        }
    }
}

fn row(manifest: &Manifest, now: Timestamp) -> Markup {
    let text = manifest.revision.to_string();
    let changes = Difference::read(&manifest.difference).summary();
    html! {
        tr {
            th scope="row" { a href={ "/history/" (text) } { (revision(&text)) } }
            td { (time(now, manifest.at)) }
            td.reason { (one_line(&manifest.actor)) }
            td { (revisions::words_of(manifest)) }
            td.reason { (one_line(&changes)) }
            td.reason { (one_line(&manifest.reason)) }
        }
    }
}
