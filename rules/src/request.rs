//! How a request is read: the same for every host of the decision.
//!
//! A [`Asked`] borrows a request and answers what the rules of one section ask, as bytes.

mod cookies;
mod known;
mod query;
mod texts;
mod tokens;

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
};

use memchr::memchr;

use crate::{
    Attributes,
    audience::fingerprint,
    snapshot::{asks::OpenAttribute, audiences::Audiences, records::kind, section::Section},
};
use cookies::Cookies;
pub(crate) use known::Known;
use query::Query;
use texts::{LongTexts, is_long, is_text};
use tokens::Tokens;
pub(crate) use tokens::parts as claim;

/// How many values of a cookie or of a claim are asked about: a client sends as many as it likes, and each of many rules may ask each.
const VALUES_LIMIT: usize = 256;

/// A request and what was found out about it so far, for all rule sets. Nothing is asked for before a rule needs it.
pub(crate) struct Asked<'r, A> {
    request: &'r A,
    audiences: Option<&'r Audiences<'r>>,
    target: Cell<Option<Target<'r>>>,
    host: Cell<Option<Option<&'r [u8]>>>,
    taken_apart: OnceCell<TakenApart<'r>>,
}

/// What few rules ask for: together, so that those who do not ask do not even make room for it.
#[derive(Default)]
struct TakenApart<'r> {
    cookies: OnceCell<Cookies<'r>>,
    /// All cookie lines as one; put together once.
    cookie_line: OnceCell<Option<Cow<'r, [u8]>>>,
    query: OnceCell<Query<'r>>,
    tokens: Tokens<'r>,
    long_texts: LongTexts,
    now: OnceCell<Option<i64>>,
}

/// Path and query.
#[derive(Clone, Copy)]
struct Target<'r> {
    path: Option<&'r [u8]>,
    query: &'r [u8],
}

impl<'r, A: Attributes> Asked<'r, A> {
    pub(crate) fn new(request: &'r A, audiences: Option<&'r Audiences<'r>>) -> Self {
        let (target, host) = (Cell::new(None), Cell::new(None));
        Self { request, audiences, target, host, taken_apart: OnceCell::new() }
    }

