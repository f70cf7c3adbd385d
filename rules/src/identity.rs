//! What buckets a request: what a cookie remembers, or the first source that yields a value, or one that is minted.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
};

use crate::{
    Attributes, base64url,
    request::{Asked, Known},
    snapshot::{asks::OpenAttribute, records::kind, section::Section},
};

/// The longest identity, in bytes.
pub(crate) const IDENTITY_LIMIT: usize = 256;

/// The longest text of a remembered identity.
const REMEMBERED_LIMIT: usize = IDENTITY_LIMIT.div_ceil(3).saturating_mul(4);

/// The identity by the sources of one section; looked for at most once.
#[derive(Default)]
pub(crate) struct Identity<'r> {
    found: Cell<Found<'r>>,
    /// What does not stand in the request as it is. Written only where it is used.
    own: OnceCell<Own>,
}

/// Where an identity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A source has it.
    Sent,
    /// A cookie remembers it.
    Remembered,
    /// It is new.
    Minted,
}

#[derive(Clone, Copy, Default)]
enum Found<'r> {
    /// Nobody asked.
    #[default]
    Unasked,
    Nothing,
    Sent(&'r [u8]),
    Own(Origin),
}

struct Own {
    bytes: [u8; IDENTITY_LIMIT],
    length: usize,
}

impl Own {
    fn of(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; IDENTITY_LIMIT];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self { bytes, length: value.len() })
    }
}

impl Identity<'_> {
    /// Where it comes from; None where there is none, or nobody asked.
    pub(crate) fn origin(&self) -> Option<Origin> {
        match self.found.get() {
            Found::Unasked | Found::Nothing => None,
            Found::Sent(_) => Some(Origin::Sent),
            Found::Own(origin) => Some(origin),
        }
    }

    fn own(&self, own: Option<Own>, origin: Origin) -> Option<Found<'static>> {
        self.own.set(own?).ok()?;
        Some(Found::Own(origin))
    }
}

impl<'r, A: Attributes> Asked<'r, A> {
    /// What buckets the request.
    ///
    /// A repeated header or cookie is treated as absent, since which of them an upstream would read
    /// is unknowable; so is a value that is empty or longer than 256 bytes, and a claim that has several values.
    #[inline(always)]
    pub(crate) fn identity<'i>(&self, section: &Section<'r>, known: &'i Known<'r>) -> Option<&'i [u8]> {
        let identity = &known.identity;
        // The header that has nearly all of them may be known already.
        if let Found::Unasked = identity.found.get()
            && let Some(sent) = section.asks.first_source.and_then(|first| known.only(first.place))
            && can_identify(sent)
        {
            identity.found.set(Found::Sent(sent));
            return Some(sent);
        }
        self.further(section, identity)
    }

    /// What was found before, or what the other sources yield.
    #[inline(never)]
    fn further<'i>(&self, section: &Section<'r>, identity: &'i Identity<'r>) -> Option<&'i [u8]>
    where
        'r: 'i,
    {
        if let Found::Unasked = identity.found.get() {
            identity.found.set(self.find(section, identity));
        }
        match identity.found.get() {
            Found::Sent(sent) => Some(sent),
            Found::Own(_) => identity.own.get().and_then(|own| own.bytes.get(..own.length)),
            Found::Unasked | Found::Nothing => None,
        }
    }

    /// The value of the header that has nearly all identities, if it occurs once and can be one.
    #[inline]
    pub(crate) fn first_source(&self, section: &Section<'r>) -> Option<&'r [u8]> {
        self.only_header(section.asks.first_source?.name).filter(|value| can_identify(value))
    }

    /// The value of one source.
    pub(crate) fn value_of(&self, OpenAttribute { kind, name, .. }: OpenAttribute<'r>) -> Option<Cow<'r, [u8]>> {
        let only = match kind {
            kind::JWT_CLAIM => self.only_claim(name).map(Cow::Owned),
            kind::COOKIE => self.only_cookie(name).map(Cow::Borrowed),
            _ => self.only_header(name).map(Cow::Borrowed),
        };
        only.filter(|value| can_identify(value))
    }

    fn find(&self, section: &Section<'r>, known: &Identity<'r>) -> Found<'r> {
        let sent = || match section.asks.sources.iter().find_map(|source| self.value_of(*source))? {
            Cow::Borrowed(sent) => Some(Found::Sent(sent)),
            // Read out of a token.
            Cow::Owned(read) => known.own(Own::of(&read), Origin::Sent),
        };
        let remembered = known.own(self.remembered(section), Origin::Remembered);
        let minted = || known.own(self.minted(section), Origin::Minted);
        remembered.or_else(sent).or_else(minted).unwrap_or(Found::Nothing)
    }

    /// What the cookie of `sticky` remembers; what nobody wrote into it is not there.
    fn remembered(&self, section: &Section<'r>) -> Option<Own> {
        let name = Some(section.text(section.header.sticky.name)).filter(|name| !name.is_empty())?;
        let text = self.only_cookie(name).filter(|text| text.len() <= REMEMBERED_LIMIT)?;
        let mut bytes = [0; IDENTITY_LIMIT];
        let length = base64url::decode(text, &mut bytes).filter(|length| *length > 0)?;
        Some(Own { bytes, length })
    }

    /// A new identity for whoever looks at a page and has none.
    fn minted(&self, section: &Section<'r>) -> Option<Own> {
        if section.text(section.header.issued.name).is_empty() || !self.navigates() {
            return None;
        }
        let random = self.request().minted()?;
        let mut bytes = [0; IDENTITY_LIMIT];
        let length = bytes.iter_mut().zip(base64url::digits(&random)).map(|(byte, digit)| *byte = digit).count();
        Some(Own { bytes, length })
    }

    /// Whether somebody looks at a page: nothing else is worth a cookie, and what a page is made of may be cached.
    pub(crate) fn navigates(&self) -> bool {
        let request = self.request();
        request.headers(b"sec-fetch-mode").any(|mode| mode == b"navigate")
            || (request.method() == Some(b"GET") && request.headers(b"accept").any(accepts_html))
    }
}

fn accepts_html(types: &[u8]) -> bool {
    const HTML: &[u8] = b"text/html";
    types.windows(HTML.len()).any(|part| part.eq_ignore_ascii_case(HTML))
}

/// Whether a value can be an identity.
fn can_identify(value: &[u8]) -> bool {
    (1..=IDENTITY_LIMIT).contains(&value.len())
}
