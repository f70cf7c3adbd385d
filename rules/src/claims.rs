//! What a JSON Web Token claims. Its signature is not looked at: whoever asks stands behind somebody who checked it.
//!
//! Reading a token allocates: it is in base64url and then in JSON with escapes. It happens only where a rule asks, and once
//! for each header that carries one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{base64url, order};

/// The longest field line that is read as a token, in bytes.
const TOKEN_LIMIT: usize = 16 << 10;

/// The most names that lead to a claim: so deep a token is read.
pub(crate) const DEPTH_LIMIT: usize = 8;

/// A part of what a token claims.
#[derive(Debug)]
pub(crate) enum Claims {
    /// A text, or a number or boolean as JSON writes it; of a list each of those; of anything else nothing.
    Values(Vec<Vec<u8>>),
    /// Sorted by name; a name that was there twice is there twice.
    Map(Vec<(String, Claims)>),
}

/// Reads a field line: a token, perhaps behind `Bearer`, or the payload of one alone, as `forward_payload_header` has it. None
/// where it is damaged or too long.
pub(crate) fn read(line: &[u8]) -> Option<Claims> {
    if line.len() > TOKEN_LIMIT {
        return None;
    }
    let json = decoded(payload(without_scheme(line.trim_ascii()))?)?;
    let raw: &RawValue = serde_json::from_slice(&json).ok()?;
    let claims = part(raw.get(), DEPTH_LIMIT)?;
    matches!(claims, Claims::Map(_)).then_some(claims)
}

fn without_scheme(line: &[u8]) -> &[u8] {
    const SCHEME: &[u8] = b"bearer ";
    match line.split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => token.trim_ascii_start(),
        _ => line,
    }
}

/// The second of three parts, or what has no parts. Another scheme in front leaves a blank.
fn payload(token: &[u8]) -> Option<&[u8]> {
    if token.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    let mut parts = token.split(|&byte| byte == b'.');
    match [parts.next(), parts.next(), parts.next(), parts.next()] {
        [only, None, ..] => only,
        [_, payload, Some(_), None] => payload,
        _ => None,
    }
}

/// base64url, without padding or with all of it.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let padded = text.len().is_multiple_of(4);
    let stripped = if padded { text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")) } else { None };
    let text = stripped.unwrap_or(text);
    let mut bytes = vec![0; text.len()];
    let length = base64url::decode(text, &mut bytes)?;
    bytes.truncate(length);
    Some(bytes)
}

/// Reads what is known to be JSON but for its texts; None where one of those is damaged. What lies `depth` levels below is
/// passed over.
fn part(json: &str, depth: usize) -> Option<Claims> {
    match json.as_bytes().first()? {
        b'{' => {
            let Some(inside) = depth.checked_sub(1) else { return Some(Claims::Values(Vec::new())) };
            let Members(members) = serde_json::from_slice(json.as_bytes()).ok()?;
            let mut read = Vec::with_capacity(members.len());
            for (name, raw) in members {
                read.push((name, part(raw.get(), inside)?));
            }
            order::sort_by(&mut read, |(one, _), (other, _)| one.cmp(other));
            Some(Claims::Map(read))
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_slice(json.as_bytes()).ok()?;
            let mut values = Vec::new();
            for item in items {
                values.extend(scalar(item.get())?);
            }
            Some(Claims::Values(values))
        }
        _ => scalar(json).map(|value| Claims::Values(value.into_iter().collect())),
    }
}

/// The text of a scalar; Some(None) for null, a list or an object.
fn scalar(json: &str) -> Option<Option<Vec<u8>>> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_slice(json.as_bytes()).ok().map(|text: String| Some(text.into_bytes())),
        b'n' | b'{' | b'[' => Some(None),
        _ => Some(Some(json.into())),
    }
}

impl Claims {
    /// The values of the claim that `names` lead to; none where it is absent, or one of the names is there twice.
    pub(crate) fn values<'n>(&self, names: impl Iterator<Item = &'n [u8]>) -> &[Vec<u8>] {
        let mut here = self;
        for name in names {
            match here.member(name) {
                Some(member) => here = member,
                None => return &[],
            }
        }
        match here {
            Claims::Values(values) => values,
            Claims::Map(_) => &[],
        }
    }

    fn member(&self, name: &[u8]) -> Option<&Claims> {
        let Claims::Map(members) = self else { return None };
        let first = members.partition_point(|(known, _)| known.as_bytes() < name);
        let mut named = members.get(first..)?.iter().take_while(|(known, _)| known.as_bytes() == name);
        let (_, member) = named.next()?;
        // Readers differ in which of two they take.
        named.next().is_none().then_some(member)
    }
}

/// The members of an object, as they stand there.
struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'j> Deserialize<'j> for Members<'j> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AllMembers)
    }
}

struct AllMembers;

