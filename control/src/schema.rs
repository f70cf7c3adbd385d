//! The JSON Schema of documents, generated from types that mirror them.
//!
//! The types say what editors can know: fields, their types, choices. A test holds them to what the decoder takes and
//! refuses. Nothing is ever read into them: an error of the decoder says more than one of a schema.

#![allow(dead_code, reason = "of the types only their schema is used")]

mod allow_list;
mod document;
mod inherit;
mod matches;
mod operators;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of a document of any kind, in either version of the language.
pub fn of_documents() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<document::Document>().to_value();
    complete(&mut schema);
    if let Value::Object(root) = &mut schema {
        root.insert("title".to_owned(), json!("Graylane document"));
    }
    schema
}

/// Operators are what a match has besides these.
const NO_OPERATORS: [&str; 5] = ["name", "header", "claim", "ignoreCase", "includePrerelease"];

/// Says what types cannot: nothing may be null, and of some fields exactly one is there.
fn complete(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            without_null(object);
            one_of_several(object);
            object.values_mut().for_each(complete);
        }
        Value::Array(items) => items.iter_mut().for_each(complete),
        _ => {}
    }
}

/// What may be left out may not be null instead.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| *choice != json!({"type": "null"}));
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            // Draft 7 passes over whatever stands beside a reference.
            if only.contains_key("$ref") && !object.is_empty() {
                object.insert("allOf".to_owned(), json!([only]));
            } else {
                object.extend(only);
            }
        }
    }
}

/// A match has exactly one operator, a rule either a variant or a split.
fn one_of_several(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get("properties") else { return };
    let several: Vec<&String> = if properties.contains_key("present") {
        properties.keys().filter(|name| !NO_OPERATORS.contains(&name.as_str())).collect()
    } else if properties.contains_key("variant") && properties.contains_key("split") {
        properties.keys().filter(|name| matches!(name.as_str(), "variant" | "split")).collect()
    } else {
        return;
    };
    let choices: Value = several.into_iter().map(|name| json!({"required": [name]})).collect();
    object.insert("oneOf".to_owned(), choices);
}
