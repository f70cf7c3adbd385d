//! Kubernetes manifests as trees that know where everything stands.
//!
//! Read as `kubectl` reads them: several documents a file, anchors followed, plain scalars as YAML 1.1 has them
//! (`yes` and `on` are booleans, `0x1f` and `017` numbers).

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

/// The deepest nesting that is read.
const DEPTH_LIMIT: usize = 100;
/// The most nodes a file may have, what aliases stand for included.
const NODE_LIMIT: usize = 200_000;

/// A value, and the bytes of the file it was read from.
#[derive(Clone, Debug)]
pub struct Node {
    /// The bytes of the file.
    pub span: Range<usize>,
    /// What stands there.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` and `false`, and what YAML 1.1 takes for them.
    Bool(bool),
    /// A number, in the decimal text that JSON has for it.
    Number(String),
    /// Any other scalar.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// A key of a mapping and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub key_span: Range<usize>,
    /// What belongs to it.
    pub node: Node,
}

/// Why a file is no sequence of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The bytes it is about.
    pub span: Range<usize>,
    /// What stands there.
    pub found: String,
    /// What would be right.
    pub expected: &'static str,
}

impl Node {
    /// What stands under `key` of a mapping; None also where this is none. Null counts as absent, as it does in Kubernetes.
    pub fn field(&self, key: &str) -> Option<&Node> {
        let found = self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node);
        found.filter(|node| node.value != Value::Null)
    }

    /// What stands at the end of `path` through mappings.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.field(key))
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, where this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What stands here, in words, short enough for a message.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Number(text) => format!("the number {}", text.get(..60).unwrap_or(text)),
            Value::Text(text) => quoted(text),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(entries) => format!("a map of {}", entries.len()),
        }
    }

    /// The same as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json()));
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

/// `text` in quotes, at most 60 characters of it.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// The documents of a file, in order, without the empty ones.
///
/// # Errors
/// The first thing that keeps the file from being read: no YAML, a key that stands twice, too deep or too large.
pub fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    let mut reader =
        Reader { events: Parser::new_from_str(text), length: text.len(), anchors: HashMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        if !matches!(event, Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd) {
            reader.anchors.clear();
            let node = reader.node(event, span, 0)?;
            if node.value != Value::Null {
                documents.push(node);
            }
        }
    }
    Ok(documents)
}

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    length: usize,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    /// The next event that is no comment; None at the end.
    fn next(&mut self) -> Result<Option<(Event<'t>, Range<usize>)>, Unreadable> {
        loop {
            match self.events.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => return Ok(Some((event, self.bytes(span)))),
                Some(Err(why)) => return Err(self.scan_error(&why)),
            }
        }
    }

    fn some(&mut self) -> Result<(Event<'t>, Range<usize>), Unreadable> {
        let end = self.length..self.length;
        let cut =
            Unreadable { span: end, found: "the end of the file".to_owned(), expected: "the rest of the document" };
        self.next()?.ok_or(cut)
    }

    fn scan_error(&self, why: &ScanError) -> Unreadable {
        let at = why.marker().byte_offset().unwrap_or(self.length).min(self.length);
        Unreadable { span: at..at, found: format!("no YAML: {}", why.info()), expected: "well-formed YAML" }
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let offset = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or(self.length).min(self.length);
        offset(span.start)..offset(span.end)
    }

    fn node(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Result<Node, Unreadable> {
        let refused = |span, found: &str, expected| Err(Unreadable { span, found: found.to_owned(), expected });
        if depth > DEPTH_LIMIT {
            return refused(span, "another level", "at most 100 levels of nesting");
        }
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > NODE_LIMIT {
            return refused(span, "another value", "at most 200,000 values");
        }
        let anchor = event.anchor_id().filter(|_| !event.is_alias());
        let node = match event {
            Event::Scalar(text, style, ..) => Node { span, value: scalar(&text, style) },
            Event::SequenceStart(..) => self.list(span.start, depth)?,
            Event::MappingStart(..) => self.map(span.start, depth)?,
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    let node = node.clone();
                    self.nodes = self.nodes.saturating_add(size(&node));
                    node
                }
                None => return refused(span, "an alias of an unknown anchor", "an anchor that stands before it"),
            },
            _ => return refused(span, "no value", "a value"),
        };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, start: usize, depth: usize) -> Result<Node, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.some()? {
                (Event::SequenceEnd, span) => return Ok(Node { span: start..span.end, value: Value::List(items) }),
                (event, span) => items.push(self.node(event, span, depth.saturating_add(1))?),
            }
        }
    }

    fn map(&mut self, start: usize, depth: usize) -> Result<Node, Unreadable> {
        let (mut entries, mut keys) = (Vec::new(), HashSet::new());
        loop {
            let (event, key_span) = self.some()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Node { span: start..key_span.end, value: Value::Map(entries) });
            }
            let key = self.node(event, key_span.clone(), depth.saturating_add(1))?;
            let (event, span) = self.some()?;
            let node = self.node(event, span, depth.saturating_add(1))?;
            let key = match key.value {
                Value::Text(key) | Value::Number(key) => key,
                Value::Bool(key) => key.to_string(),
                _ => {
                    let found = format!("{} as a key", key.describe());
                    return Err(Unreadable { span: key_span, found, expected: "a string" });
                }
            };
            if key == "<<" {
                merge_key(&mut entries, &node);
            } else if !keys.insert(key.clone()) {
                let found = format!("the key {} a second time", quoted(&key));
                return Err(Unreadable { span: key_span, found, expected: "each key once" });
            } else {
                entries.retain(|merged: &Entry| merged.key != key);
                entries.push(Entry { key, key_span, node });
            }
        }
    }
}

