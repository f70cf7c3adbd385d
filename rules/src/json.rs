//! A document in JSON, whatever it was written in.

use std::fmt::Write as _;

use crate::{
    Problem, Source,
    report::Report,
    tree::{self, Node, Value},
};

/// The same document as JSON in one line; numbers keep their digits, keys their order.
///
/// # Errors
/// What is wrong with how it is written. What it says is not looked at.
pub fn to_json(source: &Source<'_>) -> Result<String, Vec<Problem>> {
    let mut report = Report::default();
    let tree = tree::read(source.format, source.text, &mut report);
    match tree {
        Some(tree) if !report.has_errors() => {
            let mut out = String::new();
            write(&tree, &mut out);
            Ok(out)
        }
        _ => Err(report.into_problems()),
    }
}

fn write(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        // Writing into a string does not fail.
        Value::Bool(value) => drop(write!(out, "{value}")),
        Value::Number(text) => out.push_str(text),
        Value::Text(text) | Value::Ambiguous(text) => quoted(text, out),
        Value::List(items) => list('[', items, ']', out, write),
        Value::Map(entries) => list('{', entries, '}', out, |entry, out| {
            quoted(&entry.key, out);
            out.push(':');
            write(&entry.node, out);
        }),
    }
}

fn list<T>(open: char, items: &[T], close: char, out: &mut String, one: impl Fn(&T, &mut String)) {
    out.push(open);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        one(item, out);
    }
    out.push(close);
}

fn quoted(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;

    #[test]
    fn what_is_read_is_written() {
        let json = |format, text: &str| to_json(&Source { format, text: text.as_bytes() });
        let plain = r#"{"b":[1.50,true,null,"x\"\n"],"a":{}}"#;
        assert_eq!(json(Format::Json, " { \"b\": [1.50, true, null, \"x\\\"\\n\"],\n \"a\": {} }").unwrap(), plain);
        assert!(json(Format::Json, "{").is_err());
        #[cfg(feature = "yaml")]
        assert_eq!(json(Format::Yaml, "b: [1.50, true, null, \"x\\\"\\n\"]\na: {}\n").unwrap(), plain);
        #[cfg(feature = "yaml")]
        assert!(json(Format::Yaml, "a: &x 1\nb: *x\n").is_err());
    }
}
