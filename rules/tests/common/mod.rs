//! Requests of the shared test data, as the decision sees them behind Envoy.

use std::collections::BTreeMap;

use graylane_rules::{Attributes, owned};
use serde::Deserialize;

/// The headers that the shipped configuration owns; hidden from every decision.
const OWNED: [&str; 5] =
    ["x-gray-variant", "x-feature-flags", "x-gray-experiment", "x-gray-evaluated-at", "x-gray-switches"];

/// A request as a case file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Request {
    method: String,
    path: String,
    host: String,
    headers: Vec<(String, String)>,
    headers_hex: Vec<(String, String)>,
    source: String,
    labels: BTreeMap<String, String>,
    unix_millis: i64,
    minted: Option<String>,
    peer: Option<String>,
    direction: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            host: "shop.example.com".to_owned(),
            headers: Vec::new(),
            headers_hex: Vec::new(),
            // As in the Envoy of the integration tests, but for the port and the time.
            source: "127.0.0.1:50000".to_owned(),
            labels: [("env", "staging"), ("region", "us"), ("app.kubernetes.io/name", "edge")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            unix_millis: 1_767_225_600_000,
            minted: None,
            peer: None,
            direction: None,
        }
    }
}

/// A request whose header values are bytes.
pub struct Bytes {
    request: Request,
    headers: Vec<(String, Vec<u8>)>,
    /// What is hidden.
    owned: Vec<(String, Vec<u8>)>,
}

impl From<Request> for Bytes {
    fn from(request: Request) -> Self {
        let plain = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        let hex = request.headers_hex.iter().map(|(name, value)| (name.to_ascii_lowercase(), unhex(value)));
        let hidden = |name: &str| OWNED.iter().any(|owned| owned::covers(owned.as_bytes(), name.as_bytes()));
        let (owned, headers) = plain.chain(hex).partition(|(name, _)| hidden(name));
        Self { request, headers, owned }
    }
}

impl Attributes for Bytes {
    fn method(&self) -> Option<&[u8]> {
        Some(self.request.method.as_bytes())
    }

    fn target(&self) -> Option<&[u8]> {
        Some(self.request.path.as_bytes())
    }

    fn authority(&self) -> Option<&[u8]> {
        Some(self.request.host.as_bytes())
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(found, _)| found.as_bytes() == name).map(|(_, value)| value.as_slice())
    }

    fn source(&self) -> Option<&[u8]> {
        Some(self.request.source.as_bytes())
    }

    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        let mut values = self.owned.iter().filter(|(found, _)| found.as_bytes() == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn peer(&self) -> Option<&[u8]> {
        self.request.peer.as_deref().map(str::as_bytes)
    }

    fn is_outbound(&self) -> bool {
        self.request.direction.as_deref() == Some("outbound")
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.request.labels.get(str::from_utf8(name).ok()?).map(String::as_bytes)
    }

    fn now(&self) -> Option<i64> {
        Some(self.request.unix_millis)
    }

    fn minted(&self) -> Option<[u8; 16]> {
        let bytes = self.request.minted.as_deref().map(unhex)?;
        Some(bytes.try_into().expect("16 bytes"))
    }
}

/// Bytes from hexadecimal digits.
pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of digits: {text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}
