//! Workload W as Lua does it.

use serde_json::{Value, json};

use crate::workload::{Ask, Rule, Workload};

/// The filter that runs `code`.
pub fn filter(code: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": code},
    })
}

/// Code that walks the rules of `workload`: a line for each, read when the code is loaded.
///
/// # Panics
/// Where a value would need to be escaped.
pub fn table(workload: &Workload) -> String {
    let lines: Vec<_> = workload.rules.iter().map(line).collect();
    let lines = lines.join("\n");
    assert!(!lines.contains(['\\', ']']) || !lines.contains("]=]"), "found a text that ends Lua's long brackets");
    format!("local text = [=[\n{lines}\n]=]\n{}", include_str!("table.lua"))
}

/// `operator header operand`.
fn line(rule: &Rule) -> String {
    let (operator, operand) = match &rule.ask {
        Ask::Exact(value) => ("exact", value.clone()),
        Ask::In(values) => ("in", values.join(",")),
        Ask::Prefix(prefix) => ("prefix", prefix.clone()),
        Ask::Percent(value, percent) => ("percent", format!("{value},{percent}")),
        Ask::Regex(pattern) => ("pattern", format!("^{}$", pattern_of(pattern))),
    };
    format!("{operator} {} {operand}", rule.header)
}

/// A regex of letters, `-` and classes in Lua's words, where a `-` outside of a class is a repetition.
fn pattern_of(regex: &str) -> String {
    let mut inside = false;
    let mut pattern = String::new();
    for letter in regex.chars() {
        inside = (inside || letter == '[') && letter != ']';
        if letter == '-' && !inside {
            pattern.push('%');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_is_a_pattern_but_for_its_hyphens() {
        assert_eq!(pattern_of("rc-[0-9]+-[a-f]+"), "rc%-[0-9]+%-[a-f]+");
    }
}
