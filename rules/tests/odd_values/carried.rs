//! Requests that carry a value where a match looks for it.

use graylane_rules::Attributes;

use crate::base64url::base64url;

/// A request with what one match asks about, and nothing else.
#[derive(Default)]
pub struct Carried {
    method: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
    headers: Vec<(&'static [u8], Vec<u8>)>,
    source: Option<Vec<u8>>,
    label: Option<Vec<u8>>,
    now: Option<i64>,
}

/// The request that carries `values` where a match of this kind looks: headers, cookies, parameters, claims named `it` or
/// `x-it`, labels named `env`. None where no request can.
pub fn carry(kind: &str, values: &[&[u8]]) -> Option<Carried> {
    let mut request = Carried::default();
    match kind {
        "header" | "identity" | "percent" | "audience" => {
            request.lines(b"x-it", values.iter().map(|value| value.to_vec()))
        }
        "cookie" if values.is_empty() => {}
        "cookie" => {
            let pairs: Vec<_> = values.iter().map(|value| [b"x-it=", *value].concat()).collect();
            request.lines(b"cookie", [pairs.join(&b"; "[..])].into_iter());
        }
        "query" => {
            let pairs = values.iter().map(|value| format!("x-it={}", encoded(value)));
            request.target = Some(format!("/?{}", pairs.collect::<Vec<_>>().join("&")).into_bytes());
        }
        "jwtClaim" => request.lines(b"authorization", values.iter().map(|value| token(value))),
        "time" => match values {
            [] => {}
            // A clock has one time, and always one.
            _ => return (values == [b"now"]).then_some(Carried { now: Some(1_800_000_000_000), ..request }),
        },
        _ if values.len() > 1 => return None,
        _ => {
            let place = match kind {
                "path" => &mut request.target,
                "method" => &mut request.method,
                "host" => &mut request.authority,
                "source" => &mut request.source,
                "labels" => &mut request.label,
                _ => panic!("nobody knows where {kind} looks"),
            };
            *place = values.first().map(|value| value.to_vec());
        }
    }
    Some(request)
}

/// Percent-encoded, every byte of it.
fn encoded(value: &[u8]) -> String {
    value.iter().map(|byte| format!("%{byte:02x}")).collect()
}

/// An unsigned token whose claim `it` is `value`, of which no byte needs an escape.
fn token(value: &[u8]) -> Vec<u8> {
    let payload = [br#"{"it":""#, value, br#""}"#].concat();
    [b"Bearer e30.", base64url(&payload).as_slice(), b".x"].concat()
}

impl Carried {
    fn lines(&mut self, name: &'static [u8], values: impl Iterator<Item = Vec<u8>>) {
        self.headers = values.map(|value| (name, value)).collect();
    }
}

impl Attributes for Carried {
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
        self.headers.iter().filter(move |(found, _)| *found == name).map(|(_, value)| value.as_slice())
    }

    fn source(&self) -> Option<&[u8]> {
        self.source.as_deref()
    }

    fn label(&self, name: &[u8]) -> Option<&[u8]> {
        self.label.as_deref().filter(|_| name == b"env")
    }

    fn now(&self) -> Option<i64> {
        self.now
    }
}
