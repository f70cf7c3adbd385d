//! A request with one header and nothing else.

use graylane_rules::Attributes;

/// Has this value in whatever header is asked for.
pub struct Sent<'v>(pub &'v [u8]);

impl Attributes for Sent<'_> {
    fn method(&self) -> Option<&[u8]> {
        None
    }

    fn target(&self) -> Option<&[u8]> {
        None
    }

    fn authority(&self) -> Option<&[u8]> {
        None
    }

    fn headers<'a>(&'a self, _name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        std::iter::once(self.0)
    }
}
