//! A value in YAML as a message of Envoy's API, in the way istiod takes it: fields it does not know are left out.

use std::{collections::HashMap, ops::Range};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

use super::{message_of_url, nearest_type};
use crate::{
    report::meant,
    yaml::{self, Node, quoted},
};

/// What does not fit the message it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where below the value: `typed_config.config.vm_config`.
    pub path: String,
    /// The bytes of the file it is about.
    pub span: Range<usize>,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

/// What reading a value came to.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The message; None where something is `wrong`.
    pub message: Option<DynamicMessage>,
    /// What keeps it from being a message: istiod logs that and skips the patch, if its webhook let it in at all.
    pub wrong: Vec<Misfit>,
    /// Fields that the message does not have: they are dropped.
    pub unknown: Vec<Misfit>,
    /// Fields that are written with the zero of their type: as if they were not written, so that a merge changes nothing.
    pub zeros: Vec<Misfit>,
}

impl Reading {
    /// Reads `node` as a `message`.
    pub fn of(node: &Node, message: &MessageDescriptor) -> Self {
        let mut reader = Reader { wrong: Vec::new(), unknown: Vec::new(), zeros: Vec::new() };
        let read = reader.message(node, message, "");
        let sound = reader.wrong.is_empty();
        Reading { message: read.filter(|_| sound), wrong: reader.wrong, unknown: reader.unknown, zeros: reader.zeros }
    }
}

