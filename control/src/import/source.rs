//! What is imported: foreign YAML and JSON as a tree that knows its lines.
//!
//! Other systems' files are read as those systems read them: anchors, merge keys and several documents are theirs to use.
//! What is strict is what is written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// A place in a file, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where.
    pub place: Place,
    /// What.
    pub value: Value,
}

/// What stands somewhere.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// Any scalar, as text: other systems write `30`, `"30"` and `true` for the same things.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in its order.
    Map(Vec<(Node, Node)>),
}

/// Why a file is not read, and where.
#[derive(Debug)]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// Why.
    pub why: String,
}

/// Reads every document of a file; empty ones are left out.
///
/// # Errors
/// Where it is no YAML (JSON is YAML).
pub fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    let documents = serde_saphyr::from_multiple::<Spanned<Value>>(text).map_err(|why| {
        let location = why.location();
        let place = location.map(|found| place(found.line(), found.column())).unwrap_or_default();
        let why = why.without_snippet().to_string();
        Unreadable { place, why: why.lines().next().unwrap_or_default().to_owned() }
    })?;
    Ok(documents.into_iter().map(Node::from).filter(|node| !matches!(node.value, Value::Null)).collect())
}

fn place(line: u64, column: u64) -> Place {
    Place { line: usize::try_from(line).unwrap_or(0), column: usize::try_from(column).unwrap_or(0) }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        let at = spanned.referenced;
        Self { place: place(at.line(), at.column()), value: spanned.value }
    }
}

impl Node {
    /// What the map has under `key`; None where there is nothing, or this is no map.
    pub fn at(&self, key: &str) -> Option<&Node> {
        let found = self.entries().iter().find(|(name, _)| name.text() == Some(key)).map(|(_, node)| node);
        found.filter(|node| !matches!(node.value, Value::Null))
    }

    /// The entries of a map; none of anything else.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text under `key`.
    pub fn text_at(&self, key: &str) -> Option<&str> {
        self.at(key).and_then(Node::text)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Value>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = access.next_entry::<Spanned<Value>, Spanned<Value>>()? {
            entries.push((key.into(), value.into()));
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let documents = read("a: {b: [x, 30, true]}\n---\n---\n{\"c\": \"30\"}\n").unwrap();
        let [first, second] = documents.as_slice() else { panic!("{documents:?}") };
        let list = first.at("a").and_then(|a| a.at("b")).unwrap();
        assert_eq!(list.items().iter().filter_map(Node::text).collect::<Vec<_>>(), ["x", "30", "true"]);
        assert_eq!(list.items()[1].place, Place { line: 1, column: 12 });
        assert_eq!(second.text_at("c"), Some("30"));
        assert_eq!(second.at("c").unwrap().place.line, 4);
        let refused = read("a: 1\nb: [\n").unwrap_err();
        assert!(refused.place.line >= 2 && !refused.why.is_empty(), "{refused:?}");
    }
}
