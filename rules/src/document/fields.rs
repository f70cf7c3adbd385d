//! The fields of a map: taken by name, and what is left over is an error.

use crate::{
    report::{Path, Report},
    tree::{Entry, Node, Value, quote},
};

/// A map that is being decoded.
pub(super) struct Fields<'n> {
    node: &'n Node,
    path: Path<'n>,
    entries: &'n [Entry],
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// Opens a map; anything else is an error.
    pub(super) fn open(node: &'n Node, path: &Path<'n>, report: &mut Report) -> Option<Self> {
        entries(node, path, report).map(|entries| Self::of(node, path, entries))
    }

    /// The same; where it is no map, an example says more than the name of a type.
    pub(super) fn open_such(node: &'n Node, path: &Path<'n>, example: &str, report: &mut Report) -> Option<Self> {
        entries_such(node, path, example, report).map(|entries| Self::of(node, path, entries))
    }

    fn of(node: &'n Node, path: &Path<'n>, entries: &'n [Entry]) -> Self {
        Self { node, path: *path, entries, known: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path<'n> {
        &self.path
    }

    pub(super) fn node(&self) -> &'n Node {
        self.node
    }

    /// The field `name`, if it is there.
    // There are very many fields, and none is in a hurry.
    #[inline(never)]
    pub(super) fn optional(&mut self, name: &'static str) -> Option<&'n Node> {
        self.known.push(name);
        self.entries.iter().find(|entry| entry.key == name).map(|entry| &entry.node)
    }

    /// The field `name`; an error if it is not there.
    pub(super) fn required(&mut self, name: &'static str, report: &mut Report) -> Option<&'n Node> {
        let found = self.optional(name);
        if found.is_none() {
            let path = self.path.field(name);
            report.error("missing-field", &path, self.node.span.clone(), "nothing", format!("the field {name:?}"));
        }
        found
    }

    /// Says what nobody asked for. To be called when every field was taken.
    pub(super) fn finish(self, report: &mut Report) {
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            let found = format!("the unknown field {}", quote(&entry.key));
            let path = self.path.field(&entry.key);
            let expected = report.or_meant(one_of(&self.known), &entry.key, self.known.iter().copied());
            report.error("unknown-field", &path, entry.key_span.clone(), found, expected);
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// The items of a list with at least one; anything else is an error.
pub(super) fn items<'n>(node: &'n Node, path: &Path<'_>, report: &mut Report) -> Option<&'n [Node]> {
    match &node.value {
        Value::List(items) if !items.is_empty() => Some(items),
        _ => {
            report.wrong("wrong-type", path, node, "a list with at least one item");
            None
        }
    }
}

/// The entries of a map; anything else is an error.
pub(super) fn entries<'n>(node: &'n Node, path: &Path<'_>, report: &mut Report) -> Option<&'n [Entry]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        _ => {
            report.wrong("wrong-type", path, node, "a map");
            None
        }
    }
}

/// The same; where it is no map, an example says more than the name of a type.
pub(super) fn entries_such<'n>(
    node: &'n Node,
    path: &Path<'_>,
    example: &str,
    report: &mut Report,
) -> Option<&'n [Entry]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        _ => {
            report.wrong("wrong-type", path, node, format!("a map, such as {example}"));
            None
        }
    }
}
