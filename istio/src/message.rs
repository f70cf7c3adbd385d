//! What is asked of messages again and again.

use prost_reflect::{DynamicMessage, Value};

use crate::api;

/// A text field; empty where it is not set or is none.
pub fn text(message: &DynamicMessage, field: &str) -> String {
    value(message, field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A field that is a message, where it is set.
pub fn inner(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    value(message, field).and_then(|value| value.as_message().cloned())
}

/// The message at the end of a path of fields.
pub fn at(message: &DynamicMessage, path: &[&str]) -> Option<DynamicMessage> {
    path.iter().try_fold(message.clone(), |message, field| inner(&message, field))
}

/// A whole number of 32 bits, also within a wrapper (`UInt32Value`).
pub fn number(message: &DynamicMessage, field: &str) -> Option<u32> {
    let value = value(message, field)?;
    match value.as_message() {
        Some(wrapper) => wrapper.get_field_by_name("value").and_then(|value| value.as_u32()),
        None => value.as_u32(),
    }
}

/// The items of a repeated text field.
pub fn texts(message: &DynamicMessage, field: &str) -> Vec<String> {
    list(message, field).iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The items of a repeated field; none where it is not set.
pub fn list(message: &DynamicMessage, field: &str) -> Vec<Value> {
    value(message, field).and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
}

/// The messages of a repeated field.
pub fn messages(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    list(message, field).into_iter().filter_map(into_message).collect()
}

/// Puts `messages` in the place of what a repeated field had.
pub fn set_messages(message: &mut DynamicMessage, field: &str, messages: Vec<DynamicMessage>) {
    set(message, field, Value::List(messages.into_iter().map(Value::Message).collect()));
}

/// Sets a field; one that the message does not have is left alone.
pub fn set(message: &mut DynamicMessage, field: &str, value: Value) {
    // The only failures: no such field, or a value of another kind. Both would be a slip in this crate, which tests find.
    let _ = message.try_set_field_by_name(field, value);
}

/// The message within an Any field; None where it is not set or of a type that Envoy does not know.
pub fn unpacked(message: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    inner(message, field).and_then(|any| api::unpack(&any))
}

/// Packs `content` into an Any field.
pub fn set_packed(message: &mut DynamicMessage, field: &str, content: &DynamicMessage) {
    if let Some(any) = api::pack(content) {
        set(message, field, Value::Message(any));
    }
}

fn value(message: &DynamicMessage, field: &str) -> Option<Value> {
    let field = prost_reflect::ReflectMessage::descriptor(message).get_field_by_name(field)?;
    message.has_field(&field).then(|| message.get_field(&field).into_owned())
}

fn into_message(value: Value) -> Option<DynamicMessage> {
    match value {
        Value::Message(message) => Some(message),
        _ => None,
    }
}
