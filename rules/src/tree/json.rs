//! JSON into a tree. serde_json reads; its raw values tell where each thing stands. It is given bytes, as everywhere: for text
//! the filter would hold a second parser.

use std::{collections::BTreeSet, fmt, ops::Range};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DEPTH_LIMIT, Entry, Node, Value, push_entry};
use crate::report::Report;

/// Reads the JSON `text`.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Node> {
    match serde_json::from_slice::<&RawValue>(text.as_bytes()) {
        Ok(raw) => Reader { text, report }.node(raw, 0),
        Err(why) => {
            let at = offset(text, why.line(), why.column());
            report.syntax(at..at, format!("no JSON: {why}"), "one JSON value (RFC 8259)");
            None
        }
    }
}

struct Reader<'t, 'r> {
    text: &'t str,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    fn node(&mut self, raw: &'t RawValue, depth: usize) -> Option<Node> {
        let span = self.span(raw);
        if depth > DEPTH_LIMIT {
            self.report.syntax_coded("too-deep", span, "another level".to_owned(), "at most 32 levels of nesting");
            return None;
        }
        let source = raw.get();
        let value = match source.as_bytes().first() {
            Some(b'{') => self.map(source, &span, depth)?,
            Some(b'[') => {
                let items = self.parsed::<Vec<&RawValue>>(source, &span)?;
                Value::List(items.into_iter().filter_map(|item| self.node(item, depth.saturating_add(1))).collect())
            }
            // What is no text keeps its place, so that what stands behind it keeps its number.
            Some(b'"') => self.parsed(source, &span).map_or(Value::Null, Value::Text),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => Value::Null,
            _ => Value::Number(source.to_owned()),
        };
        Some(Node { span, value })
    }

    fn map(&mut self, source: &'t str, span: &Range<usize>, depth: usize) -> Option<Value> {
        let Pairs(pairs) = self.parsed(source, span)?;
        let mut entries = Vec::with_capacity(pairs.len());
        let mut keys = BTreeSet::new();
        for (key, raw) in pairs {
            let key_span = self.span(key);
            let Some(key) = self.parsed::<String>(key.get(), &key_span) else { continue };
            if let Some(node) = self.node(raw, depth.saturating_add(1)) {
                push_entry(&mut entries, &mut keys, Entry { key, key_span, node }, self.report);
            }
        }
        Some(Value::Map(entries))
    }

    /// The raw value was checked as JSON already; what can still fail is a lone surrogate in a string.
    fn parsed<T: Deserialize<'t>>(&mut self, source: &'t str, span: &Range<usize>) -> Option<T> {
        serde_json::from_slice(source.as_bytes())
            .inspect_err(|why| self.report.syntax(span.clone(), format!("no JSON: {why}"), "well-formed JSON"))
            .ok()
    }

    /// Raw values borrow from the text, so their place in it is a difference of addresses.
    fn span(&self, raw: &RawValue) -> Range<usize> {
        let start = raw.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        start..start.saturating_add(raw.get().len())
    }
}

/// The members of an object in order, duplicates and all.
struct Pairs<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = access.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// serde_json tells line and column (from 1, in bytes); this is the offset in bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before.saturating_add(column.saturating_sub(1)).min(text.len())
}
