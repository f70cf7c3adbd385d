//! A request of borrowed strings.

use graylane_rules::{Attributes, HeaderNames};

/// A name and its value.
pub type Header = (&'static str, &'static str);

/// What a browser sends through a gateway, and what the rules of the workloads ask about.
pub struct Request {
    target: &'static str,
    headers: &'static [Header],
}

impl Request {
    /// A GET of `target` with these headers.
    pub const fn new(target: &'static str, headers: &'static [Header]) -> Self {
        Self { target, headers }
    }

    /// All headers, in order.
    pub fn all(&self) -> &'static [Header] {
        self.headers
    }

    /// The path, without the query.
    pub fn path(&self) -> &'static str {
        self.target.split_once('?').map_or(self.target, |(path, _)| path)
    }
}

impl Attributes for Request {
    fn method(&self) -> Option<&[u8]> {
        Some(b"GET")
    }

    fn target(&self) -> Option<&[u8]> {
        Some(self.target.as_bytes())
    }

    fn authority(&self) -> Option<&[u8]> {
        Some(b"shop.example.com")
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(found, _)| found.as_bytes() == name).map(|(_, value)| value.as_bytes())
    }

    fn headers_among<'a>(&'a self, names: &HeaderNames<'a>, mut found: impl FnMut(u8, &'a [u8])) {
        for (name, value) in self.headers {
            if let Some(place) = names.place(name.as_bytes()) {
                found(place, value.as_bytes());
            }
        }
    }
}
