//! What is compiled: texts and how they are written.

/// The most bytes a document may have: 4 MiB.
pub const DOCUMENT_LIMIT: usize = 4 << 20;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON (RFC 8259); duplicate keys are refused.
    Json,
    /// YAML in its strict form: no anchors, tags, merge keys, duplicate keys or second document,
    /// and no plain scalar that readers understand differently.
    Yaml,
}

/// A document to compile: a rule set or a lock, told apart by its `kind`.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// How it is written.
    pub format: Format,
    /// Its text, at most [`DOCUMENT_LIMIT`] bytes of UTF-8.
    pub text: &'a [u8],
}

/// A document, and what was said about it from outside: its own `x-gray-tag` comes first.
#[derive(Clone, Copy, Debug)]
pub struct Tagged<'a> {
    /// The document.
    pub source: Source<'a>,
    /// A tag that came with it.
    pub tag: Option<&'a str>,
}

impl<'a> From<Source<'a>> for Tagged<'a> {
    fn from(source: Source<'a>) -> Self {
        Self { source, tag: None }
    }
}
