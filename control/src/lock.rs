//! Lock documents, written: by hand, so that a range is a line and a change of one is a small difference.

pub mod plan;

use std::fmt::Write as _;

use graylane_rules::{Format, allocation::Allocation};
use serde_json::json;

/// What a lock document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The name of its rule set.
    pub rule_set: String,
    /// The operator's own labels.
    pub labels: Vec<(String, String)>,
    /// The allocation of each split, by name.
    pub splits: Vec<(String, Allocation)>,
}

impl Lock {
    /// The document.
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Yaml => self.yaml(),
            Format::Json => self.json(),
        }
    }

    fn yaml(&self) -> String {
        let mut text = String::from(
            "# Which slots of each split belong to which variant, written by `graylane allocate`.\n\
             # It belongs into version control, beside the rule set: what moves is what differs from it.\n",
        );
        let labels: Vec<_> =
            self.labels.iter().map(|(name, value)| format!("{}: {}", quoted(name), quoted(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(", labels: {{{}}}", labels.join(", ")) };
        // Writing into a string does not fail.
        let _ = write!(
            text,
            "apiVersion: graylane.dev/v1\nkind: AllocationLock\nmetadata: {{name: {}{labels}}}\nspec:\n  splits:{}\n",
            plain(&self.rule_set),
            if self.splits.is_empty() { " {}" } else { "" }
        );
        for (name, allocation) in &self.splits {
            let _ = write!(text, "    {}:\n      ranges:\n", plain(name));
            for (range, variant) in allocation.ranges() {
                let _ = writeln!(text, "        - {{from: {}, variant: {}}}", range.start, plain(variant));
            }
        }
        text
    }

    fn json(&self) -> String {
        let header = json!(self.rule_set);
        let labels: serde_json::Map<_, _> =
            self.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!(", \"labels\": {}", json!(labels)) };
        let split = |(name, allocation): &(String, Allocation)| {
            let range = |(range, variant): (std::ops::Range<u32>, &str)| {
                format!("          {{\"from\": {}, \"variant\": {}}}", range.start, json!(variant))
            };
            let ranges = allocation.ranges().map(range).collect::<Vec<_>>().join(",\n");
            format!("      {}: {{\n        \"ranges\": [\n{ranges}\n        ]\n      }}", json!(name))
        };
        let splits = self.splits.iter().map(split).collect::<Vec<_>>().join(",\n");
        format!(
            "{{\n  \"apiVersion\": \"graylane.dev/v1\",\n  \"kind\": \"AllocationLock\",\n  \"metadata\": {{\"name\": \
             {header}{labels}}},\n  \"spec\": {{\n    \"splits\": {{\n{splits}\n    }}\n  }}\n}}\n"
        )
    }
}

/// An id, in quotes where some reader of YAML would take it for something else than a text: `on`, `1e3`, `2024-01-01`.
fn plain(id: &str) -> String {
    let word = matches!(id, "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null");
    if word || !id.starts_with(|first: char| first.is_ascii_lowercase()) { quoted(id) } else { id.to_owned() }
}

/// Any text: a string of JSON is one of YAML.
fn quoted(text: &str) -> String {
    json!(text).to_string()
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Outline, Source};

    use super::*;

    fn read_back(lock: &Lock, format: Format) -> Lock {
        let text = lock.text(format);
        let read = Outline::read(&[Source { format, text: text.as_bytes() }]);
        let read = read.unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).locks.remove(0);
        Lock { rule_set: read.name, labels: read.labels, splits: read.splits }
    }

    #[test]
    fn what_is_written_is_read_back_by_the_strict_reader() {
        let ids = ["stable", "1", "no", "on", "null", "true", "0x1f", "1e3", "2024-01-01", "1_000", "010", "y", "a-_b"];
        let each = 100_000 / u32::try_from(ids.len()).unwrap();
        let mut counts: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), each)).collect();
        counts[0].1 += 100_000 - each * u32::try_from(ids.len()).unwrap();
        let allocation = Allocation::consecutive(&counts);
        let labels = [("team", "pay: \"ments\""), ("on", "no"), ("x", "\u{e9}\n\u{1b}#")];
        let lock = Lock {
            rule_set: "1e3".to_owned(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            splits: ids.iter().map(|id| ((*id).to_owned(), allocation.clone())).collect(),
        };
        let json = read_back(&lock, Format::Json);
        assert_eq!((json.rule_set, json.splits), (lock.rule_set.clone(), lock.splits.clone()));
        assert_eq!(json.labels.len(), 3);
        assert_eq!(read_back(&lock, Format::Yaml), lock);
        let empty = Lock { rule_set: "a".to_owned(), labels: Vec::new(), splits: Vec::new() };
        assert_eq!(read_back(&empty, Format::Yaml), empty);
        assert_eq!(read_back(&empty, Format::Json), empty);
    }
}
