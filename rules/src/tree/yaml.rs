//! YAML in its strict form into a tree.
//!
//! What YAML readers disagree about is refused instead of interpreted: anchors and aliases, tags,
//! merge keys, keys that are no strings, duplicate keys, a second document, and plain scalars such
//! as `no`, `0x1f` or `1_000` that YAML 1.1 and 1.2 read differently.

use std::{borrow::Cow, ops::Range};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::{DEPTH_LIMIT, Entry, Node, Value, push_entry};
use crate::report::Report;

/// Reads the YAML `text`.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Node> {
    let mut reader = Reader { events: Parser::new_from_str(text), length: text.len(), report };
    let node = reader.document();
    node.filter(|_| reader.rest_is_empty())
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

    fn rest_is_empty(&mut self) -> bool {
        while let Some((event, span)) = self.next() {
            match event {
                Event::DocumentEnd => {}
                Event::StreamEnd => return true,
                _ => {
                    let found = "a second document".to_owned();
                    self.report.syntax_coded("yaml-multiple-documents", span, found, "one document a file");
                    return false;
                }
            }
        }
        false
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
        self.report.syntax(at..at, format!("no YAML: {}", why.info()), "well-formed YAML");
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
                self.report.syntax_coded("yaml-anchor", span, "an alias".to_owned(), "the value itself");
                None
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
        let mut entries = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Some(Node { span: start..key_span.end, value: Value::Map(entries) });
            }
            let key = self.key(event, key_span.clone(), depth)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth.saturating_add(1))?;
            push_entry(&mut entries, Entry { key, key_span, node }, self.report);
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
            _ => {
                self.report.syntax(span, format!("{} as a key", node.describe()), "a string: put it in quotes");
                None
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
    let word = matches!(lower.as_str(), "yes" | "no" | "on" | "off" | "y" | "n" | "true" | "false" | "null");
    // Octal, hexadecimal, sexagesimal, exponents, infinities, grouped digits: numbers to somebody.
    let unsigned = lower.trim_start_matches(['+', '-']);
    let numeric = unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned.chars().all(|c| c.is_ascii_hexdigit() || "xo_.:+-".contains(c))
        && !unsigned.contains('-')
        && unsigned.matches('.').count() <= 1;
    word || numeric || matches!(unsigned, ".inf" | ".nan")
}
