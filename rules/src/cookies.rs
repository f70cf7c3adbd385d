//! The cookies that a decision asks to be set: a minted identity, and which identity was seen first.

use std::fmt;

use crate::{
    Attributes, Decision, Reason, base64url,
    identity::Origin,
    request::{Asked, Known},
    snapshot::{records, section::Section},
};

/// A cookie to set with the response.
///
/// Displayed as the value of `set-cookie`: for the whole host, sent back over TLS alone, hidden from scripts and from what
/// other sites embed. A response that carries it must not be stored by a cache that others share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value: letters, digits, `-` and `_`.
    pub value: String,
    /// How long it is kept, in seconds.
    pub max_age: u32,
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, max_age } = self;
        write!(f, "{name}={value}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite=Lax")
    }
}

impl Decision<'_> {
    /// The cookies to set with the response to `request`, which is the one that was decided: none for nearly every one.
    ///
    /// Only where the rule set says `issueCookie` or `sticky`, and the request looks like somebody going to a page: it has
    /// `sec-fetch-mode: navigate`, or is a GET that accepts `text/html`. None where the variant is inherited: whoever gave
    /// it to the request sets them.
    pub fn cookies<A: Attributes>(&self, request: &A) -> Vec<Cookie> {
        let sets = self.section.header.sets_cookies() && self.reason != Reason::Inherited;
        if sets { of(self.section, request) } else { Vec::new() }
    }
}

fn of<A: Attributes>(section: &Section<'_>, request: &A) -> Vec<Cookie> {
    let mut cookies = Vec::new();
    let asked = Asked::new(request, None);
    if !asked.navigates() {
        return cookies;
    }
    let known = Known::default();
    let Some(identity) = asked.identity(section, &known) else { return cookies };
    let header = section.header;
    let cookie = |record: records::Cookie, value: &mut dyn Iterator<Item = u8>| Cookie {
        name: String::from_utf8_lossy(section.text(record.name)).into_owned(),
        value: value.map(char::from).collect(),
        max_age: record.max_age.get(),
    };
    if known.identity.origin() == Some(Origin::Minted) {
        cookies.push(cookie(header.issued, &mut identity.iter().copied()));
    }
    if known.identity.origin() != Some(Origin::Remembered) && !section.text(header.sticky.name).is_empty() {
        cookies.push(cookie(header.sticky, &mut base64url::digits(identity)));
    }
    cookies
}
