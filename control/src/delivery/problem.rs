//! Errors as RFC 9457 has them.

use axum::{
    body::to_bytes,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// The most that is read of what is said in plain text, in bytes.
const PLAIN_LIMIT: usize = 4_096;

/// What axum begins with where it cannot read a path.
const PATH: &str = "Invalid URL: ";

/// The same answer, as a problem where it refuses in plain text: what no handler was asked about, such as a path that is no text.
pub async fn of_plain(uri: Uri, response: Response) -> Response {
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    let media_type = response.headers().get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    if !is_refusal || media_type.is_none_or(|value| !value.starts_with(b"text/plain")) {
        return response;
    }
    let (head, body) = response.into_parts();
    let said = to_bytes(body, PLAIN_LIMIT).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let detail = match said.strip_prefix(PATH) {
        Some(why) => format!("found the path {:?} ({why}), expected UTF-8, percent-encoded", uri.path()),
        None => format!("found a request that cannot be used ({said}), expected one as in /v1/openapi.json"),
    };
    let mut problem = Problem::new(head.status, detail).into_response();
    for (name, value) in &head.headers {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

/// An answer that says what went wrong.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    more: Map<String, Value>,
}

impl Problem {
    /// `detail` says where, what was found and what would be right.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), more: Map::new() }
    }

    /// The same, with a member of its own.
    pub fn with(mut self, member: &str, value: Value) -> Self {
        self.more.insert(member.to_owned(), value);
        self
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more);
        }
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
