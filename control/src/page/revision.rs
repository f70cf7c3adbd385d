//! One revision: what it says of itself, how it differs from the one before, and its documents.

use axum::{extract::Path, http::StatusCode, response::Response};
use graylane_rules::Revision;
use graylane_store::{Manifest, StoreError, manifest};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{
    history,
    layout::{self, Place},
    overview,
    reader::Reader,
    words::{counted, time},
};
use crate::{
    difference::text,
    finding::one_line,
    namespace::Namespace,
    revisions::{self, Difference, Refusal, Revisions, json::Text},
};

/// The most bytes of documents on a page.
const SHOWN: usize = 512 << 10;

/// The page of one revision.
pub async fn show(Reader(namespace): Reader, Path(number): Path<String>) -> Response {
    let Some(revisions) = &namespace.revisions else {
        return layout::page(&namespace, Place::History, "History", &history::none(&namespace));
    };
    let Ok(number) = number.parse::<Revision>() else {
        let detail = format!("found {number:?}, expected a revision, such as 1732450000.7");
        return layout::failure(&namespace, StatusCode::NOT_FOUND, &detail);
    };
    match found(revisions, number).await {
        Ok((manifest, documents)) => {
            let content = content(&namespace, &manifest, &documents);
            layout::page(&namespace, Place::History, &format!("Revision {number}"), &content)
        }
        Err(why) => {
            let missing = matches!(why, Refusal::NotKept(_));
            let status = if missing { StatusCode::NOT_FOUND } else { StatusCode::SERVICE_UNAVAILABLE };
            layout::failure(&namespace, status, &why.to_string())
        }
    }
}

async fn found(revisions: &Revisions, number: Revision) -> Result<(Manifest, Vec<Text>), Refusal> {
    let store = |why: StoreError| Refusal::Store(why);
    let found = manifest(&*revisions.store, &revisions.namespace, number).await.map_err(store)?;
    let manifest = found.map_err(Refusal::NotKept)?;
    let documents = revisions.texts(&manifest).await.map_err(store)?.documents;
    Ok((manifest, documents))
}

fn content(namespace: &Namespace, manifest: &Manifest, documents: &[Text]) -> Markup {
    let text = manifest.revision.to_string();
    let is_head = namespace.published().is_some_and(|published| published.revision == manifest.revision);
    html! {
        h1 { "Revision " (overview::revision(&text)) }
        p.links {
            @if is_head { span { "This is what is published." } }
            @if let Some(previous) = manifest.previous { a rel="prev" href={ "/history/" (previous.revision) } { "The one before" } }
            a href="/history" { "History" }
        }
        (facts(manifest, namespace.clock.now().wall))
        h2 { "What changed" }
        (difference(&Difference::read(&manifest.difference)))
        h2 { (counted(documents.len(), "document")) }
        (texts(documents))
        p.quiet { "All of them, for programs: " span.data { "/v1/namespaces/" (namespace.name) "/revisions/" (text) "/documents" } }
    }
}

fn facts(manifest: &Manifest, now: Timestamp) -> Markup {
    let overlay = &manifest.overlay;
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "all rule sets".to_owned());
    let off: Vec<_> = overlay.off.iter().map(|off| name(&off.rule_set)).collect();
    let frozen: Vec<_> = overlay.frozen.iter().map(|freeze| name(&freeze.rule_set)).collect();
    html! {
        dl {
            dt { "What" } dd { (revisions::words_of(manifest)) }
            dt { "Who" } dd { (one_line(&manifest.actor)) }
            dt { "When" } dd { (time(now, manifest.at)) }
            dt { "Why" } dd { (manifest.reason) }
            @if !manifest.source.is_empty() { dt { "From" } dd.data { (one_line(&manifest.source)) } }
            @if !off.is_empty() { dt { "Off" } dd { (off.join(", ")) } }
            @if !frozen.is_empty() { dt { "Frozen" } dd { (frozen.join(", ")) } }
            @if !overlay.switches.is_empty() { dt { "Switches" } dd.data { (overlay.switches) } }
            dt { "Snapshot" } dd { span.data { (manifest.snapshot.object.sha256) } ", " (manifest.snapshot.object.size) " bytes" }
        }
    }
}

/// In the words of `graylane diff`: what is another, and who moves.
pub fn difference(difference: &Difference) -> Markup {
    let mut told = Vec::new();
    // Writing into memory fails never.
    let _ = text::write(&difference.rule_sets, &mut told);
    let told = String::from_utf8_lossy(&told);
    html! {
        @if !difference.overlay.is_empty() { ul { @for line in &difference.overlay { li { (one_line(line)) } } } }
        @if !difference.rule_sets.is_empty() || difference.overlay.is_empty() { pre.wrap { (told) } }
        @if difference.names_only { p.quiet { "The difference is too long to be kept: names alone." } }
    }
}

fn texts(documents: &[Text]) -> Markup {
    let mut room = SHOWN;
    let shown = documents.iter().take_while(|document| {
        let fits = document.text.len() <= room;
        room = room.saturating_sub(document.text.len());
        fits
    });
    let shown: Vec<_> = shown.collect();
    html! {
        @for document in &shown { details { summary { (one_line(&document.file)) } pre tabindex="0" { (document.text) } } }
        @if shown.len() < documents.len() {
            p.quiet { (counted(documents.len().saturating_sub(shown.len()), "more document")) ", too long to be shown here." }
        }
    }
}
