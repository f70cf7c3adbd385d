//! As much of JSON Schema (draft 7) as the schema of documents uses.

use serde_json::{Map, Value};

/// Keywords that say nothing about whether a value is valid.
const NOTES: [&str; 5] = ["$schema", "title", "description", "definitions", "format"];

/// A schema, whole.
pub struct Schema(pub Value);

impl Schema {
    /// Whether `value` is valid.
    ///
    /// # Panics
    /// Where the schema says something that is not known here.
    pub fn takes(&self, value: &Value) -> bool {
        self.holds(&self.0, value)
    }

    /// The names that a map at `path` of a document of this kind may have, whatever else is there.
    pub fn names_at(&self, kind: &str, path: &[&str]) -> Vec<String> {
        let is_kind = |place: &&Value| {
            let kinds = place.pointer("/properties/kind").map(|kinds| self.variants(kinds));
            kinds.is_some_and(|kinds| kinds.iter().any(|found| found["const"] == kind || found["enum"][0] == kind))
        };
        let mut places: Vec<_> = self.variants(&self.0).into_iter().filter(is_kind).collect();
        for step in path {
            places =
                places.iter().flat_map(|place| self.variants(place)).filter_map(|place| below(place, step)).collect();
        }
        let objects = places.iter().flat_map(|place| self.variants(place)).filter_map(|place| place.get("properties"));
        let mut names: Vec<_> = objects.filter_map(Value::as_object).flat_map(Map::keys).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// The schemas that `schema` stands for or chooses among.
    fn variants<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        let mut all = vec![schema];
        all.extend(schema.get("$ref").iter().flat_map(|reference| self.variants(self.named(reference))));
        for choice in ["anyOf", "oneOf", "allOf"] {
            let choices = schema.get(choice).and_then(Value::as_array).into_iter().flatten();
            all.extend(choices.flat_map(|choice| self.variants(choice)));
        }
        all
    }

    fn named(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        self.0.pointer(pointer).unwrap_or_else(|| panic!("found no {pointer} in the schema"))
    }

    fn holds(&self, schema: &Value, value: &Value) -> bool {
        match schema {
            Value::Bool(always) => *always,
            Value::Object(schema) => schema.iter().all(|(keyword, say)| self.says(schema, keyword, say, value)),
            other => panic!("found {other}, expected a schema"),
        }
    }

    fn says(&self, schema: &Map<String, Value>, keyword: &str, say: &Value, value: &Value) -> bool {
        let choices = || say.as_array().unwrap().iter().filter(|choice| self.holds(choice, value)).count();
        let fits = |size: Option<usize>, most: bool| {
            let bound = usize::try_from(say.as_u64().unwrap()).unwrap();
            size.is_none_or(|size| if most { size <= bound } else { size >= bound })
        };
        let entries = value.as_object().map(Map::len);
        let letters = value.as_str().map(|text| text.chars().count());
        match keyword {
            "$ref" => self.holds(self.named(say), value),
            "anyOf" => choices() > 0,
            "oneOf" => choices() == 1,
            "allOf" => choices() == say.as_array().unwrap().len(),
            "type" => match say {
                Value::Array(kinds) => kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)),
                kind => is(kind.as_str().unwrap(), value),
            },
            "const" => say == value,
            "enum" => say.as_array().unwrap().contains(value),
            "required" => {
                let has = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                !value.is_object() || say.as_array().unwrap().iter().all(has)
            }
            "properties" => say
                .as_object()
                .unwrap()
                .iter()
                .all(|(name, schema)| value.get(name).is_none_or(|value| self.holds(schema, value))),
            "additionalProperties" => value.as_object().into_iter().flatten().all(|(name, value)| {
                let known = schema.get("properties").and_then(|known| known.get(name)).is_some();
                known || self.holds(say, value)
            }),
            "items" => value.as_array().into_iter().flatten().all(|item| self.holds(say, item)),
            "minItems" => fits(value.as_array().map(Vec::len), false),
            "maxItems" => fits(value.as_array().map(Vec::len), true),
            "minProperties" => fits(entries, false),
            "maxProperties" => fits(entries, true),
            "minLength" => fits(letters, false),
            "maxLength" => fits(letters, true),
            "minimum" => value.as_f64().is_none_or(|value| value >= say.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|value| value <= say.as_f64().unwrap()),
            "pattern" => value.as_str().is_none_or(|text| matches(say.as_str().unwrap(), text)),
            note if NOTES.contains(&note) => true,
            unknown => panic!("found the keyword {unknown} in the schema, expected one that is known here"),
        }
    }
}

fn below<'s>(place: &'s Value, step: &str) -> Option<&'s Value> {
    if step == "0" {
        return place.get("items");
    }
    let named = place.get("properties").and_then(|properties| properties.get(step));
    named.or_else(|| place.get("additionalProperties").filter(|schema| schema.is_object()))
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("found the type {other}"),
    }
}

/// Both languages of patterns mean the same by those of the schema.
fn matches(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).unwrap().is_match(text)
}
