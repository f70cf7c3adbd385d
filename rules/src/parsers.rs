//! The parsers of documents, chosen by the document's tag.
//!
//! A parser is a syntax and a version of the language. What a document is tagged with is found before it is understood; what
//! `stable`, `canary` and tags of one's own stand for is data, in a document of kind ParserTags.

mod choice;
mod tag;
#[cfg(feature = "v2alpha1")]
mod v2alpha1;

use std::{borrow::Cow, ops::Range};

use crate::{
    Format,
    document::{self, Document, ParserTags},
    report::{Path, Report},
    tree::{self, Node},
};

pub(crate) use choice::{Choice, refuse_second};

/// Turns the text of another syntax into that of a parser's own.
///
/// Where it keeps everything in its place, problems point into the document as it was written.
pub type Translate = fn(&[u8]) -> Result<Vec<u8>, String>;

/// What reads the documents of one tag.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    tag: &'static str,
    syntax: Format,
    language: &'static Language,
    translate: Option<Translate>,
}

/// A version of the language: how its documents become those of the first, which everything else knows.
#[derive(Debug)]
struct Language {
    /// Rewrites the tree; what it gives takes the paths of problems back to what was written.
    lower: fn(&mut Node) -> Option<Rewritten>,
}

/// Takes the path of a problem back to what was written.
type Rewritten = Box<dyn Fn(&str) -> Option<String>>;

const V1: Language = Language { lower: |_| None };

/// The parsers of this build. One more is a line here, and a file for its language.
const PARSERS: &[Parser] = &[
    Parser::new("v1-json", Format::Json, &V1),
    Parser::new("v1-yaml", Format::Yaml, &V1),
    #[cfg(feature = "v2alpha1")]
    Parser::new("v2alpha1-json", Format::Json, &v2alpha1::LANGUAGE),
    #[cfg(feature = "v2alpha1")]
    Parser::new("v2alpha1-yaml", Format::Yaml, &v2alpha1::LANGUAGE),
];

/// What the tags stand for that no ParserTags document re-points: for a document in JSON, and for one in YAML.
const ALIASES: &[(&str, &str, &str)] =
    &[("stable", "v1-json", "v1-yaml"), ("canary", "v2alpha1-json", "v2alpha1-yaml")];

/// The parsers that documents may be tagged with.
#[derive(Clone, Debug)]
pub struct Registry {
    parsers: Vec<Parser>,
}

impl Parser {
    const fn new(tag: &'static str, syntax: Format, language: &'static Language) -> Self {
        Self { tag, syntax, language, translate: None }
    }

    /// A parser of the first version of the language in `syntax`, into which `translate` turns the text.
    pub const fn translating(tag: &'static str, syntax: Format, translate: Translate) -> Self {
        Self { tag, syntax, language: &V1, translate: Some(translate) }
    }
}

impl Default for Registry {
    /// The parsers of this build.
    fn default() -> Self {
        Self { parsers: PARSERS.to_vec() }
    }
}

impl Registry {
    /// The same with one parser more, which takes the place of any with its tag.
    #[must_use]
    pub fn with(mut self, parser: Parser) -> Self {
        self.parsers.retain(|known| known.tag != parser.tag);
        self.parsers.push(parser);
        self
    }

    /// The tags of the parsers.
    pub fn tags(&self) -> impl Iterator<Item = &'static str> {
        self.parsers.iter().map(|parser| parser.tag)
    }

    fn parser(&self, tag: &str) -> Option<Parser> {
        self.parsers.iter().find(|parser| parser.tag == tag).copied()
    }

    /// The parser of a document without a tag.
    fn plain(&self, format: Format) -> Parser {
        let tag = match format {
            Format::Json => "v1-json",
            Format::Yaml => "v1-yaml",
        };
        self.parser(tag).unwrap_or(Parser::new(tag, format, &V1))
    }

    /// Reports what a ParserTags document names that is none of these parsers, or re-points one of them.
    fn check(&self, tags: &ParserTags, report: &mut Report) {
        let path = Path::SPEC;
        let aliases = path.field("tags");
        for (alias, parser) in &tags.aliases {
            if self.parser(&alias.text).is_some() {
                let expected = "a tag of another name: this is a parser's own";
                report.error(
                    "bad-tag",
                    &aliases.field(&alias.text),
                    alias.span.clone(),
                    tree::quote(&alias.text),
                    expected,
                );
            }
            self.check_parser(&parser.text, &parser.span, &aliases.field(&alias.text), report);
        }
        if let Some(default) = &tags.default {
            self.check_parser(&default.text, &default.span, &path.field("default"), report);
        }
    }

    fn check_parser(&self, name: &str, span: &Range<usize>, path: &Path<'_>, report: &mut Report) {
        if self.parser(name).is_none() {
            let known: Vec<_> = self.tags().collect();
            let expected = format!("a parser: {}", document::one_of(&known));
            let expected = report.or_meant(expected, name, known.into_iter());
            report.error("unknown-parser", path, span.clone(), tree::quote(name), expected);
        }
    }
}

impl Parser {
    /// Reads a document: the tree as its parser's language became the first, and what it says.
    fn read(&self, text: &[u8], choice: &Choice<'_>, report: &mut Report) -> Option<(Node, Document)> {
        let text = match self.translate.map(|translate| translate(text)) {
            Some(Err(why)) => {
                report.document_error("syntax", why, &format!("a document as {} reads it", self.tag));
                return None;
            }
            Some(Ok(text)) => Cow::Owned(text),
            None => Cow::Borrowed(text),
        };
        let mut tree = tree::read(self.syntax, &text, report)?;
        choice.check_tag(&tree, report);
        let rewritten = (self.language.lower)(&mut tree);
        let document = document::decode(&tree, report);
        if let Some(rewritten) = rewritten {
            report.rewrite(rewritten);
        }
        if let Some(Document::ParserTags(tags)) = &document {
            choice.registry.check(tags, report);
        }
        Some((tree, document?))
    }
}
