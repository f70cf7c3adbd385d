//! A map of a Kubernetes object whose fields are known.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    report::{Report, meant},
    yaml::{Node, Value, quoted},
};

/// A map, its place in the document, and where problems go.
pub(crate) struct Form<'n, 'r> {
    node: &'n Node,
    pub(crate) path: String,
    pub(crate) report: &'r mut Report,
}

impl<'n, 'r> Form<'n, 'r> {
    /// Opens a map that has no other fields than `known`; others are reported, since the API server refuses or drops them.
    pub(crate) fn open(node: &'n Node, path: &str, known: &[&str], report: &'r mut Report) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            report.error("wrong-type", path, &node.span, node.describe(), "a map");
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let meant = meant(graylane_rules::nearest(&entry.key, known.iter().copied()));
            let expected = format!("one of {}{meant}", known.join(", "));
            report.error("unknown-field", &join(path, &entry.key), &entry.key_span, quoted(&entry.key), &expected);
        }
        Some(Self { node, path: path.to_owned(), report })
    }

    pub(crate) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    pub(crate) fn node(&self, key: &str) -> Option<&'n Node> {
        self.node.field(key)
    }

    fn wrong(&mut self, key: &str, node: &Node, expected: &str) {
        self.report.error("wrong-type", &self.at(key), &node.span, node.describe(), expected);
    }

    pub(crate) fn text(&mut self, key: &str) -> Option<&'n str> {
        let node = self.node(key)?;
        if node.text().is_none() {
            self.wrong(key, node, "a text");
        }
        node.text().filter(|text| !text.is_empty())
    }

    /// A number that fits; the empty value of the API, 0, is kept.
    pub(crate) fn number<N: std::str::FromStr>(&mut self, key: &str) -> Option<N> {
        let node = self.node(key)?;
        let read = match &node.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        if read.is_none() {
            self.wrong(key, node, "a whole number within its range");
        }
        read
    }

    /// One of the names of an enumeration, with its place.
    pub(crate) fn one_of<T: Copy>(&mut self, key: &str, names: &[(&str, T)]) -> Option<(T, Range<usize>)> {
        let node = self.node(key)?;
        let found = node.text().and_then(|text| names.iter().find(|(name, _)| *name == text));
        if found.is_none() {
            let all: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            let meant = meant(graylane_rules::nearest(node.text().unwrap_or_default(), all.iter().copied()));
            let expected = format!("one of {}{meant}", all.join(", "));
            self.report.error("unknown-value", &self.at(key), &node.span, node.describe(), &expected);
        }
        found.map(|(_, value)| (*value, node.span.clone()))
    }

    pub(crate) fn items(&mut self, key: &str) -> &'n [Node] {
        let Some(node) = self.node(key) else { return &[] };
        if !matches!(node.value, Value::List(_)) {
            self.wrong(key, node, "a list");
        }
        node.items()
    }

    /// A map of texts.
    pub(crate) fn texts(&mut self, key: &str) -> Option<BTreeMap<String, String>> {
        let node = self.node(key)?;
        if !matches!(node.value, Value::Map(_)) {
            self.wrong(key, node, "a map of texts");
            return None;
        }
        let mut texts = BTreeMap::new();
        for entry in node.entries() {
            match entry.node.text() {
                Some(text) => drop(texts.insert(entry.key.clone(), text.to_owned())),
                None => self.wrong(&join(key, &entry.key), &entry.node, "a text: put it in quotes"),
            }
        }
        Some(texts)
    }
}

/// What `targetRefs` name, as (kind, name). Without its group istiod takes a Gateway for one of the core, which there is not: only
/// one of the right group is called a Gateway here.
pub(crate) fn targets<'n>(refs: impl Iterator<Item = &'n Node>) -> Vec<(String, String)> {
    let text = |node: &Node, key| node.field(key).and_then(Node::text).unwrap_or_default().to_owned();
    let kind = |node: &Node| match (text(node, "group").as_str(), text(node, "kind")) {
        ("gateway.networking.k8s.io", kind) => kind,
        (group, kind) => format!("{group}/{kind}"),
    };
    refs.map(|node| (kind(node), text(node, "name"))).collect()
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
