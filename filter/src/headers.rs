//! A request as the rules see it.

use graylane_rules::Attributes;

use crate::{owned::Owned, pairs::Pairs};

/// The header map of a request, read in place, without the owned headers: what a client put there is no input.
#[derive(Debug)]
pub struct Request<'a> {
    headers: Pairs<'a>,
    owned: &'a Owned,
    method: Option<&'a [u8]>,
    target: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    /// Each owned name, or twin of one, that the request carries, once.
    spoofed: Vec<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Reads a header map; None where it is not whole.
    pub fn read(buffer: &'a [u8], owned: &'a Owned) -> Option<Self> {
        let headers = Pairs::new(buffer)?;
        let mut request = Self { headers, owned, method: None, target: None, authority: None, spoofed: Vec::new() };
        let mut rest = headers;
        for (name, value) in rest.by_ref() {
            match name {
                b":method" => request.method = Some(value),
                b":path" => request.target = Some(value),
                b":authority" => request.authority = Some(value),
                name if owned.covers(name) && !request.spoofed.contains(&name) => request.spoofed.push(name),
                _ => {}
            }
        }
        rest.is_exhausted().then_some(request)
    }

    /// The owned names and twins that the request carries, each once.
    pub fn spoofed(&self) -> &[&'a [u8]] {
        &self.spoofed
    }
}

impl Attributes for Request<'_> {
    fn method(&self) -> Option<&[u8]> {
        self.method
    }

    fn target(&self) -> Option<&[u8]> {
        self.target
    }

    fn authority(&self) -> Option<&[u8]> {
        self.authority
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let visible = (!self.owned.covers(name)).then_some(self.headers);
        visible.into_iter().flatten().filter(move |(found, _)| *found == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs::encode;

    #[test]
    fn a_request_shows_everything_but_owned_headers() {
        let buffer = encode(&[
            (b":authority", b"Shop.example.com:80"),
            (b":path", b"/a?b"),
            (b":method", b"GET"),
            (b"x-gray-variant", b"1"),
            (b"x", b"1"),
            (b"x_gray_variant", b"2"),
            (b"x", b"caf\xe9"),
            (b"x-gray-variant", b"3"),
        ]);
        let owned = Owned::new(vec!["x-gray-variant".into()]);
        let request = Request::read(&buffer, &owned).unwrap();
        assert_eq!(request.headers(b"x").collect::<Vec<_>>(), [&b"1"[..], b"caf\xe9"]);
        for hidden in ["x-gray-variant", "x_gray_variant", "absent"] {
            assert_eq!(request.headers(hidden.as_bytes()).count(), 0, "{hidden}");
        }
        assert_eq!(request.spoofed(), [&b"x-gray-variant"[..], b"x_gray_variant"]);
        assert_eq!(request.method(), Some(&b"GET"[..]));
        assert_eq!(request.target(), Some(&b"/a?b"[..]));
        assert_eq!(request.authority(), Some(&b"Shop.example.com:80"[..]));
    }

    #[test]
    fn a_request_without_a_path_and_a_broken_map() {
        let owned = Owned::new(Vec::new());
        let buffer = encode(&[(b":method", b"CONNECT"), (b":authority", b"a:1")]);
        assert_eq!(Request::read(&buffer, &owned).unwrap().target(), None);
        assert!(Request::read(&buffer[..buffer.len() - 1], &owned).is_none());
    }
}
