//! What all pages have in common.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{finding::is_active, namespace::Namespace};

/// What a page may load, and who may show it: from here alone, and nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Which of the pages that are linked from all others it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// How everything stands.
    Overview,
    /// What was published.
    History,
    /// Why a request goes where it goes.
    Explain,
    /// None of them.
    Elsewhere,
}

/// The pages that are linked from all others.
const PLACES: [(Place, &str, &str); 3] = [
    (Place::Overview, "/", "Overview"),
    (Place::History, "/history", "History"),
    (Place::Explain, "/explain", "Explain"),
];

/// A page: its `title`, and what is in it.
pub fn page(namespace: &Namespace, place: Place, title: &str, content: &Markup) -> Response {
    let name = &namespace.name;
    let is_live = place == Place::Overview;
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) " · " (name) " · Graylane" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="/page/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/page/style.css";
                @if is_live { script defer src="/page/live.js" {} }
            }
            body {
                a.skip href="#content" { "To the content" }
                header.top {
                    p.brand { a href="/" { "Graylane" } " " span.data title="the namespace" { (name) } }
                    nav aria-label="Pages" {
                        ul {
                            @for (other, path, label) in PLACES {
                                li { a href=(path) aria-current=[(other == place).then_some("page")] { (label) } }
                            }
                        }
                    }
                    @if is_live { p #live role="status" {} }
                }
                main #content tabindex="-1" { (content) }
            }
        }
    };
    html_of(&whole)
}

/// A page that says what went wrong; `detail` says what was found and what would be right.
pub fn failure(namespace: &Namespace, status: StatusCode, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let content = html! {
        h1 { (title) }
        p.found { (detail) }
        p { a href="/" { "To the overview" } }
    };
    (status, page(namespace, Place::Elsewhere, title, &content)).into_response()
}

fn html_of(markup: &Markup) -> Response {
    let media_type = HeaderValue::from_static("text/html; charset=utf-8");
    guarded(([(header::CONTENT_TYPE, media_type)], harmless(&markup.0)).into_response())
}

/// HTML as it is shown: what others said in it neither hides nor reorders anything, and drives no terminal that it is printed
/// on. Whatever is told of the page passes through here.
pub fn harmless(html: &str) -> String {
    let escape = |letter: char| match letter {
        '\n' | '\r' | '\t' => String::from(letter),
        _ if is_active(letter) => letter.escape_default().collect(),
        _ => String::from(letter),
    };
    html.chars().map(escape).collect()
}

/// The answer with the headers that keep a browser from doing more with it than to show it.
pub fn guarded(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