struct Reader {
    wrong: Vec<Misfit>,
    unknown: Vec<Misfit>,
    zeros: Vec<Misfit>,
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Reader {
    fn misfit(&mut self, node: &Node, path: &str, expected: impl Into<String>) {
        let expected = expected.into();
        self.wrong.push(Misfit { path: path.to_owned(), span: node.span.clone(), found: node.describe(), expected });
    }

    fn message(&mut self, node: &Node, descriptor: &MessageDescriptor, path: &str) -> Option<DynamicMessage> {
        match descriptor.full_name() {
            "google.protobuf.Any" => return self.any(node, descriptor, path),
            name if is_written_specially(name) => return self.well_known(node, descriptor, path),
            _ => {}
        }
        if !matches!(node.value, yaml::Value::Map(_)) {
            self.misfit(node, path, format!("a map: the fields of {}", descriptor.full_name()));
            return None;
        }
        let mut message = DynamicMessage::new(descriptor.clone());
        self.fields(node, &mut message, path, None);
        Some(message)
    }

    /// The fields of `node` but for `except`.
    fn fields(&mut self, node: &Node, message: &mut DynamicMessage, path: &str, except: Option<&str>) {
        let descriptor = prost_reflect::ReflectMessage::descriptor(message);
        let mut chosen: HashMap<String, String> = HashMap::new();
        for entry in node.entries().iter().filter(|entry| Some(entry.key.as_str()) != except) {
            let path = below(path, &entry.key);
            let by_name = descriptor.get_field_by_name(&entry.key);
            let Some(field) = by_name.or_else(|| descriptor.get_field_by_json_name(&entry.key)) else {
                self.unknown.push(unknown(&entry.key, entry.key_span.clone(), path, &descriptor));
                continue;
            };
            if entry.node.value == yaml::Value::Null && !takes_null(&field) {
                continue;
            }
            if let Some(oneof) = field.containing_oneof().filter(|oneof| oneof.fields().len() > 1)
                && let Some(other) = chosen.insert(oneof.name().to_owned(), entry.key.clone())
            {
                let found = format!("both {other} and {}", entry.key);
                let expected = format!("one of them: they are a {}", oneof.name());
                self.wrong.push(Misfit { path: path.clone(), span: entry.key_span.clone(), found, expected });
            }
            if let Some(value) = self.field(&entry.node, &field, &path) {
                if is_zero(&field, &value) {
                    let expected =
                        "another value: this one is as if it were not there, and overwrites nothing".to_owned();
                    let (span, found) = (entry.node.span.clone(), entry.node.describe());
                    self.zeros.push(Misfit { path: path.clone(), span, found, expected });
                }
                message.set_field(&field, value);
            }
        }
    }

    fn field(&mut self, node: &Node, field: &FieldDescriptor, path: &str) -> Option<Value> {
        if field.is_map() {
            return self.map(node, field, path);
        }
        if !field.is_list() {
            return self.single(node, &field.kind(), path);
        }
        let yaml::Value::List(items) = &node.value else {
            self.misfit(node, path, "a list");
            return None;
        };
        let kind = field.kind();
        // What stands in a list is added as it is.
        let known_zeros = self.zeros.len();
        let items = items.iter().enumerate();
        let read: Vec<_> = items.filter_map(|(at, item)| self.single(item, &kind, &format!("{path}[{at}]"))).collect();
        self.zeros.truncate(known_zeros);
        Some(Value::List(read))
    }

    fn map(&mut self, node: &Node, field: &FieldDescriptor, path: &str) -> Option<Value> {
        let Kind::Message(entry) = field.kind() else { return None };
        let (key_kind, value_kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        if !matches!(node.value, yaml::Value::Map(_)) {
            self.misfit(node, path, "a map");
            return None;
        }
        let mut read = HashMap::new();
        // An entry takes the place of the one that was there.
        let known_zeros = self.zeros.len();
        for entry in node.entries() {
            let path = below(path, &entry.key);
            let key = map_key(&entry.key, &key_kind);
            if key.is_none() {
                self.misfit(&entry.node, &path, "a number as its key");
            }
            if let (Some(key), Some(value)) = (key, self.single(&entry.node, &value_kind, &path)) {
                read.insert(key, value);
            }
        }
        self.zeros.truncate(known_zeros);
        Some(Value::Map(read))
    }

    fn single(&mut self, node: &Node, kind: &Kind, path: &str) -> Option<Value> {
        let value = match kind {
            Kind::Message(message) => return self.message(node, message, path).map(Value::Message),
            Kind::Enum(values) => {
                let named = node.text().and_then(|name| values.get_value_by_name(name)).map(|value| value.number());
                let number = named.or_else(|| whole(node).and_then(|number| i32::try_from(number).ok()));
                if number.is_none() {
                    let names: Vec<_> = values.values().map(|value| value.name().to_owned()).collect();
                    self.misfit(node, path, format!("one of {}", names.join(", ")));
                }
                return number.map(Value::EnumNumber);
            }
            Kind::Bool => match node.value {
                yaml::Value::Bool(value) => Some(Value::Bool(value)),
                _ => None,
            },
            Kind::String => node.text().map(|text| Value::String(text.to_owned())),
            Kind::Bytes => node.text().and_then(base64).map(|bytes| Value::Bytes(bytes.into())),
            Kind::Double => float(node).map(Value::F64),
            #[allow(clippy::cast_possible_truncation, reason = "that is what a float field makes of it")]
            Kind::Float => float(node).map(|value| Value::F32(value as f32)),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                whole(node).and_then(|n| i32::try_from(n).ok()).map(Value::I32)
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                whole(node).and_then(|n| i64::try_from(n).ok()).map(Value::I64)
            }
            Kind::Uint32 | Kind::Fixed32 => whole(node).and_then(|n| u32::try_from(n).ok()).map(Value::U32),
            Kind::Uint64 | Kind::Fixed64 => whole(node).and_then(|n| u64::try_from(n).ok()).map(Value::U64),
        };
        if value.is_none() {
            self.misfit(node, path, expected(kind));
        }
        value
    }

    fn any(&mut self, node: &Node, any: &MessageDescriptor, path: &str) -> Option<DynamicMessage> {
        let Some(at_type) = node.field("@type") else {
            if node.entries().is_empty() && matches!(node.value, yaml::Value::Map(_)) {
                return Some(DynamicMessage::new(any.clone()));
            }
            self.misfit(node, path, "a map whose `@type` says what it is");
            return None;
        };
        let url = at_type.text().unwrap_or_default();
        let Some(descriptor) = message_of_url(url).filter(|_| url.contains('/')) else {
            let meant = meant(nearest_type(url));
            self.misfit(at_type, &below(path, "@type"), format!("a type that Envoy's API has{meant}"));
            return None;
        };
        let message = if is_written_specially(descriptor.full_name()) {
            self.well_known(node.field("value")?, &descriptor, &below(path, "value"))?
        } else {
            let mut message = DynamicMessage::new(descriptor);
            self.fields(node, &mut message, path, Some("@type"));
            message
        };
        let mut packed = DynamicMessage::new(any.clone());
        packed.set_field_by_name("type_url", Value::String(url.to_owned()));
        packed.set_field_by_name("value", Value::Bytes(prost::Message::encode_to_vec(&message).into()));
        Some(packed)
    }

    /// What JSON writes otherwise than as a map of fields.
    fn well_known(&mut self, node: &Node, descriptor: &MessageDescriptor, path: &str) -> Option<DynamicMessage> {
        let read = DynamicMessage::deserialize(descriptor.clone(), node.to_json());
        if read.is_err() {
            self.misfit(node, path, written(descriptor.full_name()));
        }
        read.ok()
    }
}

/// Whether it is as if the field were not there: the zero of a scalar. (One within a wrapper is a message that is there: it
/// changes nothing where there is another value, and is set where there is none.)
fn is_zero(field: &FieldDescriptor, value: &Value) -> bool {
    let is_scalar = !matches!(value, Value::List(_) | Value::Map(_) | Value::Message(_));
    is_scalar && !field.supports_presence() && value.is_default(&field.kind())
}

fn is_written_specially(name: &str) -> bool {
    name.strip_prefix("google.protobuf.").is_some_and(|name| {
        name.ends_with("Value") || matches!(name, "Duration" | "Timestamp" | "FieldMask" | "Struct" | "Any")
    })
}

fn written(name: &str) -> &'static str {
    match name.strip_prefix("google.protobuf.").unwrap_or(name) {
        "Duration" => "a duration in seconds, such as \"2.5s\"",
        "Timestamp" => "a time such as \"2026-01-31T12:00:00Z\"",
        "BoolValue" => "true or false",
        "StringValue" => "a text",
        "BytesValue" => "bytes in base64",
        "Struct" => "a map",
        "ListValue" => "a list",
        _ => "a number within its range",
    }
}

