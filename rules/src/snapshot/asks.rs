//! What a section asks of a request, opened when the snapshot is loaded: so that a decision asks without looking up what.

use super::{
    records::{Attribute, SectionHeader, kind},
    tables::Texts,
};
use crate::attributes::{HeaderNames, NOWHERE};

/// How many attributes are remembered: those of small rule sets, and the first of large ones.
pub(crate) const REMEMBERED: u8 = 8;

/// What a section asks for.
#[derive(Debug)]
pub(crate) struct Asks<'s> {
    attributes: Vec<OpenAttribute<'s>>,
    /// The sources of the identity, in order.
    pub(crate) sources: Vec<OpenAttribute<'s>>,
    /// The header that has the identity of nearly all requests. None where a cookie may say otherwise.
    pub(crate) first_source: Option<OpenAttribute<'s>>,
    /// The headers that are remembered, each at its place.
    pub(crate) headers: HeaderNames<'s>,
}

/// An attribute, opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenAttribute<'s> {
    /// See [`kind`].
    pub(crate) kind: u8,
    /// Where its values are remembered, if that is below [`REMEMBERED`].
    pub(crate) place: u8,
    pub(crate) name: &'s [u8],
}

impl<'s> Asks<'s> {
    /// Of a section that asks for nothing.
    pub(crate) fn nothing() -> Self {
        Self { attributes: Vec::new(), sources: Vec::new(), first_source: None, headers: HeaderNames::new() }
    }

    /// Opens what the tests ask for, by number, and the sources of the `identity`.
    pub(crate) fn of(
        header: &SectionHeader,
        attributes: &[Attribute],
        identity: &[Attribute],
        texts: Texts<'s>,
    ) -> Self {
        let mut headers = HeaderNames::new();
        let open = |record: &Attribute| OpenAttribute::of(record, texts);
        let mut attributes: Vec<_> =
            attributes.iter().map(|record| open(record).remembered(&mut headers, REMEMBERED)).collect();
        let sources: Vec<_> = identity.iter().map(open).collect();
        let first = sources.first().filter(|source| source.kind == kind::HEADER && !header.sets_cookies());
        // Few of many rules want to know who it is: they ask for it by themselves.
        let most = if header.keys.count.get() == 0 { REMEMBERED } else { 0 };
        let first_source = first.map(|source| source.remembered(&mut headers, most));
        let cookies = attributes.iter_mut().filter(|attribute| attribute.kind == kind::COOKIE);
        (headers.len()..REMEMBERED).zip(cookies).for_each(|(place, cookie)| cookie.place = place);
        Self { attributes, sources, first_source, headers }
    }

    /// The attribute of this number.
    #[inline]
    pub(crate) fn attribute(&self, number: u16) -> Option<OpenAttribute<'s>> {
        self.attributes.get(usize::from(number)).copied()
    }
}

impl<'s> OpenAttribute<'s> {
    fn of(record: &Attribute, texts: Texts<'s>) -> Self {
        let name = texts.text(record.name);
        let is_cookie_line = record.kind == kind::HEADER && name == b"cookie";
        Self { kind: if is_cookie_line { kind::COOKIE_LINE } else { record.kind }, place: NOWHERE, name }
    }

    /// The same, remembered if it is a header that is among `headers`, or is added to them while they are fewer than `most`.
    fn remembered(self, headers: &mut HeaderNames<'s>, most: u8) -> Self {
        let place = match self.kind {
            kind::HEADER if headers.len() < most => Some(headers.add(self.name)),
            kind::HEADER => headers.place(self.name),
            _ => None,
        };
        Self { place: place.unwrap_or(NOWHERE), ..self }
    }
}
