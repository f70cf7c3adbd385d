//! Reading a small document strictly, and telling everything that is wrong with it.

use graylane_rules::nearest;

use super::super::Callers;
use crate::{
    finding::Finding,
    import::source::{Node, Place, Value},
};

/// A document that is being read.
pub struct Reading<'f> {
    file: &'f str,
    findings: Vec<Finding>,
}

impl<'f> Reading<'f> {
    /// The one in `file`.
    pub fn of(file: &'f str) -> Self {
        Self { file, findings: Vec::new() }
    }

    /// What was read, unless something is wrong.
    ///
    /// # Errors
    /// Everything that is.
    pub fn finished(self, callers: Callers) -> Result<Callers, Vec<Finding>> {
        if self.findings.is_empty() { Ok(callers) } else { Err(self.findings) }
    }

    /// Notes what is wrong at `place`.
    pub fn wrong(&mut self, place: Place, path: &str, found: String, expected: &str) {
        let mut finding = Finding::about(self.file, "callers", found, expected);
        (finding.line, finding.column, finding.path) = (place.line, place.column, path.to_owned());
        self.findings.push(finding);
    }

    /// Whether `node` is a map; notes fields that are none of these; that none is there twice was seen when it was read.
    pub fn is_map(&mut self, node: &Node, path: &str, fields: &[&str], example: &str) -> bool {
        let Value::Map(entries) = &node.value else {
            self.wrong(node.place, path, "no map".to_owned(), &format!("one such as {example}"));
            return false;
        };
        for (key, _) in entries {
            let name = key.text().unwrap_or_default();
            if !fields.contains(&name) {
                let meant = nearest(name, fields.iter().copied());
                let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                let expected = format!("none but {}{meant}", fields.join(", "));
                self.wrong(key.place, &below(path, name), format!("the unknown field {name:?}"), &expected);
            }
        }
        true
    }

    /// What the map has under `field`; notes where it has nothing.
    pub fn required<'n>(&mut self, map: &'n Node, path: &str, field: &str) -> Option<&'n Node> {
        let found = map.at(field);
        if found.is_none() {
            self.wrong(map.place, &below(path, field), "nothing".to_owned(), &format!("the field {field:?}"));
        }
        found
    }

    /// The text under `field`, and where it stands; notes where there is none.
    pub fn text<'n>(&mut self, map: &'n Node, path: &str, field: &str) -> Option<(Place, &'n str)> {
        let node = self.required(map, path, field)?;
        let text = node.text();
        if text.is_none() {
            self.wrong(node.place, &below(path, field), "a list or a map".to_owned(), "text");
        }
        text.map(|text| (node.place, text))
    }
}

fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
