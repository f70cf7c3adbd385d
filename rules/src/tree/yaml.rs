//! YAML in its strict form into a tree.
//!
//! What YAML readers disagree about is refused instead of interpreted: anchors and aliases, tags,
//! merge keys, keys that are no strings, duplicate keys, a second document, and plain scalars such
//! as `no`, `0x1f` or `1_000` that YAML 1.1 and 1.2 read differently.

use std::{borrow::Cow, collections::BTreeSet, ops::Range};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::{DEPTH_LIMIT, Entry, Node, Value, push_entry, quote};
use crate::report::Report;

/// Reads the YAML `text`.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Node> {
    let mut reader = Reader { events: Parser::new_from_str(text), length: text.len(), report };
    let node = reader.document()?;
    reader.refuse_rest();
    Some(node)
}

struct Reader<'t, 'r> {
    events: Parser<'t, StrInput<'t>>,
    length: usize,
    report: &'r mut Report,
}

impl<'t> Reader<'t, '_> {
    fn document(&mut self) -> Option<Node> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, span) => {
                    self.report.syntax(span, "an empty document".to_owned(), "one document");
                    return None;
                }
                (event, span) => return self.node(event, span, 0),
            }
        }
    }

    /// Behind the document there may be its end alone.
    fn refuse_rest(&mut self) {
        while let Some((event, span)) = self.next() {
            if !matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                let found = "a second document".to_owned();
                self.report.syntax_coded("yaml-multiple-documents", span, found, "one document a file");
                return;
            }
        }
    }

    /// The next event that is no comment; None after an error, which was reported.
    fn next(&mut self) -> Option<(Event<'t>, Range<usize>)> {
        loop {
            match self.events.next_event()? {
                Ok((Event::Comment(..), _)) => {}
                Ok((event, span)) => return Some((event, self.bytes(span))),
                Err(why) => {
                    self.scan_error(&why);
                    return None;
                }
            }
        }
    }

    fn scan_error(&mut self, why: &ScanError) {
        let at = why.marker().byte_offset().unwrap_or(self.length).min(self.length);
        let tab = if why.info().contains("tab") { "; tabs cannot indent YAML: use spaces" } else { "" };
        self.report.syntax(at..at, format!("no YAML: {}", why.info()), &format!("well-formed YAML{tab}"));
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let offset = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or(self.length).min(self.length);
        offset(span.start)..offset(span.end)
    }

    fn node(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Option<Node> {
        if depth > DEPTH_LIMIT {
            self.report.syntax_coded("too-deep", span, "another level".to_owned(), "at most 32 levels of nesting");
            return None;
        }
        self.refuse_properties(&event, &span);
        match event {
            Event::Scalar(text, style, ..) => Some(Node { span, value: scalar(text, style) }),
            Event::SequenceStart(..) => self.list(span.start, depth),
            Event::MappingStart(..) => self.map(span.start, depth),
            Event::Alias(_) => {
                self.report.syntax_coded("yaml-anchor", span.clone(), "an alias".to_owned(), "the value itself");
                Some(Node { span, value: Value::Null })
            }
            _ => {
                self.report.syntax(span, "no value".to_owned(), "a value");
                None
            }
        }
    }

    /// Anchors and tags change what a node means in ways a reader of the document does not see.
    fn refuse_properties(&mut self, event: &Event<'t>, span: &Range<usize>) {
        if event.anchor_id().is_some() && !event.is_alias() {
            self.report.syntax_coded("yaml-anchor", span.clone(), "an anchor".to_owned(), "the value without it");
        }
        if let Some(tag) = event.tag() {
            let found = format!("the tag {}", super::quote(&tag.original()));
            self.report.syntax_coded("yaml-tag", span.clone(), found, "the value without a tag");
        }
    }

    fn list(&mut self, start: usize, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, span) => return Some(Node { span: start..span.end, value: Value::List(items) }),
                (event, span) => items.push(self.node(event, span, depth.saturating_add(1))?),
            }
        }
    }

    fn map(&mut self, start: usize, depth: usize) -> Option<Node> {
        let (mut entries, mut keys) = (Vec::new(), BTreeSet::new());
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Some(Node { span: start..key_span.end, value: Value::Map(entries) });
            }
            let key = self.key(event, key_span.clone(), depth)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth.saturating_add(1))?;
            push_entry(&mut entries, &mut keys, Entry { key, key_span, node }, self.report);
        }
    }

    fn key(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Option<String> {
        let node = self.node(event, span.clone(), depth.saturating_add(1))?;
        match node.value {
            Value::Text(key) if key == "<<" => {
                self.report.syntax_coded("yaml-merge-key", span, "a merge key".to_owned(), "the keys themselves");
                Some(key)
            }
            Value::Text(key) => Some(key),
            Value::Number(key) | Value::Ambiguous(key) => {
                self.report.syntax(span, format!("{} as a key", quote(&key)), "a string: put it in quotes");
                Some(key)
            }
            _ => {
                self.report.syntax(span, format!("{} as a key", node.describe()), "a string: put it in quotes");
                Some(String::new())
            }
        }
    }
}

