//! A request of which not everything is known: what the rules ask for and nobody can tell is remembered.

use std::{cell::RefCell, collections::BTreeSet};

use graylane_rules::Attributes;

use crate::request::Request;

/// A request, and what it is not known to have.
pub struct Watched<'r> {
    request: &'r Request,
    /// Headers that are known not to be there; None where everything is known.
    absent: Option<&'r [String]>,
    missed: RefCell<BTreeSet<String>>,
}

impl<'r> Watched<'r> {
    /// A request that is known whole.
    pub fn whole(request: &'r Request) -> Self {
        Self { request, absent: None, missed: RefCell::default() }
    }

    /// A request of which some is known: what it has, and that it does not have the headers `absent`.
    pub fn partly(request: &'r Request, absent: &'r [String]) -> Self {
        Self { request, absent: Some(absent), missed: RefCell::default() }
    }

    /// What was asked for and is not known, in words.
    pub fn missed(&self) -> Vec<String> {
        self.missed.borrow().iter().cloned().collect()
    }

    fn miss(&self, what: impl FnOnce() -> String) {
        if self.absent.is_some() {
            self.missed.borrow_mut().insert(what());
        }
    }
}

impl Attributes for Watched<'_> {
    fn method(&self) -> Option<&[u8]> {
        self.request.method()
    }

    fn target(&self) -> Option<&[u8]> {
        self.request.target()
    }

    fn authority(&self) -> Option<&[u8]> {
        let authority = self.request.authority();
        if authority.is_none() {
            self.miss(|| "the host".to_owned());
        }
        authority
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let known = |absent: &String| absent.as_bytes() == name;
        let known = self.absent.is_some_and(|absent| absent.iter().any(known));
        if !known && self.request.headers(name).next().is_none() {
            let name = String::from_utf8_lossy(name);
            self.miss(|| if name == "cookie" { "the cookies".to_owned() } else { format!("header {name}") });
        }
        self.request.headers(name)
    }

    /// An example where a real one would be random; of a request that was decided, the log does not tell it.
    fn minted(&self) -> Option<[u8; 16]> {
        if self.absent.is_some() {
            self.miss(|| "the identity that was minted".to_owned());
            return None;
        }
        Some(*b"graylane example")
    }

    fn source(&self) -> Option<&[u8]> {
        let source = self.request.source();
        if source.is_none() {
            self.miss(|| "the source address".to_owned());
        }
        source
    }

    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        self.request.carried(name)
    }

    fn peer(&self) -> Option<&[u8]> {
        let peer = self.request.peer();
        if peer.is_none() {
            self.miss(|| "the sender's certificate".to_owned());
        }
        peer
    }

    fn is_outbound(&self) -> bool {
        if self.request.direction.is_none() {
            self.miss(|| "the direction of the listener".to_owned());
        }
        self.request.is_outbound()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        let label = self.request.label(name);
        if label.is_none() {
            self.miss(|| format!("node label {}", String::from_utf8_lossy(name)));
        }
        label
    }

    fn now(&self) -> Option<i64> {
        let now = self.request.now();
        if now.is_none() {
            self.miss(|| "the time".to_owned());
        }
        now
    }
}
