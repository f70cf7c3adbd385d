//! A request as the rules see it.

use std::cell::OnceCell;

use graylane_rules::{Attributes, HeaderNames};

use crate::{host, labels::Labels, owned::Owned, pairs::Whole};

/// The header map of a request, read in place, without the owned headers: what a client put there is no input.
#[derive(Debug)]
pub struct Request<'a> {
    headers: Whole<'a>,
    owned: &'a Owned,
    /// Each owned name, or twin of one, that the request carries, once.
    spoofed: Vec<&'a [u8]>,
    labels: Option<&'a Labels>,
    /// Looked for when a rule first asked, as many may.
    method: OnceCell<Option<&'a [u8]>>,
    /// What the host said when a rule first asked.
    source: OnceCell<Option<Vec<u8>>>,
    /// What the host said when a rule set first asked.
    peer: OnceCell<Option<Vec<u8>>>,
    /// What the host drew when a decision first asked.
    minted: OnceCell<Option<[u8; 16]>>,
    now: OnceCell<Option<i64>>,
}

impl<'a> Request<'a> {
    /// Reads a header map; None where it is not whole.
    pub fn read(buffer: &'a [u8], owned: &'a Owned) -> Option<Self> {
        let (headers, lengths) = Whole::new(buffer)?;
        let mut spoofed = Vec::new();
        // Hardly any request has a name as long as an owned one.
        if lengths & owned.lengths() != 0 {
            for name in headers.names_of(owned.lengths()) {
                if owned.covers(name) && !spoofed.contains(&name) {
                    spoofed.push(name);
                }
            }
        }
        Some(Self {
            headers,
            owned,
            spoofed,
            labels: None,
            method: OnceCell::new(),
            source: OnceCell::new(),
            peer: OnceCell::new(),
            minted: OnceCell::new(),
            now: OnceCell::new(),
        })
    }

    /// The same request at a node with these labels, of which it has none before.
    pub fn at(self, labels: Option<&'a Labels>) -> Self {
        Self { labels, ..self }
    }

    /// The owned names and twins that the request carries, each once.
    pub fn spoofed(&self) -> &[&'a [u8]] {
        &self.spoofed
    }
}

/// Envoy's `TrafficDirection.OUTBOUND`, as it writes numbers into properties.
const OUTBOUND: [u8; 8] = 2_u64.to_le_bytes();

/// Whether this is a proxy of Istio that stands beside no application: the listeners of its gateways are called outbound as well,
/// and anybody reaches them. Istio's ids of nodes begin with the kind of proxy and a `~`.
fn is_istio_gateway() -> bool {
    let id = host::property("xds\0node\0id").unwrap_or_default();
    id.contains(&b'~') && !id.starts_with(b"sidecar~")
}

impl Attributes for Request<'_> {
    fn method(&self) -> Option<&[u8]> {
        *self.method.get_or_init(|| self.headers.named(b":method").last())
    }

    fn target(&self) -> Option<&[u8]> {
        self.headers.named(b":path").last()
    }

    fn authority(&self) -> Option<&[u8]> {
        self.headers.named(b":authority").last()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let visible = if self.owned.covers(name) { Whole::EMPTY } else { self.headers };
        visible.named(name)
    }

    fn headers_among<'a>(&'a self, names: &HeaderNames<'a>, mut found: impl FnMut(u8, &'a [u8])) {
        for (name, value) in self.headers.filtered(|length| names.may_have(length)) {
            if let Some(place) = names.place(name)
                && !self.owned.covers(name)
            {
                found(place, value);
            }
        }
    }

    fn minted(&self) -> Option<[u8; 16]> {
        *self.minted.get_or_init(|| {
            let bits = u128::from(host::random()) << 64 | u128::from(host::random());
            // A host that draws nothing must not give all visitors one name.
            (bits != 0).then_some(bits.to_le_bytes())
        })
    }

    fn source(&self) -> Option<&[u8]> {
        self.source.get_or_init(|| host::property("source\0address").ok()).as_deref()
    }

    fn carried<'a>(&'a self, name: &'a [u8]) -> Option<&'a [u8]> {
        let mut values = self.headers.named(name);
        let first = values.next()?;
        values.next().is_none().then_some(first)
    }

    fn peer(&self) -> Option<&[u8]> {
        self.peer.get_or_init(|| host::property("connection\0uri_san_peer_certificate").ok()).as_deref()
    }

    fn is_outbound(&self) -> bool {
        // Of the stream: the property of the plugin is that of whichever listener was first, where several share a root.
        host::property("xds\0listener_direction").is_ok_and(|direction| direction == OUTBOUND) && !is_istio_gateway()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.labels?.value(name)
    }

    fn now(&self) -> Option<i64> {
        *self.now.get_or_init(|| i64::try_from(host::unix_millis()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host::fake::host, pairs::encode};

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
    fn the_host_is_asked_for_what_a_rule_asks_for_and_once() {
        let (buffer, owned) = (encode(&[(b":path", b"/")]), Owned::new(Vec::new()));
        let labels = Labels::of([&b"env"[..], b"region"]);
        let request = Request::read(&buffer, &owned).unwrap().at(Some(&labels));
        host(|host| host.unix_time = 7);
        let known = [("source\0address", "10.0.0.1:80"), ("xds\0node\0metadata\0LABELS\0env", "staging")];
        host(|host| host.properties = known.map(|(path, value)| (path.to_owned(), value.into())).into());
        for _ in 0..2 {
            assert_eq!(request.source(), Some(&b"10.0.0.1:80"[..]));
            let labels = ["env", "region", "other"].map(|name| request.label(name.as_bytes()));
            assert_eq!(labels, [Some(&b"staging"[..]), None, None]);
            host(|host| host.properties.clear());
        }
        assert_eq!(request.now(), Some(7_000));
        assert_eq!(Request::read(&buffer, &owned).unwrap().label(b"env"), None, "a node without labels");
    }

    #[test]
    fn a_request_without_a_path_and_a_broken_map() {
        let owned = Owned::new(Vec::new());
        let buffer = encode(&[(b":method", b"CONNECT"), (b":authority", b"a:1")]);
        assert_eq!(Request::read(&buffer, &owned).unwrap().target(), None);
        assert!(Request::read(&buffer[..buffer.len() - 1], &owned).is_none());
    }
}
