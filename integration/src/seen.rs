//! What an upstream says it saw: the answer of [`echo`](crate::echo).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, ser::SerializeMap};

/// A request as it reached an upstream.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The name of the upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The authority, if there was one.
    pub host: Option<String>,
    /// Every header, names in lower case, duplicates as they came.
    pub headers: Vec<(String, Value)>,
}

impl Seen {
    /// Every value of the header `name`, which is lower case, in order.
    pub fn header(&self, name: &str) -> Vec<&[u8]> {
        let named = self.headers.iter().filter(|(found, _)| found == name);
        named.map(|(_, value)| value.0.as_slice()).collect()
    }

    /// The only value of the header `name` as text; None when it is absent.
    ///
    /// # Panics
    /// Where there are several, or it is no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.header(name).as_slice() {
            [] => None,
            [value] => Some(std::str::from_utf8(value).unwrap_or_else(|why| panic!("header {name}: {why}"))),
            several => panic!("found {} headers {name}, expected one: {:?}", several.len(), self.headers),
        }
    }
}

/// A header's value: a JSON string where it is UTF-8, `{"hex": "636166e9"}` where it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(pub Vec<u8>);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry("hex", &to_hex(&self.0))?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = serde_json::Value::deserialize(deserializer)?;
        let bytes = match (&found, found.get("hex")) {
            (serde_json::Value::String(text), _) => Some(text.clone().into_bytes()),
            (_, Some(serde_json::Value::String(hex))) => from_hex(hex),
            _ => None,
        };
        bytes.map(Self).ok_or_else(|| Error::custom(format!("found {found}, expected a string or {{\"hex\": \"…\"}}")))
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that `hex` spells; None where it spells none.
pub fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_the_way() {
        for bytes in [&b"plain"[..], b"", b"caf\xe9", "café".as_bytes(), b"{\"hex\"}"] {
            let value = Value(bytes.to_vec());
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value, "{json}");
        }
        assert!(serde_json::from_str::<Value>("{\"hex\":\"abc\"}").is_err());
    }
}
