//! What is said to etcd's JSON gateway and what it answers: those parts of `rpc.proto` that are used here.
//!
//! Bytes are base64, 64-bit numbers may come as text, and what has its default value may be left out.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A transaction; without a comparison, it succeeds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Txn {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) compare: Vec<Compare>,
    pub(super) success: Vec<Op>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) failure: Vec<Op>,
}

/// That a key is as expected.
#[derive(Debug, Serialize)]
pub(super) struct Compare {
    key: Bytes,
    result: &'static str,
    #[serde(flatten)]
    target: Target,
}

#[derive(Debug, Serialize)]
#[serde(tag = "target", rename_all = "UPPERCASE")]
enum Target {
    Value { value: Bytes },
    Version { version: u64 },
    Mod { mod_revision: u64 },
}

impl Compare {
    /// That the value of `key` is `value`.
    pub(super) fn value(key: impl Into<Vec<u8>>, value: Vec<u8>) -> Self {
        Self { key: Bytes(key.into()), result: "EQUAL", target: Target::Value { value: Bytes(value) } }
    }

    /// That `key` was put so often since it is there; 0: it is not.
    pub(super) fn version(key: impl Into<Vec<u8>>, version: u64) -> Self {
        Self { key: Bytes(key.into()), result: "EQUAL", target: Target::Version { version } }
    }

    /// That `key` was last put at that revision of etcd.
    pub(super) fn put_at(key: impl Into<Vec<u8>>, mod_revision: u64) -> Self {
        Self { key: Bytes(key.into()), result: "EQUAL", target: Target::Mod { mod_revision } }
    }
}

/// One operation of a transaction.
#[derive(Debug, Serialize)]
pub(super) enum Op {
    #[serde(rename = "request_range")]
    Range(Range),
    #[serde(rename = "request_put")]
    Put(Put),
    #[serde(rename = "request_delete_range")]
    Delete(Delete),
    #[serde(rename = "request_txn")]
    Txn(Txn),
}

/// Reads a key, or those from it to before `range_end`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Range {
    pub(super) key: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range_end: Option<Bytes>,
    pub(super) limit: u64,
    pub(super) keys_only: bool,
}

