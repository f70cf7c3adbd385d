//! How istiod merges a patch's value into what is there (`pkg/proto/merge`).
//!
//! Only what the value *has* counts: a scalar that is the zero of its type is not there, so it overwrites nothing. Messages are
//! merged field by field, lists appended, entries of maps replaced whole. A `Duration` is replaced whole. A wrapper
//! (`BoolValue`, `UInt32Value`) is a message like others, so one with the zero of its type overwrites nothing either. An Any
//! within what is merged is a plain message, too: its type and its bytes are overwritten.

use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};

use crate::api;

/// What becomes of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// What the value has comes behind what is there.
    Append,
    /// What the value has stands in the place of what was there (`MERGE_AND_REPLACE_LIST`).
    Replace,
}

/// Two messages of different types cannot be merged; istiod panics, and ends applying patches to the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeMismatch {
    /// What is there.
    pub there: String,
    /// What would be merged into it.
    pub value: String,
}

/// Merges `value` into `there`.
///
/// # Errors
/// Where they are of different types.
pub fn merge(there: &mut DynamicMessage, value: &DynamicMessage, lists: Lists) -> Result<(), TypeMismatch> {
    let (left, right) = (there.descriptor(), value.descriptor());
    if left != right {
        let name = |descriptor: prost_reflect::MessageDescriptor| descriptor.full_name().to_owned();
        return Err(TypeMismatch { there: name(left), value: name(right) });
    }
    fields(there, value, lists);
    Ok(())
}

/// Merges what is in the Any `value` into what is in the Any `there`; None where one of them is of an unknown type.
///
/// # Errors
/// Where they are of different types.
pub fn merge_any(there: &DynamicMessage, value: &DynamicMessage) -> Result<Option<DynamicMessage>, TypeMismatch> {
    let (Some(mut there), Some(value)) = (api::unpack(there), api::unpack(value)) else { return Ok(None) };
    merge(&mut there, &value, Lists::Append)?;
    Ok(api::pack(&there))
}

fn fields(there: &mut DynamicMessage, value: &DynamicMessage, lists: Lists) {
    for (field, value) in value.fields() {
        match value {
            Value::List(items) if lists == Lists::Replace => there.set_field(&field, Value::List(items.clone())),
            Value::List(items) => {
                if let Some(list) = there.get_field_mut(&field).as_list_mut() {
                    list.extend(items.iter().cloned());
                }
            }
            Value::Map(entries) => {
                if let Some(map) = there.get_field_mut(&field).as_map_mut() {
                    map.extend(entries.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
            }
            Value::Message(inner) if !is_replaced_whole(&field.kind()) => {
                if let Some(there) = there.get_field_mut(&field).as_message_mut() {
                    fields(there, inner, lists);
                }
            }
            value => there.set_field(&field, value.clone()),
        }
    }
}

fn is_replaced_whole(kind: &Kind) -> bool {
    matches!(kind, Kind::Message(message) if message.full_name() == "google.protobuf.Duration")
}