/// Of the fields that null has a meaning for: `google.protobuf.Value`.
fn takes_null(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == "google.protobuf.Value")
}

fn unknown(key: &str, span: Range<usize>, path: String, descriptor: &MessageDescriptor) -> Misfit {
    let names: Vec<_> = descriptor.fields().map(|field| field.name().to_owned()).collect();
    let meant = meant(graylane_rules::nearest(key, names.iter().map(String::as_str)));
    let expected = format!("a field of {}{meant}", descriptor.full_name());
    Misfit { path, span, found: quoted(key), expected }
}

fn map_key(key: &str, kind: &Kind) -> Option<MapKey> {
    match kind {
        Kind::String => Some(MapKey::String(key.to_owned())),
        Kind::Uint32 | Kind::Fixed32 => key.parse().ok().map(MapKey::U32),
        Kind::Uint64 | Kind::Fixed64 => key.parse().ok().map(MapKey::U64),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => key.parse().ok().map(MapKey::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => key.parse().ok().map(MapKey::I64),
        Kind::Bool => key.parse().ok().map(MapKey::Bool),
        _ => None,
    }
}

/// A whole number, also one that is written as a text or with a fraction of zero.
fn whole(node: &Node) -> Option<i128> {
    let (yaml::Value::Number(text) | yaml::Value::Text(text)) = &node.value else { return None };
    text.strip_suffix(".0").unwrap_or(text).parse().ok()
}

fn float(node: &Node) -> Option<f64> {
    let (yaml::Value::Number(text) | yaml::Value::Text(text)) = &node.value else { return None };
    text.parse().ok()
}

/// Base64 as protobuf's JSON has it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let wrapper = super::message("google.protobuf.BytesValue")?;
    let read = DynamicMessage::deserialize(wrapper, serde_json::Value::from(text)).ok()?;
    read.get_field_by_name("value")?.as_bytes().map(|bytes| bytes.to_vec())
}

fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::String => "a text".to_owned(),
        Kind::Bytes => "bytes in base64".to_owned(),
        Kind::Double | Kind::Float => "a number".to_owned(),
        Kind::Uint32 | Kind::Uint64 | Kind::Fixed32 | Kind::Fixed64 => "a whole number from 0 on".to_owned(),
        _ => "a whole number".to_owned(),
    }
}
