//! How a request is read: the same for every host of the decision.
//!
//! A [`Asked`] borrows a request and answers what the rules of one section ask, as bytes.

use std::{borrow::Cow, cell::OnceCell};

use crate::{
    Attributes,
    snapshot::{
        records::{Attribute, kind},
        section::Section,
    },
};

/// The longest identity, in bytes.
const IDENTITY_LIMIT: usize = 256;

/// A name and its value.
type Pair<T> = (T, T);

/// A request and what was found out about it so far.
pub(crate) struct Asked<'r, A> {
    request: &'r A,
    /// Host in any case, without port and trailing dot.
    host: Option<&'r [u8]>,
    path: Option<&'r [u8]>,
    query: &'r [u8],
    /// Sorted by name, those of one name in order; taken apart once, when first asked for.
    cookies: OnceCell<Vec<Pair<&'r [u8]>>>,
    /// All cookie lines as one; put together once.
    cookie_line: OnceCell<Option<Cow<'r, [u8]>>>,
    /// The same, names and values decoded.
    parameters: OnceCell<Vec<Pair<Cow<'r, [u8]>>>>,
}

/// The identity by the sources of one section; looked for at most once.
pub(crate) type Identity<'r> = OnceCell<Option<&'r [u8]>>;

impl<'r, A: Attributes> Asked<'r, A> {
    pub(crate) fn new(request: &'r A) -> Self {
        let (path, query) = match request.target() {
            Some(target) => {
                let (path, query) = split_at(target, b'?').unwrap_or((target, b""));
                (Some(path), query)
            }
            None => (None, &b""[..]),
        };
        let host = request.authority().map(host_of);
        let (cookies, cookie_line, parameters) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { request, host, path, query, cookies, cookie_line, parameters }
    }

    pub(crate) fn host(&self) -> Option<&'r [u8]> {
        self.host
    }

    pub(crate) fn path(&self) -> Option<&'r [u8]> {
        self.path
    }

    /// Whether `holds` for any value of the attribute; false when it is absent.
    pub(crate) fn any(
        &self,
        section: &Section<'r>,
        attribute: &Attribute,
        identity: &Identity<'r>,
        mut holds: impl FnMut(&[u8]) -> bool,
    ) -> bool
    where
        A: 'r,
    {
        let name = section.text(attribute.name);
        let mut one = |value: Option<&[u8]>| value.is_some_and(&mut holds);
        match attribute.kind {
            kind::HEADER if name == b"cookie" => one(self.cookie_line()),
            kind::HEADER => self.request.headers(name).any(holds),
            kind::COOKIE => self.cookies(name).any(holds),
            kind::QUERY => one(self.query(name)),
            kind::PATH => one(self.path),
            kind::METHOD => one(self.request.method()),
            kind::HOST => one(self.host),
            kind::LABEL => one(self.request.label(name)),
            _ => one(self.identity(section, identity)),
        }
    }

    /// What buckets the request: the first source that yields a value.
    ///
    /// A repeated header or cookie is treated as absent, since which of them an upstream would read
    /// is unknowable; so is a value that is empty or longer than 256 bytes.
    pub(crate) fn identity(&self, section: &Section<'r>, known: &Identity<'r>) -> Option<&'r [u8]> {
        *known.get_or_init(|| section.identity().iter().find_map(|source| self.value_of(section, source)))
    }

    /// The value of one identity source.
    pub(crate) fn value_of(&self, section: &Section<'r>, source: &Attribute) -> Option<&'r [u8]> {
        let name = section.text(source.name);
        let only = match source.kind {
            kind::HEADER => only(self.request.headers(name)),
            _ => only(self.cookies(name)),
        };
        only.filter(|value| (1..=IDENTITY_LIMIT).contains(&value.len()))
    }

    /// The values of a cookie, in order, over all cookie lines.
    fn cookies(&self, name: &[u8]) -> impl Iterator<Item = &'r [u8]> {
        let cookies = self.cookies.get_or_init(|| {
            let pairs = self.request.headers(b"cookie").flat_map(|line| line.split(|&byte| byte == b';'));
            let pairs = pairs.filter_map(|pair| split_at(pair, b'='));
            let mut cookies: Vec<_> = pairs.map(|(name, value)| (trim(name), trim(value))).collect();
            cookies.sort_by_key(|(name, _)| *name);
            cookies
        });
        let first = cookies.partition_point(|(found, _)| *found < name);
        let from_first = cookies.get(first..).unwrap_or_default().iter();
        from_first.take_while(move |(found, _)| *found == name).map(|(_, value)| *value)
    }

    /// HTTP/2 may send one cookie header in crumbs; here it is whole again.
    fn cookie_line(&self) -> Option<&[u8]> {
        let line = self.cookie_line.get_or_init(|| {
            self.request.headers(b"cookie").map(Cow::Borrowed).reduce(|mut line, crumb| {
                line.to_mut().extend_from_slice(b"; ");
                line.to_mut().extend_from_slice(&crumb);
                line
            })
        });
        line.as_deref()
    }

    /// The first query parameter of this name, decoded.
    fn query(&self, name: &[u8]) -> Option<&[u8]> {
        let parameters = self.parameters.get_or_init(|| {
            let pairs = self.query.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
            let pairs = pairs.map(|pair| split_at(pair, b'=').unwrap_or((pair, b"")));
            let mut parameters: Vec<_> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
            parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
            parameters
        });
        let first = parameters.partition_point(|(found, _)| **found < *name);
        parameters.get(first).filter(|(found, _)| **found == *name).map(|(_, value)| &**value)
    }
}

