//! A document as a tree: what stands where, before anything is known of its meaning.

mod json;
mod written;
#[cfg(feature = "yaml")]
mod yaml;

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

pub(crate) use written::written;

use crate::{
    report::{Path, Report, shorten},
    source::{DOCUMENT_LIMIT, Format},
};

/// The deepest nesting that is read. The deepest sensible rule set needs 27.
const DEPTH_LIMIT: usize = 32;

/// A value and the bytes of the source it was read from.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

/// What a node is. Scalars keep their text: a percentage must never pass through a float.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// A plain YAML scalar that other readers take for something else than its text: `no`, `0x1f`.
    #[cfg_attr(not(feature = "yaml"), allow(dead_code, reason = "JSON has no such scalar"))]
    Ambiguous(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map and what belongs to it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

impl Node {
    /// What stands here, in words, short enough for a message.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Number(text) => format!("the number {}", shorten(text)),
            Value::Text(text) => quote(text),
            Value::Ambiguous(text) => format!("`{}`, which YAML readers understand differently", shorten(text)),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(entries) => format!("a map of {}", entries.len()),
        }
    }
}

impl Node {
    /// The path of the innermost node that covers the byte at `offset`.
    fn path_at(&self, offset: usize) -> String {
        self.walk_to(offset, &Path::DOCUMENT)
    }

    fn walk_to(&self, offset: usize, path: &Path<'_>) -> String {
        let covers = |node: &Node| node.span.contains(&offset);
        let inner = match &self.value {
            Value::List(items) => {
                // Items stand in order; looking at each of them for each problem would take long.
                let index = items.partition_point(|item| item.span.start <= offset).checked_sub(1);
                let found = index.and_then(|index| Some((index, items.get(index).filter(|item| covers(item))?)));
                found.map(|(index, item)| item.walk_to(offset, &path.item(index)))
            }
            Value::Map(entries) => {
                let before = entries.partition_point(|entry| entry.key_span.start <= offset).checked_sub(1);
                let found = before.and_then(|before| entries.get(before));
                let found = found.filter(|entry| covers(&entry.node) || entry.key_span.contains(&offset));
                found.map(|entry| entry.node.walk_to(offset, &path.field(&entry.key)))
            }
            _ => None,
        };
        inner.unwrap_or_else(|| path.to_string())
    }
}

impl Node {
    /// What stands in this field of a map; None also where this is no map.
    pub(crate) fn field(&self, name: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == name).map(|entry| &entry.node)
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, where this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Report {
    /// `node` is not what it must be.
    pub(crate) fn wrong<'m>(
        &mut self,
        code: &'static str,
        path: &Path<'_>,
        node: &Node,
        expected: impl Into<Cow<'m, str>>,
    ) {
        self.error(code, path, node.span.clone(), node.describe(), expected);
    }
}

/// `text` in quotes, shortened, control characters escaped.
// Asked for in very many places, which would each be larger by a quarter of a KiB.
#[inline(never)]
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", shorten(text))
}

/// Reads a document; every syntactic problem that can be told goes to `report`.
///
/// None when there is no tree to go on with.
pub(crate) fn read(format: Format, text: &[u8], report: &mut Report) -> Option<Node> {
    let tree = parse(format, text, report);
    if let Some(tree) = &tree {
        report.locate(|offset| tree.path_at(offset));
    }
    tree
}

fn parse(format: Format, text: &[u8], report: &mut Report) -> Option<Node> {
    if text.len() > DOCUMENT_LIMIT {
        let found = format!("{} bytes", text.len());
        report.document_error("too-large", found, "a document of at most 4 MiB");
        return None;
    }
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(why) => {
            let at = why.valid_up_to();
            report.syntax(at..at.saturating_add(1), "a byte that is not UTF-8".to_owned(), "a document in UTF-8");
            return None;
        }
    };
    match format {
        Format::Json => json::read(text, report),
        #[cfg(feature = "yaml")]
        Format::Yaml => yaml::read(text, report),
        #[cfg(not(feature = "yaml"))]
        Format::Yaml => {
            report.document_error("no-yaml", "YAML".to_owned(), "JSON: this build reads nothing else");
            None
        }
    }
}

/// Adds an entry unless its key is there already; then says so.
///
/// `keys` are those of `entries`: looking through the entries themselves would take the square of their number.
fn push_entry(entries: &mut Vec<Entry>, keys: &mut BTreeSet<String>, entry: Entry, report: &mut Report) {
    if !keys.insert(entry.key.clone()) {
        let found = format!("the key {} a second time", quote(&entry.key));
        report.syntax_coded("duplicate-key", entry.key_span, found, "each key once");
    } else {
        entries.push(entry);
    }
}
