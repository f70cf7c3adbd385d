//! Requests as the decision sees them: one that is written out, and one that answers with whatever is being asked about.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use graylane_rules::Attributes;

/// A request as text: `METHOD TARGET AUTHORITY` (each may be left out from the right), then a line `name: value` for each
/// header. Values are bytes. The headers `:source`, `:peer`, `:outbound`, `:label:NAME` and `:now` stand for what no header says,
/// `:carried:NAME` for an owned one.
#[derive(Clone, Debug, Default)]
pub struct Written {
    method: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Written {
    /// A request without headers.
    pub fn of(method: Option<Vec<u8>>, target: Option<Vec<u8>>, authority: Option<Vec<u8>>) -> Self {
        Self { method, target, authority, headers: Vec::new() }
    }

    /// Reads any bytes; what has no colon is a header without a value.
    pub fn read(text: &[u8]) -> Self {
        let mut lines = text.split(|&byte| byte == b'\n');
        let mut first = lines.next().unwrap_or_default().splitn(3, |&byte| byte == b' ').map(<[u8]>::to_vec);
        let mut request = Self { method: first.next(), target: first.next(), authority: first.next(), headers: vec![] };
        for line in lines.filter(|line| !line.is_empty()) {
            let at = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
            let value = line.get(at + 1..).unwrap_or_default();
            request.add(&line[..at], value.strip_prefix(b" ").unwrap_or(value));
        }
        request
    }

    /// Adds a header behind the others; Envoy shows names in lower case.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        self.headers.push((name.to_ascii_lowercase(), value.to_vec()));
    }
}

impl Attributes for Written {
    fn method(&self) -> Option<&[u8]> {
        self.method.as_deref()
    }

    fn target(&self) -> Option<&[u8]> {
        self.target.as_deref()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.authority.as_deref()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_slice())
    }

    fn source(&self) -> Option<&[u8]> {
        self.headers(b":source").next()
    }

    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        let mut named = self.headers.iter().filter(|(found, _)| found.strip_prefix(b":carried:") == Some(name));
        let (_, value) = named.next()?;
        named.next().is_none().then_some(value)
    }

    fn peer(&self) -> Option<&[u8]> {
        self.headers(b":peer").next()
    }

    fn is_outbound(&self) -> bool {
        self.headers(b":outbound").next().is_some()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        let named = |(found, _): &&(Vec<u8>, _)| found.strip_prefix(b":label:") == Some(name);
        self.headers.iter().find(named).map(|(_, value)| value.as_slice())
    }

    fn now(&self) -> Option<i64> {
        str::from_utf8(self.headers(b":now").next()?).ok()?.parse().ok()
    }
}

/// A request that has every header, with values that occur in the text it was made of: rules over that text match often.
#[derive(Debug)]
pub struct Echo {
    words: Vec<Vec<u8>>,
    salt: u64,
    method: Vec<u8>,
    target: Vec<u8>,
    authority: Vec<u8>,
    cookie: Vec<u8>,
    asked: Cell<usize>,
    names: RefCell<BTreeSet<Vec<u8>>>,
}

impl Echo {
    /// A request out of the words of `text`; another `salt`, another request.
    pub fn of(text: &[u8], salt: u64) -> Self {
        const MOST: usize = 256;
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./*".contains(byte);
        let words = text.split(|byte| !part(byte)).filter(|word| (1..=64).contains(&word.len())).take(MOST);
        let mut words: Vec<Vec<u8>> = words.map(<[u8]>::to_vec).collect();
        words.push(b"1".to_vec());
        let word = |place: &str| pick(&words, &(salt, place)).to_vec();
        let pair = |place: &str| [word(place), b"=".to_vec(), word(&format!("{place} value"))].concat();
        let path = word("path");
        let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
        let target = [slash, &path, b"?", &pair("one"), b"&", &pair("two")].concat();
        let host = word("host");
        // A wildcard of a scope stands for a label.
        let label: &[u8] = if host.starts_with(b"*") { b"a" } else { b"" };
        let authority = [label, host.strip_prefix(b"*").unwrap_or(&host), b":8080"].concat();
        let cookie = [pair("crumb"), b"; ".to_vec(), pair("other crumb")].concat();
        let method = word("method");
        Self { method, target, authority, cookie, words, salt, asked: Cell::new(0), names: RefCell::default() }
    }

    /// How often a header was asked for.
    pub fn asked(&self) -> usize {
        self.asked.get()
    }

    /// The headers that were asked for.
    pub fn names(&self) -> BTreeSet<Vec<u8>> {
        self.names.borrow().clone()
    }
}

impl Attributes for Echo {
    fn method(&self) -> Option<&[u8]> {
        Some(&self.method)
    }

    fn target(&self) -> Option<&[u8]> {
        Some(&self.target)
    }

    fn authority(&self) -> Option<&[u8]> {
        Some(&self.authority)
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.asked.set(self.asked.get() + 1);
        if !self.names.borrow().contains(name) {
            self.names.borrow_mut().insert(name.to_vec());
        }
        let count = hash(&(self.salt, name)) % 4;
        let line = move |number| match name {
            b"cookie" => self.cookie.as_slice(),
            _ => pick(&self.words, &(self.salt, name, number)),
        };
        (0..count).map(line)
    }

    fn source(&self) -> Option<&[u8]> {
        Some(pick(&self.words, &(self.salt, "source")))
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        Some(pick(&self.words, &(self.salt, "label", name)))
    }

    fn now(&self) -> Option<i64> {
        // Within 140 years around 1970.
        let bits = hash(&(self.salt, "now")) >> 21;
        (!bits.is_multiple_of(5)).then(|| i64::try_from(bits).expect("43 bits") - (1 << 42))
    }
}

/// A request without one header.
#[derive(Debug)]
pub struct Without<'r> {
    /// The whole request.
    pub request: &'r Echo,
    /// The header that is not there, in any case.
    pub name: &'r [u8],
}

impl Attributes for Without<'_> {
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
        let there = !self.name.eq_ignore_ascii_case(name);
        there.then(|| self.request.headers(name)).into_iter().flatten()
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

fn pick<'a>(words: &'a [Vec<u8>], by: &impl Hash) -> &'a [u8] {
    &words[hash(by) as usize % words.len()]
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
