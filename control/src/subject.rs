//! The request, with an identity in it.

use graylane_rules::{Attributes, Outline};

use crate::request::Request;

/// What carries the identity to the rule sets: for each, the first header or cookie of its sources.
#[derive(Debug, Default)]
pub struct Carriers {
    headers: Vec<String>,
    cookies: Vec<String>,
    /// The rule sets whose identities come from what nothing is put into, and so from nowhere.
    pub unreached: Vec<String>,
}

impl Carriers {
    /// Those of all rule sets. A cookie that is issued carries what it was once issued with.
    ///
    /// # Errors
    /// Where there is none.
    pub fn of(outline: &Outline) -> Result<Self, String> {
        let mut carriers = Self::default();
        for rule_set in &outline.rule_sets {
            let carries = |kind: &str| ["header", "cookie", "issueCookie"].contains(&kind);
            match rule_set.identity.iter().find(|source| carries(&source.kind)) {
                Some(first) if first.kind == "header" => push(&mut carriers.headers, first.name.to_ascii_lowercase()),
                Some(first) => push(&mut carriers.cookies, first.name.clone()),
                None if rule_set.identity.is_empty() => {}
                None => carriers.unreached.push(rule_set.name.clone()),
            }
        }
        if carriers.headers.is_empty() && carriers.cookies.is_empty() {
            return Err(
                "found no header and no cookie in any spec.identity.from, expected one to put identities into: \
                        tokens are not made up"
                    .to_owned(),
            );
        }
        Ok(carriers)
    }

    /// Those of both.
    pub fn and(mut self, other: Self) -> Self {
        other.headers.into_iter().for_each(|name| push(&mut self.headers, name));
        other.cookies.into_iter().for_each(|name| push(&mut self.cookies, name));
        self
    }

    /// The headers in which requests differ.
    pub fn header_names(&self) -> Vec<&[u8]> {
        let cookie = (!self.cookies.is_empty()).then_some(&b"cookie"[..]);
        self.headers.iter().map(String::as_bytes).chain(cookie).collect()
    }

    /// The request without what carries an identity.
    pub fn emptied(&self, mut request: Request) -> Request {
        request.headers.retain(|(name, _)| !self.headers.contains(name));
        for (_, line) in request.headers.iter_mut().filter(|(name, _)| name == "cookie") {
            let own = |pair: &&[u8]| {
                let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default().trim_ascii();
                !self.cookies.iter().any(|cookie| cookie.as_bytes() == name)
            };
            let kept: Vec<&[u8]> = line.split(|&byte| byte == b';').filter(own).collect();
            *line = kept.join(&b';');
        }
        request.headers.retain(|(name, line)| name != "cookie" || !line.trim_ascii().is_empty());
        request
    }
}

fn push(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// One request: the shape of all, and its own identity.
pub struct Subject<'r> {
    shape: &'r Request,
    carriers: &'r Carriers,
    identity: &'r [u8],
    /// Empty where no cookie carries it.
    cookies: Vec<u8>,
}

impl<'r> Subject<'r> {
    /// `shape` is [emptied](Carriers::emptied).
    pub fn new(shape: &'r Request, carriers: &'r Carriers, identity: &'r [u8]) -> Self {
        let pair = |name: &String| [name.as_bytes(), b"=", identity].concat();
        let cookies = carriers.cookies.iter().map(pair).collect::<Vec<_>>().join(&b"; "[..]);
        Self { shape, carriers, identity, cookies }
    }
}

impl Attributes for Subject<'_> {
    fn method(&self) -> Option<&[u8]> {
        self.shape.method()
    }

    fn target(&self) -> Option<&[u8]> {
        self.shape.target()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.shape.authority()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let carries = self.carriers.headers.iter().any(|header| header.as_bytes() == name);
        let cookies = Some(self.cookies.as_slice()).filter(|cookies| name == b"cookie" && !cookies.is_empty());
        self.shape.headers(name).chain(carries.then_some(self.identity)).chain(cookies)
    }

    fn source(&self) -> Option<&[u8]> {
        self.shape.source()
    }

    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        self.shape.carried(name)
    }

    fn peer(&self) -> Option<&[u8]> {
        self.shape.peer()
    }

    fn is_outbound(&self) -> bool {
        self.shape.is_outbound()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.shape.label(name)
    }

    fn now(&self) -> Option<i64> {
        self.shape.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_takes_the_place_of_what_was_there() {
        let (headers, cookies) = (vec!["x-user".to_owned()], vec!["uid".to_owned()]);
        let carriers = Carriers { headers, cookies, unreached: Vec::new() };
        let mut request = Request::to("/");
        let headers = [("x-user", "old"), ("x-a", "b"), ("cookie", "a=1; uid=old; b=uid"), ("cookie", "uid=old")];
        request.headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).to_vec();
        let shape = carriers.emptied(request);
        let subject = Subject::new(&shape, &carriers, b"42");
        let values = |name: &'static str| {
            subject
                .headers(name.as_bytes())
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!((values("x-user"), values("x-a")), (vec!["42".to_owned()], vec!["b".to_owned()]));
        assert_eq!(values("cookie"), ["a=1; b=uid", "uid=42"]);
        assert_eq!(carriers.header_names(), [&b"x-user"[..], b"cookie"]);
    }
}
