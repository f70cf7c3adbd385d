//! A part of a document as one text, in which neither the order of keys nor the form it was written in shows.

use std::fmt::Write as _;

use crate::tree::{Node, Value};

/// The text; two nodes have the same where they say the same.
pub(crate) fn written(node: &Node) -> String {
    let mut text = String::new();
    write(node, &mut text);
    text
}

fn write(node: &Node, out: &mut String) {
    // Writing into a string does not fail.
    let _ = match &node.value {
        Value::Null => write!(out, "null"),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Number(text) | Value::Ambiguous(text) => write!(out, "{text}"),
        Value::Text(text) => write!(out, "{text:?}"),
        Value::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                write(item, out);
            }
            write!(out, "]")
        }
        Value::Map(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|one, other| one.key.cmp(&other.key));
            out.push('{');
            for (place, entry) in sorted.into_iter().enumerate() {
                let _ = write!(out, "{}{:?}: ", if place == 0 { "" } else { ", " }, entry.key);
                write(&entry.node, out);
            }
            write!(out, "}}")
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, report::Report, tree};

    #[test]
    fn what_says_the_same_is_the_same_text() {
        let text = |format, text: &str| written(&tree::read(format, text.as_bytes(), &mut Report::default()).unwrap());
        let plain = r#"{"a": [1, true, "x\"y"], "b": {}}"#;
        assert_eq!(text(Format::Json, r#"{"b": {}, "a": [1, true, "x\"y"]}"#), plain);
        assert_ne!(text(Format::Json, r#"["1"]"#), text(Format::Json, "[1]"));
        #[cfg(feature = "yaml")]
        assert_eq!(text(Format::Yaml, "# x\nb: {}\na:\n  - 1\n  - true\n  - 'x\"y'\n"), plain);
    }
}
