//! Why a request goes where it goes, by what is published: a form, and what `graylane explain` says.

use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    layout::{self, Place},
    overview::revision,
    reader::Reader,
};
use crate::{
    curl,
    explanation::{self, Asked},
    namespace::Namespace,
    owned::Owned,
    publication::Publication,
    request::Request,
};

/// The most bytes of a method, of a URL, and of headers; and how many of these there may be.
const METHOD: usize = 32;
const URL: usize = 4_096;
const HEADERS: usize = 16 << 10;
const LINES: usize = 100;

/// The most bytes of an explanation that are shown: one goes by every rule that did not match.
const SHOWN: usize = 256 << 10;

/// The form, filled in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    method: String,
    url: String,
    headers: String,
}

/// The form; with a URL in it, the explanation as well. Nothing is sent, and nothing changes.
pub async fn tell(Reader(namespace): Reader, form: Result<Query<Form>, QueryRejection>) -> Response {
    let Ok(Query(form)) = form else {
        let detail = "found a query that cannot be read, expected method, url and headers";
        return layout::failure(&namespace, StatusCode::BAD_REQUEST, detail);
    };
    let asked = !form.url.trim().is_empty();
    let answer = asked.then(|| explained(&namespace, &form));
    let content = html! {
        h1 { "Explain a request" }
        p { "Which rule decides a request, and why the others do not, by what is published now. Nothing is sent." }
        (fields(&form))
        @match answer {
            None => {}
            Some(Ok(answer)) => { (answer) }
            Some(Err(why)) => { p.banner role="alert" { (why) } }
        }
    };
    layout::page(&namespace, Place::Explain, "Explain a request", &content)
}

fn fields(form: &Form) -> Markup {
    let method = if form.method.is_empty() { "GET" } else { &form.method };
    html! {
        form action="/explain" method="get" {
            div.row {
                div { label for="method" { "Method" } input #method name="method" value=(method) maxlength=(METHOD) autocomplete="off"; }
                div {
                    label for="url" { "URL" }
                    input #url name="url" value=(form.url) maxlength=(URL) required placeholder="https://shop.example.com/checkout"
                        autocomplete="off" spellcheck="false" inputmode="url";
                }
            }
            div {
                label for="headers" { "Headers, one a line" }
                textarea #headers name="headers" maxlength=(HEADERS) spellcheck="false" placeholder="x-user-id: 42" { "\n" (form.headers) }
            }
            button type="submit" { "Explain" }
        }
    }
}

fn explained(namespace: &Namespace, form: &Form) -> Result<Markup, String> {
    let published = namespace.published().ok_or("found nothing published, expected a revision")?;
    let mut request = form.request()?;
    request.time = Some(namespace.clock.now().wall);
    let text = explanation(&published, &request);
    let cut = text.floor_char_boundary(SHOWN);
    Ok(html! {
        h2 { "By revision " (revision(&published.revision.to_string())) }
        pre #explanation.wrap { (text.get(..cut).unwrap_or_default()) }
        @if cut < text.len() { p.quiet { "Cut here: `graylane explain` tells all of it." } }
    })
}

/// What `graylane explain` prints.
fn explanation(published: &Publication, as_sent: &Request) -> String {
    let (snapshot, mut request) = (published.snapshot(), as_sent.clone());
    let stripped = Owned::new(snapshot, &[]).strip(&mut request);
    let asked = Asked { as_sent, stripped: &stripped, request: &request, absent: None };
    let mut text = Vec::new();
    // Writing into memory fails never.
    let _ = explanation::write(&asked, snapshot, &published.documents, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

impl Form {
    /// The request that curl would send for it.
    fn request(&self) -> Result<Request, String> {
        bounded("method", self.method.len(), METHOD, "bytes")?;
        bounded("URL", self.url.len(), URL, "bytes")?;
        bounded("headers", self.headers.len(), HEADERS, "bytes")?;
        let lines: Vec<&str> = self.headers.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        bounded("headers", lines.len(), LINES, "lines")?;
        let mut words = Vec::new();
        let method = self.method.trim();
        if !method.is_empty() {
            words.extend(["--request".to_owned(), method.to_owned()]);
        }
        words.extend(lines.iter().flat_map(|line| ["--header".to_owned(), (*line).to_owned()]));
        words.extend(["--url".to_owned(), self.url.trim().to_owned()]);
        curl::parse(&words)
    }
}

fn bounded(what: &str, found: usize, most: usize, unit: &str) -> Result<(), String> {
    if found <= most {
        return Ok(());
    }
    Err(format!("{what}: found {found} {unit}, expected at most {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, headers: &str) -> Result<Request, String> {
        let [method, url, headers] = [method, url, headers].map(str::to_owned);
        Form { method, url, headers }.request()
    }

    #[test]
    fn a_form_is_the_request_that_curl_would_send() {
        let read = request(" POST ", " https://Shop/a?b=c ", "x-a: 1\r\n\r\n  host: other\n").unwrap();
        assert_eq!((read.method.as_str(), read.target.as_str()), ("POST", "/a?b=c"));
        assert_eq!(read.authority.as_deref(), Some("other"));
        assert!(read.headers.contains(&("x-a".to_owned(), b"1".to_vec())));
    }

    #[test]
    fn nothing_in_a_form_is_an_option_and_everything_is_bounded() {
        assert!(request("GET", "-o/tmp/x", "").is_ok_and(|read| read.authority.as_deref() == Some("-o")));
        for (method, url, headers, said) in [
            ("GET", "http://a", "-d: @/etc/passwd\n--next", "found the header \"--next\""),
            ("GET", "http://a", "@/etc/passwd", "found the header \"@/etc/passwd\""),
            ("-G", "http://a b", "", "found the URL"),
            ("GE T", "http://a", "", "found the method"),
            ("", &"x".repeat(URL + 1), "", "URL: found 4097 bytes, expected at most 4096"),
            ("", "http://a", &"x: 1\n".repeat(LINES + 1), "headers: found 101 lines, expected at most 100"),
            ("", "http://a", &"x".repeat(HEADERS + 1), "headers: found 16385 bytes"),
        ] {
            let refused = request(method, url, headers).unwrap_err();
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
