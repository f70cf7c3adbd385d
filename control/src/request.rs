//! A request that was written down: a line of JSON, or a curl command line.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use graylane_rules::Attributes;
use jiff::Timestamp;

/// A request as it was written: Envoy may normalise one before the filter sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET` unless said otherwise.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Host and perhaps port; None if the request names none.
    pub authority: Option<String>,
    /// Names in lower case and values, in order, without `host`: that is the authority.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where it comes from, checked by [`source`]; None if nobody said.
    pub source: Option<String>,
    /// The first URI in the sender's certificate, checked by [`peer`]; None if nobody said.
    pub peer: Option<String>,
    /// Which way the listener is for; None if nobody said.
    pub direction: Option<Direction>,
    /// The headers that were hidden from the rules, as `headers`: what a variant may be inherited from.
    pub carried: Vec<(String, Vec<u8>)>,
    /// The labels of the Envoy that decides it.
    pub labels: BTreeMap<String, String>,
    /// When it is decided; None if nobody said: no rule about time matches.
    pub time: Option<Timestamp>,
    /// What an identity is minted from; None: none is.
    pub minted: Option<[u8; 16]>,
}

/// Which way the requests of a listener go, as Envoy's `traffic_direction` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the application beside Envoy.
    Inbound,
    /// From it.
    Outbound,
}

impl Direction {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        }
    }
}

impl Request {
    /// A GET of `target` without host and headers, by nobody, nowhere and at no time.
    pub fn to(target: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            target: target.into(),
            authority: None,
            headers: Vec::new(),
            source: None,
            peer: None,
            direction: None,
            carried: Vec::new(),
            labels: BTreeMap::new(),
            time: None,
            minted: None,
        }
    }
}

impl Attributes for Request {
    fn method(&self) -> Option<&[u8]> {
        Some(self.method.as_bytes())
    }

    fn target(&self) -> Option<&[u8]> {
        Some(self.target.as_bytes())
    }

    fn authority(&self) -> Option<&[u8]> {
        self.authority.as_deref().map(str::as_bytes)
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(key, _)| key.as_bytes() == name).map(|(_, value)| value.as_slice())
    }

    fn minted(&self) -> Option<[u8; 16]> {
        self.minted
    }

    fn source(&self) -> Option<&[u8]> {
        self.source.as_deref().map(str::as_bytes)
    }

    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        let mut values = self.carried.iter().filter(|(key, _)| key.as_bytes() == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn peer(&self) -> Option<&[u8]> {
        self.peer.as_deref().map(str::as_bytes)
    }

    fn is_outbound(&self) -> bool {
        self.direction == Some(Direction::Outbound)
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.labels.get(str::from_utf8(name).ok()?).map(String::as_bytes)
    }

    fn now(&self) -> Option<i64> {
        self.time.map(Timestamp::as_millisecond)
    }
}

/// Checks where a request comes from: an address, with or without a port.
///
/// # Errors
/// What was found and what would be right.
pub fn source(text: &str) -> Result<String, String> {
    if text.parse::<IpAddr>().is_err() && text.parse::<SocketAddr>().is_err() {
        return Err(format!("found {text:?}, expected an address, such as 10.1.2.3, 2001:db8::1 or 10.1.2.3:4567"));
    }
    Ok(text.to_owned())
}

/// Checks the name in a sender's certificate.
///
/// # Errors
/// What was found and what would be right.
pub fn peer(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let expected = "the first URI in a certificate, such as spiffe://cluster.local/ns/shop/sa/web";
        return Err(format!("found {text:?}, expected {expected}"));
    }
    Ok(text.to_owned())
}

/// Reads which way a listener is for.
///
/// # Errors
/// What was found and what would be right.
pub fn direction(text: &str) -> Result<Direction, String> {
    let named = [Direction::Inbound, Direction::Outbound].into_iter().find(|direction| direction.name() == text);
    named.ok_or_else(|| format!("found {text:?}, expected inbound or outbound"))
}

/// Reads the 16 bytes that an identity is minted from.
///
/// # Errors
/// What was found and what would be right.
pub fn minted(text: &str) -> Result<[u8; 16], String> {
    let number = (text.len() == 32 && !text.starts_with('+')).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    let number = number.ok_or_else(|| format!("found {text:?}, expected 32 hexadecimal digits"))?;
    Ok(number.to_be_bytes())
}

/// Reads a time.
///
/// # Errors
/// What was found and what would be right.
pub fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("found {text:?}, expected RFC 3339, such as 2026-11-24T12:00:00Z"))
}

/// Reads a label written `NAME=VALUE`.
///
/// # Errors
/// What was found and what would be right.
pub fn label(text: &str) -> Result<(String, String), String> {
    let named = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = named.ok_or_else(|| format!("found {text:?}, expected NAME=VALUE, such as region=us"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Checks a header name and gives it in lower case.
///
/// # Errors
/// What was found and what would be right, for what is no token of RFC 9110.
pub fn header_name(name: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("found {name:?}, expected a header name of letters, digits, '-' and '_'"));
    }
    Ok(name.to_ascii_lowercase())
}

/// Checks a header value, which may be anything but what would end its line.
///
/// # Errors
/// What was found and what would be right.
pub fn header_value(value: &str) -> Result<Vec<u8>, String> {
    if value.contains(['\r', '\n', '\0']) {
        return Err(format!("found {value:?}, expected a header value without line breaks and zero bytes"));
    }
    Ok(value.as_bytes().to_vec())
}
