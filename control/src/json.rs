//! JSON that others send: read strictly, and what does not fit told in the words of every other message.

use std::{borrow::Cow, fmt, io, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::finding::is_active;

/// Reads an object. An array is none, though serde would take its items for the members in their order.
///
/// # Errors
/// What does not fit, with its place.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice::<Object<T>>(text).map(|object| object.0)
}

/// The same for a member: `deserialize_with`.
///
/// # Errors
/// What does not fit.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Object::deserialize(deserializer).map(|object| object.0)
}

/// The same for a member that has many.
///
/// # Errors
/// What does not fit.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Object)
    }
}

/// Writes `value` over several lines, as `-o json` shows everything: it means the same, and nothing in it acts on a terminal.
///
/// # Errors
/// Where it cannot be written.
pub fn write(value: &(impl Serialize + ?Sized), output: &mut impl io::Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(output, "{}", inert(&text))
}

/// JSON that means the same as `text`, with every character as `\uXXXX` on which a terminal acts, or which hides or reorders
/// others. Those up to U+001F stand in no string of JSON but so.
pub fn inert(text: &str) -> Cow<'_, str> {
    let acts = |letter: char| letter >= '\u{7f}' && is_active(letter);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut inert = String::with_capacity(text.len());
    for letter in text.chars() {
        if acts(letter) {
            inert.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            inert.push(letter);
        }
    }
    Cow::Owned(inert)
}

/// `found …, expected …` for an error of `serde_json`, whose own words end in a position that is told elsewhere.
///
/// `shape` says what would be right where serde does not.
pub fn reading(error: &serde_json::Error, shape: &str) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    let text = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")).unwrap_or(text);
    match text.split_once(", expected ") {
        Some((found, expected)) => format!("found {found}, expected {expected}"),
        None => format!("found JSON that does not fit ({text}), expected {shape}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Line {
        #[serde(deserialize_with = "object")]
        from: Spot,
        #[serde(deserialize_with = "objects")]
        over: Vec<Spot>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Spot {
        x: u8,
    }

    impl Default for Line {
        fn default() -> Self {
            Self { from: Spot { x: 1 }, over: Vec::new() }
        }
    }

    #[test]
    fn an_array_is_no_object() {
        assert_eq!(read::<Line>(b"{}").unwrap(), Line::default());
        let line = read::<Line>(br#"{"from":{"x":2},"over":[{"x":3}]}"#).unwrap();
        assert_eq!((line.from.x, line.over.len()), (2, 1));
        for (text, place) in [("[]", 0), (r#"{"from":[2]}"#, 8), (r#"{"over":[[3]]}"#, 9), ("[{}]", 0)] {
            let refused = read::<Line>(text.as_bytes()).unwrap_err();
            assert_eq!(
                (refused.column(), reading(&refused, "a line").as_str()),
                (place, "found sequence, expected an object")
            );
        }
    }

    #[test]
    fn what_is_written_means_the_same_and_drives_no_terminal() {
        let said = serde_json::json!({"a\u{9b}": "\u{1b}[2J\u{7f}\u{85}\u{202e}\u{2066}é\u{1f600}\n\\u202e"});
        let mut written = Vec::new();
        write(&said, &mut written).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.trim_end().chars().any(|letter| letter != '\n' && is_active(letter)), "{text:?}");
        assert!(text.contains("\"a\\u009b\": ") && text.contains("\\u202e\\u2066é\u{1f600}"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), said);
        assert!(matches!(inert("{\"a\": 1}\n"), Cow::Borrowed(_)));
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Point {
        x: u8,
    }

    #[test]
    fn serde_words_become_found_and_expected() {
        let said = |text: &str| reading(&serde_json::from_str::<Point>(text).unwrap_err(), "a point");
        assert_eq!(said(r#"{"x":"1"}"#), "found string \"1\", expected u8");
        assert_eq!(said(r#"{"y":1}"#), "found unknown field `y`, expected `x`");
        assert_eq!(said("{}"), "found JSON that does not fit (missing field `x`), expected a point");
        assert_eq!(said("{"), "found JSON that does not fit (EOF while parsing an object), expected a point");
    }
}