/// What a scalar is: quoted text is text; a plain one only what every reader takes it for.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.into_owned());
    }
    match &*text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        plain if is_number(plain) => Value::Number(plain.to_owned()),
        plain if is_ambiguous(plain) => Value::Ambiguous(plain.to_owned()),
        plain => Value::Text(plain.to_owned()),
    }
}

/// JSON's numbers without an exponent: what every YAML reader takes for the same number.
fn is_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text
        .strip_prefix('-')
        .unwrap_or(text)
        .split_once('.')
        .map_or_else(|| (text.strip_prefix('-').unwrap_or(text), None), |(whole, fraction)| (whole, Some(fraction)));
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(digits)
}

fn is_ambiguous(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let word = matches!(lower.as_str(), "yes" | "no" | "on" | "off" | "y" | "n" | "true" | "false" | "null" | "=");
    let unsigned = lower.trim_start_matches(['+', '-']);
    word || matches!(unsigned, ".inf" | ".nan") || is_somebodys_number(unsigned) || is_date(unsigned)
}

/// Octal, hexadecimal, sexagesimal, exponents, grouped digits, a fraction without a whole: numbers to somebody.
fn is_somebodys_number(text: &str) -> bool {
    let begins = text.trim_start_matches('.').starts_with(|first: char| first.is_ascii_digit());
    let float = text.replace('_', "").parse::<f64>().is_ok();
    let all = |rest: &str, radix: u32, marks: &str| rest.chars().all(|c| c.is_digit(radix) || marks.contains(c));
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefixed =
        prefixed.iter().any(|(prefix, radix)| text.strip_prefix(prefix).is_some_and(|rest| all(rest, *radix, "_")));
    begins && (float || prefixed || all(text, 10, "_.:") && text.matches('.').count() <= 1)
}

/// `2024-01-01`, and with a time behind it.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, most: usize| {
        part.is_some_and(|part| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let year_and_month = digits(parts.next(), 4) && digits(parts.next(), 2);
    let day = parts.next().map(|rest| rest.split(['t', ' ']).next().unwrap_or_default());
    year_and_month && digits(day, 2)
}

#[cfg(test)]
mod tests {
    use super::is_ambiguous;

    #[test]
    fn what_readers_disagree_about_is_known() {
        let ambiguous = [
            "no",
            "Yes",
            "on",
            "NULL",
            "=",
            "010",
            "0x1f",
            "0o17",
            "0b11",
            "0xab_cd",
            "1_000",
            "12:30",
            ".5",
            "+.5",
            "1e3",
            "1e-3",
            "+1",
            "1.",
            "-.inf",
            ".NaN",
            "2024-01-01",
            "2024-1-1",
            "2024-01-01T10:00:00Z",
        ];
        for text in ambiguous {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in [
            "nobody",
            "stable",
            "v1.2",
            "1.2.3",
            "10-20",
            "550e8400-e29b-41d4-a716-446655440000",
            "a=b",
            "2024-01",
            "30d",
            "12h",
            "1500ms",
            "2a",
            "0y",
        ] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