/// YAML 1.1's merge key: what is not said here is taken from there.
fn merge_key(entries: &mut Vec<Entry>, from: &Node) {
    let single = std::slice::from_ref(from);
    let maps = if from.items().is_empty() { single } else { from.items() };
    for entry in maps.iter().flat_map(Node::entries) {
        if !entries.iter().any(|known| known.key == entry.key) {
            entries.push(entry.clone());
        }
    }
}

fn size(node: &Node) -> usize {
    let inner: usize = match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| size(&entry.node)).sum(),
        _ => 0,
    };
    inner.saturating_add(1)
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => Value::Bool(false),
        plain => number(plain).map_or_else(|| Value::Text(plain.to_owned()), Value::Number),
    }
}

/// The decimal text of a plain scalar that is a number.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let whole = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(|value| format!("{sign}{value}"));
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return whole(hex, 16);
    }
    if digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match digits.strip_prefix('0') {
            Some(octal) => whole(octal, 8),
            None => Some(text.to_owned()),
        };
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let exact = serde_json::from_str::<serde_json::Number>(text).is_ok();
    Some(if exact { text.to_owned() } else { value.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read_as_kubectl_reads_them() {
        let documents = read("a: &x {b: yes, c: '1'}\nd: *x\ne: 0x10\nf: 017\n---\n---\n- <<: {g: 1.5}\n").unwrap();
        let [first, second] = &documents[..] else { panic!("{documents:?}") };
        let expected = serde_json::json!({"a": {"b": true, "c": "1"}, "d": {"b": true, "c": "1"}, "e": 16, "f": 15});
        assert_eq!(first.to_json(), expected);
        assert_eq!(second.to_json(), serde_json::json!([{"g": 1.5}]));
    }

    #[test]
    fn a_version_is_no_number_and_places_are_bytes() {
        let text = "a: 1.30.1\nbé: x\n";
        let documents = read(text).unwrap();
        let entry = &documents[0].entries()[1];
        assert_eq!(documents[0].field("a").and_then(Node::text), Some("1.30.1"));
        assert_eq!(&text[entry.key_span.clone()], "bé");
        assert_eq!(&text[entry.node.span.clone()], "x");
    }

    #[test]
    fn what_is_unreadable_says_where() {
        assert_eq!(read("a: 1\na: 2\n").unwrap_err().span, 5..6);
        assert!(read("a: [1\n").unwrap_err().found.starts_with("no YAML"));
        assert_eq!(read("{[a]: 1}").unwrap_err().expected, "a string");
        let bomb = (1..30).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
            let before = n - 1;
            text + &format!("a{n}: &a{n} [*a{before}, *a{before}]\n")
        });
        assert_eq!(read(&bomb).unwrap_err().expected, "at most 200,000 values");
    }
}
