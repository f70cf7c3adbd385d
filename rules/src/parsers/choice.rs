//! Which parser reads which document.

use std::ops::Range;

use super::{ALIASES, Parser, Registry, tag};
use crate::{
    Format, Parsed, Source, Tagged,
    document::{self, Document, Name, ParserTags},
    report::{Path, Report},
    tree::{self, Node, Value, quote},
};

/// The field that a document carries its tag in.
const FIELD: &str = "x-gray-tag";

/// The parser of one document, and why it.
pub(crate) struct Choice<'r> {
    pub(super) registry: &'r Registry,
    parser: Parser,
    /// What the document says of itself, or else what was said about it.
    tag: Option<String>,
    own: bool,
    known: bool,
}

impl<'r> Choice<'r> {
    /// The choice for each of the sources.
    pub(crate) fn of(sources: &[Tagged<'_>], registry: &'r Registry) -> Vec<Self> {
        let tags = sources.iter().find_map(|tagged| parser_tags(&tagged.source));
        sources.iter().map(|tagged| Self::one(tagged, tags.as_ref(), registry)).collect()
    }

    fn one(tagged: &Tagged<'_>, tags: Option<&ParserTags>, registry: &'r Registry) -> Self {
        let format = tagged.source.format;
        let own = tag::find(format, tagged.source.text);
        let tag = own.or(tagged.tag);
        let named = |tag| registry.parser(tag).or_else(|| registry.parser(alias(tag, format, tags)?));
        let (parser, known) = match tag.map(named) {
            None => (registry.plain(format), true),
            Some(Some(parser)) => (parser, true),
            Some(None) => {
                let default = tags.and_then(|tags| tags.default.as_ref());
                let default = default.and_then(|default| registry.parser(&default.text));
                (default.unwrap_or_else(|| registry.plain(format)), false)
            }
        };
        Self { registry, parser, tag: tag.map(str::to_owned), own: own.is_some(), known }
    }

    /// Reads the document; None when it cannot be used, with the reasons in `report`.
    pub(crate) fn read(&self, source: &Source<'_>, report: &mut Report) -> Option<(Node, Document)> {
        self.parser.read(source.text, self, report)
    }

    /// The tag and the parser's own.
    pub(crate) fn names(&self) -> (Option<&str>, &'static str) {
        (self.tag.as_deref(), self.parser.tag)
    }

    /// What is to be known of a document that was read.
    pub(crate) fn parsed(&self, source: usize, document: &Document) -> Parsed {
        let (kind, name) = document.title();
        let (tag, parser) = self.names();
        Parsed { source, kind, name: name.text.clone(), tag: tag.map(str::to_owned), parser }
    }

    /// Reports a tag that nobody knows, and one that was not found where it stands.
    pub(super) fn check_tag(&self, tree: &Node, report: &mut Report) {
        let entries = match &tree.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        let node = entries.iter().find(|entry| entry.key == FIELD).map(|entry| &entry.node);
        let path = Path::DOCUMENT;
        let path = path.field(FIELD);
        let written = node.and_then(document::text);
        if let Some(node) = node.filter(|_| written.is_some() && written != self.tag.as_deref().filter(|_| self.own)) {
            let expected = "a line of its own, `x-gray-tag: TAG`, in JSON \"x-gray-tag\": \"TAG\": it is looked for before the \
                            document is read";
            report.wrong("hidden-tag", &path, node, expected);
        } else if !self.known && node.is_none_or(|_| written.is_some()) {
            let span = node.map_or(0..0, |node| node.span.clone());
            self.warn(&path, span, report);
        }
    }

    fn warn(&self, path: &Path<'_>, span: Range<usize>, report: &mut Report) {
        let (tag, parser) = self.names();
        let tag = tag.unwrap_or_default();
        let found = format!("the unknown tag {}, read as the default, {parser}", quote(tag));
        let known: Vec<_> = ALIASES.iter().map(|(alias, ..)| *alias).chain(self.registry.tags()).collect();
        let expected = format!("{}, or a tag of a ParserTags document", known.join(", "));
        let expected = report.or_meant(expected, tag, known.into_iter());
        report.warning("unknown-tag", path, span, found, expected);
    }
}

/// What a tag stands for that is no parser's own.
fn alias<'t>(tag: &str, format: Format, tags: Option<&'t ParserTags>) -> Option<&'t str> {
    let pointed = tags.and_then(|tags| tags.aliases.iter().find(|(alias, _)| alias.text == tag));
    pointed.map(|(_, parser)| parser.text.as_str()).or_else(|| {
        let built_in = ALIASES.iter().find(|(alias, ..)| *alias == tag);
        built_in.map(|(_, json, yaml)| if format == Format::Json { *json } else { *yaml })
    })
}

/// The tags that a source re-points, where it is a sound document of that kind.
///
/// What is wrong with it is told when it is read with all others.
fn parser_tags(source: &Source<'_>) -> Option<ParserTags> {
    // Of the documents of a namespace one at most is worth reading twice.
    memchr::memmem::find(source.text, b"ParserTags")?;
    if tag::find(source.format, source.text).is_some() {
        return None;
    }
    let mut unheard = Report::default();
    let tree = tree::read(source.format, source.text, &mut unheard)?;
    match document::decode(&tree, &mut unheard) {
        Some(Document::ParserTags(tags)) if !unheard.has_errors() => Some(tags),
        _ => None,
    }
}

/// Reports each ParserTags document but the first.
pub(crate) fn refuse_second(all: &[(usize, Name)], report: &mut Report) {
    for (source, name) in all.iter().skip(1) {
        report.begin(*source);
        let path = Path::DOCUMENT;
        let path = path.field("metadata");
        report.error(
            "duplicate-kind",
            &path.field("name"),
            name.span.clone(),
            "a second ParserTags",
            "one in a namespace",
        );
    }
}
