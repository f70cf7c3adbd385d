//! Everything that may be asked of a request.

use crate::short::equal;

/// A request, as the decision sees it: borrowed bytes, asked for lazily.
///
/// Whoever implements this does not interpret anything. Splitting a query, reading a cookie,
/// normalising a host is done here in `rules`, once, so that every host of the decision agrees.
pub trait Attributes {
    /// The method, as sent (`GET`). None where the request has none.
    fn method(&self) -> Option<&[u8]>;

    /// The request target: path and query, as the proxy passes it on. None for CONNECT.
    fn target(&self) -> Option<&[u8]>;

    /// The authority, as sent: host and perhaps port, in any case.
    fn authority(&self) -> Option<&[u8]>;

    /// Each value of the header `name` (which is lower case), in order, a field line at a time.
    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]>;

    /// Hands each value of each header among `names`, with the place of its name, to `found`; those of one name in order.
    ///
    /// The same as asking [`headers`](Self::headers) for one name after the other, which is the default. Whoever has all headers
    /// at hand goes over them once and asks [`HeaderNames::place`].
    fn headers_among<'a>(&'a self, names: &HeaderNames<'a>, mut found: impl FnMut(u8, &'a [u8])) {
        for (place, name) in (0..names.len()).zip(names.iter()) {
            self.headers(name).for_each(|value| found(place, value));
        }
    }

    /// The address of whoever is taken to have sent the request, as Envoy's `source.address` has it: `10.1.2.3:4567`,
    /// `[2001:db8::1]:4567`, or the same without a port. None where it is not known, which is the default.
    ///
    /// Asked only where a rule wants to know, perhaps more than once.
    fn source(&self) -> Option<&[u8]> {
        None
    }

    /// The value of the header `name` (in lower case, and one that carries a variant) as it came with the request, although
    /// [`headers`](Self::headers) does not show it. None where it is absent or has several lines, which is the default.
    ///
    /// Asked only where a rule set inherits.
    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        let _ = name;
        None
    }

    /// The first URI in the certificate of whoever sent the request, which was validated. None where there is no such
    /// certificate, which is the default.
    ///
    /// Asked only where a rule set inherits from peers and the request carries one of its variants.
    fn peer(&self) -> Option<&[u8]> {
        None
    }

    /// Whether the application that the proxy stands beside sent the request, by a listener that nobody else can reach.
    /// False where that is not known, which is the default.
    ///
    /// Asked only where a rule set inherits from its application and the request carries one of its variants.
    fn is_outbound(&self) -> bool {
        false
    }

    /// The label `name` of the proxy that decides. None where it has no such label, which is the default.
    ///
    /// Asked only where a rule wants to know, perhaps more than once.
    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        let _ = name;
        None
    }

    /// The wall clock, in milliseconds since 1970 UTC. None where there is no clock, which is the default.
    ///
    /// Asked only where a rule wants to know, and at most once for a request, so that all rules see one time.
    fn now(&self) -> Option<i64> {
        None
    }

    /// 16 random bytes to mint an identity from, the same each time for one request. None where nothing is minted, which
    /// is the default.
    ///
    /// Asked only where a rule set says `issueCookie`, somebody goes to a page, and there is no identity.
    fn minted(&self) -> Option<[u8; 16]> {
        None
    }
}

/// The names of a few headers, each once, found by their lengths: hardly any two of them have the same.
#[derive(Clone, Debug)]
pub struct HeaderNames<'s> {
    names: Vec<Name<'s>>,
    /// For each length the place of the last name that is so long, or 64 bytes longer.
    last: [u8; 64],
}

#[derive(Clone, Copy, Debug)]
struct Name<'s> {
    name: &'s [u8],
    /// The place of the one before among those found by the same length.
    before: u8,
}

/// Where no name is.
pub(crate) const NOWHERE: u8 = u8::MAX;

impl<'s> HeaderNames<'s> {
    /// No names.
    pub(crate) fn new() -> Self {
        Self { names: Vec::new(), last: [NOWHERE; 64] }
    }

    /// The place of `name`, which is added where there is none yet. There are less than 255 of them.
    pub(crate) fn add(&mut self, name: &'s [u8]) -> u8 {
        self.place(name).unwrap_or_else(|| {
            let place = self.len();
            if let Some(last) = self.last.get_mut(by_length(name.len())) {
                self.names.push(Name { name, before: *last });
                *last = place;
            }
            place
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u8 {
        u8::try_from(self.names.len()).unwrap_or(NOWHERE)
    }

    /// The names, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &'s [u8]> {
        self.names.iter().map(|name| name.name)
    }

    /// Whether a name of so many bytes may be among them.
    #[inline]
    pub fn may_have(&self, length: usize) -> bool {
        self.last.get(by_length(length)).is_some_and(|&last| last != NOWHERE)
    }

    /// The place of `name`, in lower case, among them.
    #[inline]
    pub fn place(&self, name: &[u8]) -> Option<u8> {
        let mut place = *self.last.get(by_length(name.len()))?;
        while let Some(known) = self.names.get(usize::from(place)) {
            if equal(known.name, name) {
                return Some(place);
            }
            place = known.before;
        }
        None
    }
}

#[inline]
fn by_length(length: usize) -> usize {
    length % 64
}
