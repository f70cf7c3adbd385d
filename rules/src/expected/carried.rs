//! A request that notices whether what carries its identity was read.

use std::cell::Cell;

use crate::Attributes;

pub(super) struct Carried<'a, A> {
    request: &'a A,
    carriers: &'a [&'a [u8]],
    read: Cell<bool>,
}

impl<'a, A> Carried<'a, A> {
    /// The headers in `carriers` carry the identity.
    pub(super) fn new(request: &'a A, carriers: &'a [&'a [u8]]) -> Self {
        Self { request, carriers, read: Cell::new(false) }
    }

    /// Whether one of them was asked for.
    pub(super) fn was_read(&self) -> bool {
        self.read.get()
    }
}

impl<A: Attributes> Attributes for Carried<'_, A> {
    fn method(&self) -> Option<&[u8]> {
        self.request.method()
    }

    fn target(&self) -> Option<&[u8]> {
        self.request.target()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.request.authority()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        if self.carriers.contains(&name) {
            self.read.set(true);
        }
        self.request.headers(name)
    }

    fn source(&self) -> Option<&[u8]> {
        self.request.source()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.request.label(name)
    }

    fn now(&self) -> Option<i64> {
        self.request.now()
    }
}