    fn taken_apart(&self) -> &TakenApart<'r> {
        self.taken_apart.get_or_init(TakenApart::default)
    }

    pub(crate) fn request(&self) -> &'r A {
        self.request
    }

    /// Host in any case, without port and trailing dot.
    pub(crate) fn host(&self) -> Option<&'r [u8]> {
        once(&self.host, || self.request.authority().map(host_of))
    }

    /// The path, without the query.
    pub(crate) fn path(&self) -> Option<&'r [u8]> {
        self.target().path
    }

    fn target(&self) -> Target<'r> {
        once(&self.target, || match self.request.target() {
            Some(target) => {
                let (path, query) = split_at(target, b'?').unwrap_or((target, b""));
                Target { path: Some(path), query }
            }
            None => Target { path: None, query: b"" },
        })
    }

    /// Finds all headers that `section` may ask for in one pass over the request.
    #[inline]
    pub(crate) fn gather(&self, section: &Section<'r>, known: &Known<'r>) {
        known.gathered(section.asks.headers.len());
        self.request.headers_among(&section.asks.headers, |place, value| known.add(place, value));
    }

    /// Whether `holds` for any value of the attribute; false when it is absent.
    #[inline]
    pub(crate) fn any(
        &self,
        section: &Section<'r>,
        attribute: OpenAttribute<'r>,
        known: &Known<'r>,
        mut holds: impl FnMut(&[u8]) -> bool,
    ) -> bool {
        if attribute.kind == kind::HEADER {
            return known.any(attribute.place, || self.request.headers(attribute.name), holds);
        }
        self.any_other(section, attribute, known, &mut holds)
    }

    /// What is asked about less often than headers, out of their way.
    #[inline(never)]
    fn any_other(
        &self,
        section: &Section<'r>,
        OpenAttribute { kind, place, name }: OpenAttribute<'r>,
        known: &Known<'r>,
        mut holds: &mut dyn FnMut(&[u8]) -> bool,
    ) -> bool {
        let mut one = |value: Option<&[u8]>| value.is_some_and(&mut holds);
        match kind {
            kind::COOKIE_LINE => one(self.cookie_line()),
            kind::COOKIE => known.any(place, || self.cookies(name), holds),
            kind::QUERY => self.taken_apart().query.get_or_init(|| Query::of(self.target().query)).any(name, holds),
            kind::PATH => one(self.path()),
            kind::METHOD => one(self.request.method()),
            kind::HOST => one(self.host()),
            kind::LABEL => one(self.request.label(name)),
            kind::SOURCE => one(self.request.source()),
            kind::JWT_CLAIM => self.taken_apart().tokens.any(self.request, name, holds),
            // No text; see `now`.
            kind::TIME => false,
            _ => one(self.identity(section, known)),
        }
    }

    /// Whether the identity is a member of the audience `number`.
    pub(crate) fn is_in_audience(&self, section: &Section<'r>, known: &Known<'r>, number: u32) -> bool {
        self.audiences.zip(self.identity(section, known)).is_some_and(|(audiences, identity)| {
            audiences.includes(number, known.fingerprint.get_or_init(|| fingerprint(identity)))
        })
    }

    /// Whether a value of an attribute of this kind is UTF-8. Of a long one that is found out once.
    pub(crate) fn is_text(&self, kind: u8, value: &[u8]) -> bool {
        // What is decoded for each test does not stay where it is.
        let stays = kind != kind::QUERY;
        if stays && is_long(value) { self.taken_apart().long_texts.includes(value) } else { is_text(value) }
    }

    /// The wall clock, which is asked once.
    pub(crate) fn now(&self) -> Option<i64> {
        *self.taken_apart().now.get_or_init(|| self.request.now())
    }

    /// The value of a header that occurs once.
    #[inline]
    pub(crate) fn only_header(&self, name: &'r [u8]) -> Option<&'r [u8]> {
        only(self.request.headers(name))
    }

    /// The one value of a claim.
    pub(crate) fn only_claim(&self, name: &'r [u8]) -> Option<Vec<u8>> {
        self.taken_apart().tokens.only(self.request, name)
    }

    /// The value of a cookie that occurs once.
    pub(crate) fn only_cookie(&self, name: &'r [u8]) -> Option<&'r [u8]> {
        only(self.cookies(name))
    }

    /// The first values of a cookie, in order, over all cookie lines.
    fn cookies(&self, name: &'r [u8]) -> impl Iterator<Item = &'r [u8]> {
        let cookies = self.taken_apart().cookies.get_or_init(|| Cookies::of(self.request));
        cookies.values(self.request, name).take(VALUES_LIMIT)
    }

    /// HTTP/2 may send one cookie header in crumbs; here it is whole again. Envoy joins them before; where it did not, the
    /// line is put together on the heap.
    fn cookie_line(&self) -> Option<&[u8]> {
        let line = self.taken_apart().cookie_line.get_or_init(|| {
            self.request.headers(b"cookie").map(Cow::Borrowed).reduce(|mut line, crumb| {
                line.to_mut().extend_from_slice(b"; ");
                line.to_mut().extend_from_slice(&crumb);
                line
            })
        });
        line.as_deref()
    }
}

/// What `cell` has, found out when first asked for.
#[inline]
fn once<T: Copy>(cell: &Cell<Option<T>>, find: impl FnOnce() -> T) -> T {
    cell.get().unwrap_or_else(|| {
        let found = find();
        cell.set(Some(found));
        found
    })
}

fn only<'r>(mut values: impl Iterator<Item = &'r [u8]>) -> Option<&'r [u8]> {
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

fn split_at(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(separator, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at.saturating_add(1)..)?))
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
}
