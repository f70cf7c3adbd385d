//! Envoy's API as Envoy itself describes it: which messages there are, and what a value in YAML is as one of them.
//!
//! The descriptors are those that Envoy 1.40.0 carries within itself; `make istio-api` reads them out of it.

use std::{io::Read as _, sync::LazyLock};

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

mod read;

pub use read::{Misfit, Reading};

static DESCRIPTORS: &[u8] = include_bytes!("envoy-1.40.binpb.gz");

// What is built in is checked by a test; without it nothing would be known, and everything be said to be unknown.
static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(&descriptors()[..]).unwrap_or_default());

/// What every type of an `@type` begins with.
pub const TYPE_PREFIX: &str = "type.googleapis.com/";

/// The message `name`, such as `envoy.config.cluster.v3.Cluster`; None where Envoy knows none.
pub fn message(name: &str) -> Option<MessageDescriptor> {
    POOL.get_message_by_name(name)
}

/// The message that an `@type` names; None where Envoy knows none.
pub fn message_of_url(url: &str) -> Option<MessageDescriptor> {
    message(url.rsplit('/').next().unwrap_or(url))
}

/// The descriptors as one `FileDescriptorSet`.
pub fn descriptors() -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = flate2::read::GzDecoder::new(DESCRIPTORS).read_to_end(&mut bytes);
    read.map(|_| bytes).unwrap_or_default()
}

/// The names of all messages that could be meant by a misspelt `@type`.
pub(crate) fn nearest_type(url: &str) -> Option<String> {
    let wanted = url.rsplit('/').next().unwrap_or(url);
    let last = wanted.rsplit('.').next()?;
    POOL.all_messages()
        .filter(|message| message.name() == last && message.full_name().starts_with("envoy."))
        .map(|message| format!("{TYPE_PREFIX}{}", message.full_name()))
        .min_by_key(|name| distance(name, url))
}

/// How many characters two names do not share at their beginning and end.
fn distance(a: &str, b: &str) -> usize {
    let front = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let back = a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).count();
    a.len().max(b.len()).saturating_sub(front.saturating_add(back))
}

/// A message as JSON, with the names of the .proto files and without fields that have their defaults.
pub fn to_json(message: &DynamicMessage) -> serde_json::Value {
    let options = prost_reflect::SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or_default()
}

/// An Any with `message` in it.
pub fn pack(message: &DynamicMessage) -> Option<DynamicMessage> {
    use prost_reflect::{ReflectMessage as _, Value};
    let mut any = DynamicMessage::new(self::message("google.protobuf.Any")?);
    let url = format!("{TYPE_PREFIX}{}", message.descriptor().full_name());
    any.set_field_by_name("type_url", Value::String(url));
    any.set_field_by_name("value", Value::Bytes(prost::Message::encode_to_vec(message).into()));
    Some(any)
}

/// The message in an Any; None where its type is unknown or its bytes are none of it.
pub fn unpack(any: &DynamicMessage) -> Option<DynamicMessage> {
    let url = any.get_field_by_name("type_url")?;
    let bytes = any.get_field_by_name("value")?;
    let message = message_of_url(url.as_str()?)?;
    DynamicMessage::decode(message, bytes.as_bytes()?.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_envoys_api() {
        for name in [
            "envoy.config.cluster.v3.Cluster",
            "envoy.config.listener.v3.Listener",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "envoy.extensions.filters.http.wasm.v3.Wasm",
            "udpa.type.v1.TypedStruct",
        ] {
            assert!(message(name).is_some(), "{name}");
        }
        assert!(message("envoy.api.v2.Cluster").is_none());
        let near = nearest_type("type.googleapis.com/envoy.extensions.filters.http.wasm.v2.Wasm");
        assert_eq!(near.as_deref(), Some("type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"));
    }
}
