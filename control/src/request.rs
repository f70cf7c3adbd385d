//! A request that was written down: a line of JSON, or a curl command line.

use graylane_rules::Attributes;

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
}

impl Request {
    /// A GET of `target` without host and headers.
    pub fn to(target: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), target: target.into(), authority: None, headers: Vec::new() }
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