fn only<'r>(mut values: impl Iterator<Item = &'r [u8]>) -> Option<&'r [u8]> {
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

fn split_at(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|&byte| byte == separator)?;
    Some((bytes.get(..at)?, bytes.get(at.saturating_add(1)..)?))
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last.saturating_add(1));
    bytes.get(start..end).unwrap_or_default()
}

/// An authority without port and trailing dot; brackets of an IPv6 address stay.
fn host_of(authority: &[u8]) -> &[u8] {
    let bracket = authority.iter().rposition(|&byte| byte == b']').unwrap_or(0);
    let after = authority.get(bracket..).unwrap_or_default();
    let end =
        after.iter().position(|&byte| byte == b':').map_or(authority.len(), |colon| bracket.saturating_add(colon));
    let host = authority.get(..end).unwrap_or_default();
    host.strip_suffix(b".").unwrap_or(host)
}

/// Percent-decoded, `+` a space; what is no escape stays as it is.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escape = (first == b'%').then(|| tail.split_at_checked(2)).flatten();
        match escape.and_then(|(digits, after)| Some((hex(digits)?, after))) {
            Some((byte, after)) => {
                out.push(byte);
                rest = after;
            }
            None => {
                out.push(if first == b'+' { b' ' } else { first });
                rest = tail;
            }
        }
    }
    Cow::Owned(out)
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0u8, |value, &digit| {
        let digit = char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
        Some((value << 4) | digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_port_and_dot() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"shop.example.com", b"shop.example.com"),
            (b"shop.example.com:8080", b"shop.example.com"),
            (b"shop.example.com.:80", b"shop.example.com"),
            (b"[::1]:80", b"[::1]"),
            (b"[::1]", b"[::1]"),
            (b"", b""),
        ];
        for (authority, host) in cases {
            assert_eq!(host_of(authority), host);
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        for (text, plain) in [("a%20b+c", "a b c"), ("%", "%"), ("%2", "%2"), ("%zz%41", "%zzA"), ("%+1", "% 1")] {
            assert_eq!(*decoded(text.as_bytes()), *plain.as_bytes(), "{text}");
        }
    }
}
