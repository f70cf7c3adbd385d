//! A request line and a decision line.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    io::{self, Write},
};

use graylane_rules::{Decision, Snapshot, owned::SWITCHES, timestamp};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use serde_json::value::{RawValue, to_raw_value};

use crate::{
    json,
    owned::Owned,
    request::{self, Request, header_name, header_value},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    method: Option<String>,
    path: String,
    host: Option<String>,
    #[serde(default)]
    headers: Headers,
    source: Option<String>,
    peer: Option<String>,
    direction: Option<String>,
    time: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    minted: Option<String>,
}

/// Names and values, in order: a map would lose what is repeated.
#[derive(Default)]
struct Headers(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(HeadersVisitor).map(Self)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"`headers` as a list of pairs, [["name","value"]]"#)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, pairs: A) -> Result<Self::Value, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(pairs))
    }
}

/// Reads a request line. The error begins with where in the line it is.
pub fn parse(text: &[u8]) -> Result<Request, String> {
    let shape = r#"a request such as {"path":"/","headers":[["name","value"]]}"#;
    let place = |why: serde_json::Error| format!(", column {}: {}", why.column(), json::reading(&why, shape));
    let line: RequestLine = serde_json::from_slice(text.trim_ascii_end()).map_err(place)?;
    let RequestLine { method, path, host, headers, source, peer, direction, time, labels, minted } = line;
    if !path.starts_with('/') && path != "*" {
        return Err(format!(", path: found {path:?}, expected one that begins with '/'"));
    }
    let source = source.map(|text| request::source(&text)).transpose().map_err(|why| format!(", source: {why}"))?;
    let peer = peer.map(|text| request::peer(&text)).transpose().map_err(|why| format!(", peer: {why}"))?;
    let direction = direction.map(|text| request::direction(&text)).transpose();
    let direction = direction.map_err(|why| format!(", direction: {why}"))?;
    let time = time.map(|text| request::time(&text)).transpose().map_err(|why| format!(", time: {why}"))?;
    let minted = minted.map(|text| request::minted(&text)).transpose().map_err(|why| format!(", minted: {why}"))?;
    let mut request = Request { source, peer, direction, labels, time, minted, ..Request::to(path) };
    if let Some(method) = method {
        request.method = method;
    }
    for (index, (name, value)) in headers.0.into_iter().enumerate() {
        let checked = header_name(&name).and_then(|name| Ok((name, header_value(&value)?)));
        request.headers.push(checked.map_err(|why| format!(", headers[{index}]: {why}"))?);
    }
    request.authority = host.or_else(|| host_header(&request));
    // Envoy makes it the authority: no rule sees it as a header.
    request.headers.retain(|(name, _)| name != "host");
    Ok(request)
}

fn host_header(request: &Request) -> Option<String> {
    let (_, host) = request.headers.iter().find(|(name, _)| name == "host")?;
    Some(String::from_utf8_lossy(host).into_owned())
}

/// The name and the value of a header.
type Pair<'s> = (Cow<'s, str>, Cow<'s, str>);

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct DecisionLine<'s> {
    rule_set: Option<Cow<'s, str>>,
    rule: Option<Cow<'s, str>>,
    variant: Option<Cow<'s, str>>,
    reason: Option<&'static str>,
    slot: Option<u32>,
    experiment: Option<Cow<'s, str>>,
    #[serde(serialize_with = "in_order")]
    set: Vec<Pair<'s>>,
    remove: &'s [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<String>,
}

/// An object whose members keep their order.
fn in_order<S: Serializer>(set: &[(Cow<'_, str>, Cow<'_, str>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(set.iter().map(|(name, value)| (name, value)))
}

impl<'s> DecisionLine<'s> {
    fn of(decision: &Decision<'s>, set: Vec<Pair<'s>>, request: &Request, remove: &'s [String]) -> Self {
        let text = String::from_utf8_lossy;
        Self {
            rule_set: Some(text(decision.rule_set())),
            rule: decision.rule().map(text),
            variant: Some(text(decision.variant())),
            reason: Some(decision.reason.name()),
            slot: decision.slot,
            experiment: decision.experiment().map(text),
            set,
            remove,
            cookies: decision.cookies(request).iter().map(ToString::to_string).collect(),
        }
    }
}

/// The headers that a decision sets, as far as they are known: that for the time only where the request has one. The switches
/// are those of this decision alone; Envoy sets those of all decisions about a request as one header.
fn set<'s>(decision: &Decision<'s>, time: Option<[u8; timestamp::LENGTH]>) -> Vec<Pair<'s>> {
    let text = String::from_utf8_lossy;
    let mut set: Vec<_> = decision.set().map(|(name, value)| (text(name), text(value))).collect();
    let time = time.map(|time| Cow::Owned(text(&time).into_owned()));
    set.extend(decision.evaluated_at_header().map(text).zip(time));
    set.extend(decision.switches().map(|switches| (SWITCHES.into(), text(switches))));
    set
}