impl<'j> Visitor<'j> for AllMembers {
    type Value = Members<'j>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Members<'j>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        base64url::digits(bytes).collect()
    }

    fn token(payload: &[u8]) -> Vec<u8> {
        [b"e30.".to_vec(), encoded(payload), b".c2ln".to_vec()].concat()
    }

    fn asked(line: &[u8], names: &[&str]) -> Option<Vec<String>> {
        let claims = read(line)?;
        let values = claims.values(names.iter().map(|name| name.as_bytes()));
        Some(values.iter().map(|value| String::from_utf8(value.clone()).unwrap()).collect())
    }

    #[test]
    fn claims_are_found_by_their_names() {
        let payload = r#"{"sub": "alice é\"", "n": -1.50e3, "big": 18446744073709551616, "admin": true, "none": null,
            "aud": ["a", 7, false, null, {"b": 1}, ["c"]], "realm": {"roles": ["x"], "a.b": "dot"}, "twice": 1, "twice": 2,
            "https://example.com/r": "url", "d": {"d": {"d": {"d": {"d": {"d": {"d": {"d": {"d": "too deep"}}}}}}}}}"#;
        let line = token(payload.as_bytes());
        for (names, values) in [
            (&["sub"][..], &["alice é\""][..]),
            (&["n"], &["-1.50e3"]),
            (&["big"], &["18446744073709551616"]),
            (&["admin"], &["true"]),
            (&["none"], &[]),
            (&["aud"], &["a", "7", "false"]),
            (&["aud", "b"], &[]),
            (&["realm"], &[]),
            (&["realm", "roles"], &["x"]),
            (&["realm", "a.b"], &["dot"]),
            (&["realm.roles"], &[]),
            (&["https://example.com/r"], &["url"]),
            (&["twice"], &[]),
            (&["absent"], &[]),
            (&["sub", "x"], &[]),
            (&["d"; 8], &[]),
        ] {
            assert_eq!(asked(&line, names).unwrap(), values, "{names:?}");
        }
        assert_eq!(
            asked(
                &token(br#"{"d":{"d":{"d":{"d":{"d":{"d":{"d":{"e":"deep"}}}}}}}}"#),
                &["d", "d", "d", "d", "d", "d", "d", "e"]
            )
            .unwrap(),
            ["deep"]
        );
    }

    #[test]
    fn a_scheme_in_front_does_not_count() {
        let token = token(br#"{"sub": "a"}"#);
        for scheme in ["", "Bearer ", "bearer   ", "BEARER "] {
            assert_eq!(asked(&[scheme.as_bytes(), &token].concat(), &["sub"]).unwrap(), ["a"], "{scheme}");
        }
        for scheme in ["Basic ", "Bearer\t"] {
            assert!(read(&[scheme.as_bytes(), &token].concat()).is_none(), "{scheme}");
        }
        let alone = encoded(br#"{"sub": "a"}"#);
        assert_eq!(asked(&alone, &["sub"]).unwrap(), ["a"]);
        assert_eq!(asked(&[&alone[..], b"="].concat(), &["sub"]), None, "padding that is too much");
        for (payload, padding) in [(&br#"{"sub":"a" }"#[..], ""), (br#"{"sub":"a"}"#, "="), (br#"{"sub":"a"  }"#, "==")]
        {
            let padded = [&encoded(payload)[..], padding.as_bytes()].concat();
            assert_eq!((asked(&padded, &["sub"]).unwrap(), padded.len() % 4), (vec!["a".to_owned()], 0));
        }
    }

    #[test]
    fn what_is_damaged_claims_nothing() {
        let part = |payload: &[u8]| String::from_utf8(encoded(payload)).unwrap();
        let sound = part(b"{}");
        let lines = [
            String::new(),
            "Bearer ".to_owned(),
            format!("a.{sound}"),
            format!("a.{sound}.b.c.d"),
            "a.e30==.b".to_owned(),
            "a.e3.b".to_owned(),
            "a.e31.b".to_owned(),
            "a.e+0.b".to_owned(),
            format!("a.{}.b", part(b"[]")),
            format!("a.{}.b", part(b"\"a\"")),
            format!("a.{}.b", part(b"{\"a\": 1")),
            format!("a.{}.b", part(b"{\"a\": 01}")),
            format!("a.{}.b", part(b"{} {}")),
            format!("a.{}.b", part(b"{\"a\": \"caf\xe9\"}")),
            format!("a.{}.b", part(b"{\"a\": \"\\ud800\"}")),
            format!("a.{}.b", part(format!("{{\"a\": \"{}\"}}", "x".repeat(TOKEN_LIMIT)).as_bytes())),
        ];
        for line in lines {
            assert!(read(line.as_bytes()).is_none(), "{line:.200}");
        }
        assert!(read(format!("a.{sound}.b").as_bytes()).is_some());
    }

    #[test]
    fn brackets_without_end_are_no_deep_recursion() {
        for open in ["[", "{\"a\":"] {
            assert!(read(&token(format!("{{\"a\":{}", open.repeat(2_000)).as_bytes())).is_none());
        }
        let nested = format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(asked(&token(nested.as_bytes()), &["a"]), Some(vec![]));
    }
}