impl Range {
    /// Of one key.
    pub(super) fn of(key: impl Into<Vec<u8>>) -> Self {
        Self { key: Bytes(key.into()), ..Self::default() }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Put {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    /// 0: none.
    pub(super) lease: u64,
}

impl Op {
    pub(super) fn put(key: impl Into<Vec<u8>>, value: &[u8]) -> Self {
        Self::Put(Put { key: Bytes(key.into()), value: Bytes(value.to_vec()), lease: 0 })
    }

    pub(super) fn delete(key: impl Into<Vec<u8>>) -> Self {
        Self::Delete(Delete { key: Bytes(key.into()) })
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Delete {
    key: Bytes,
}

/// Asks to be told of what happens to keys.
#[derive(Debug, Serialize)]
pub(super) struct Watch {
    pub(super) create_request: WatchCreate,
}

#[derive(Debug, Serialize)]
pub(super) struct WatchCreate {
    pub(super) key: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range_end: Option<Bytes>,
    pub(super) start_revision: u64,
    /// Several answers rather than one of many megabytes.
    pub(super) fragment: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
    #[serde(deserialize_with = "number")]
    pub(super) revision: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangeAnswer {
    pub(super) header: Header,
    pub(super) kvs: Vec<Kv>,
    pub(super) more: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kv {
    pub(super) key: Bytes,
    pub(super) value: Bytes,
    #[serde(deserialize_with = "number")]
    pub(super) mod_revision: u64,
    #[serde(deserialize_with = "number")]
    pub(super) version: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TxnAnswer {
    pub(super) header: Header,
    pub(super) succeeded: bool,
    pub(super) responses: Vec<OpAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OpAnswer {
    pub(super) response_range: Option<RangeAnswer>,
    pub(super) response_delete_range: Option<DeleteAnswer>,
    pub(super) response_txn: Option<TxnAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeleteAnswer {
    #[serde(deserialize_with = "number")]
    pub(super) deleted: u64,
}

/// One line of a stream.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line<T> {
    Result(T),
    Error(Refusal),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WatchAnswer {
    pub(super) header: Header,
    pub(super) canceled: bool,
    pub(super) cancel_reason: String,
    #[serde(deserialize_with = "number")]
    pub(super) compact_revision: u64,
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: EventKind,
    pub(super) kv: Kv,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EventKind {
    #[default]
    Put,
    Delete,
}

/// Why not. Gateways of different ages name it differently.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    #[serde(alias = "grpc_code")]
    pub(super) code: u32,
    pub(super) message: String,
    error: String,
}

impl Refusal {
    /// In words.
    pub(super) fn said(self) -> String {
        if self.message.is_empty() { self.error } else { self.message }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Authenticate<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Authenticated {
    pub(super) token: String,
}

#[derive(Debug, Serialize)]
pub(super) struct LeaseGrant {
    /// In seconds.
    #[serde(rename = "TTL")]
    pub(super) ttl: u64,
}

/// Asked for, only its id counts.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Lease {
    #[serde(rename = "ID", deserialize_with = "number")]
    pub(super) id: u64,
    /// In seconds; 0: it has ended.
    #[serde(rename = "TTL", deserialize_with = "number", skip_serializing)]
    pub(super) ttl: u64,
}

/// Bytes, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes, E> {
                STANDARD.decode(text).map(Bytes).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A number, or the text of one.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Number;
    impl serde::de::Visitor<'_> for Number {
        type Value = u64;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number")
        }

        fn visit_u64<E>(self, number: u64) -> Result<u64, E> {
            Ok(number)
        }

        // Only -1 comes, and it stands for nothing.
        fn visit_i64<E>(self, number: i64) -> Result<u64, E> {
            Ok(number.try_into().unwrap_or(0))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
            let number: i64 = text.parse().map_err(E::custom)?;
            self.visit_i64(number)
        }
    }
    deserializer.deserialize_any(Number).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_as_the_gateway_reads_them() {
        let txn = Txn {
            compare: vec![Compare::version("a", 0)],
            success: vec![Op::put("a", b"1"), Op::delete("b")],
            ..Txn::default()
        };
        assert_eq!(
            serde_json::to_value(txn).unwrap(),
            serde_json::json!({
                "compare": [{"key": "YQ==", "result": "EQUAL", "target": "VERSION", "version": 0}],
                "success": [
                    {"request_put": {"key": "YQ==", "value": "MQ==", "lease": 0}},
                    {"request_delete_range": {"key": "Yg=="}}
                ],
            })
        );
    }

    #[test]
    fn answers_are_read_from_gateways_of_every_age() {
        let old = r#"{"header":{"revision":"3"},"responses":[{"response_range":{"kvs":[{"key":"YQ==","mod_revision":"2"}]}}]}"#;
        let answer: TxnAnswer = serde_json::from_str(old).unwrap();
        let range = answer.responses[0].response_range.as_ref().unwrap();
        assert_eq!((answer.header.revision, answer.succeeded, range.kvs[0].mod_revision), (3, false, 2));
        for text in [
            r#"{"error":{"grpc_code":14,"http_code":503,"message":"gone","http_status":"Service Unavailable"}}"#,
            r#"{"error":{"code":14,"message":"gone","details":[]}}"#,
        ] {
            let Line::Error(why) = serde_json::from_str::<Line<WatchAnswer>>(text).unwrap() else { panic!("{text}") };
            assert_eq!((why.code, why.message.as_str()), (14, "gone"));
        }
        let deleted = r#"{"result":{"events":[{"type":"DELETE","kv":{"key":"YQ=="}}]}}"#;
        let Line::Result(answer) = serde_json::from_str::<Line<WatchAnswer>>(deleted).unwrap() else { panic!() };
        assert_eq!(answer.events[0].kind, EventKind::Delete);
    }
}