/// Decides `request` and writes a line for each decision, or one without any.
pub fn write(mut request: Request, snapshot: &Snapshot, owned: &Owned, output: &mut impl Write) -> io::Result<()> {
    let stripped = owned.strip(&mut request);
    for line in of(&request, stripped, snapshot)? {
        writeln!(output, "{}", json::inert(line.get()))?;
    }
    Ok(())
}

/// A line for each decision about `request`, or one without any; of it these headers were `stripped`.
pub fn of(request: &Request, stripped: Vec<String>, snapshot: &Snapshot) -> io::Result<Vec<Box<RawValue>>> {
    let mut remove = stripped;
    let decisions: Vec<_> = snapshot.decide(request).collect();
    let time = request.time.map(|time| timestamp::rfc3339(time.as_millisecond()));
    let sets: Vec<_> = decisions.iter().map(|decision| set(decision, time)).collect();
    remove.retain(|name| !sets.iter().flatten().any(|(set, _)| set == name));
    let lines = decisions.iter().zip(sets).map(|(decision, set)| DecisionLine::of(decision, set, request, &remove));
    let lines: Vec<_> = lines.collect();
    let undecided = lines.is_empty().then(|| DecisionLine { remove: &remove, ..DecisionLine::default() });
    // Not as a value: `set` has an order.
    lines.iter().chain(&undecided).map(|line| Ok(to_raw_value(line)?)).collect()
}

#[cfg(test)]
mod tests {
    use graylane_rules::Attributes as _;

    use super::*;

    #[test]
    fn all_but_the_path_is_optional() {
        assert_eq!(parse(b"{\"path\":\"/x?y\"}\r\n").unwrap(), Request::to("/x?y"));
        let whole = r#"{"method":"PUT","path":"/","host":"a","headers":[["X-B","é"],["Host","c"]],
            "source":"::1","time":"2024-11-24T12:00:00+01:00","labels":{"a":"b"}}"#;
        let request = parse(whole.as_bytes()).unwrap();
        assert_eq!((request.method.as_str(), request.authority.as_deref()), ("PUT", Some("a")));
        assert_eq!(request.headers, [("x-b".to_owned(), "é".as_bytes().to_vec())]);
        assert_eq!(request.source.as_deref(), Some("::1"));
        assert_eq!((request.now(), request.label(b"a")), (Some(1_732_446_000_000), Some(&b"b"[..])));
        let host = parse(br#"{"path":"/","headers":[["HOST","c:80"]]}"#).unwrap();
        assert_eq!((host.authority.as_deref(), host.headers.len()), (Some("c:80"), 0));
    }

    #[test]
    fn a_wrong_line_says_where_and_what_would_be_right() {
        for (line, said) in [
            ("", ", column 0: found JSON that does not fit (EOF while parsing a value), expected a request such as"),
            ("{}", ", column 2: found JSON that does not fit (missing field `path`), expected a request such as"),
            (r#"{"path":"/","x":1}"#, ", column 15: found unknown field `x`, expected one of `method`, `path`,"),
            (r#"{"path":"/","path":"/"}"#, ", column 18: found JSON that does not fit (duplicate field `path`)"),
            (r#"{"path":"x"}"#, ", path: found \"x\", expected one that begins with '/'"),
            (r#"{"path":"/","headers":[["a b","c"]]}"#, ", headers[0]: found \"a b\", expected a header name"),
            (r#"{"path":"/","headers":[["a","\n"]]}"#, ", headers[0]: found \"\\n\", expected a header value"),
            (r#"{"path":"/","headers":[["a"]]}"#, ", column 28: found invalid length 1, expected a tuple"),
            (r#"{"path":"/","time":"noon"}"#, ", time: found \"noon\", expected RFC 3339"),
            (r#"{"path":"/","minted":"00"}"#, ", minted: found \"00\", expected 32 hexadecimal digits"),
            (r#"{"path":"/","peer":""}"#, ", peer: found \"\", expected the first URI in a certificate"),
            (r#"{"path":"/","direction":"out"}"#, ", direction: found \"out\", expected inbound or outbound"),
            (r#"{"path":"/","source":"nowhere"}"#, ", source: found \"nowhere\", expected an address"),
        ] {
            let refused = parse(line.as_bytes()).unwrap_err();
            assert!(refused.starts_with(said), "{line}: {refused}");
        }
    }
}
