//! A document of kind ParserTags: which parser each tag stands for.

use super::{Fields, Name, fields, head, names};
use crate::report::{Path, Report};

/// What tags stand for; that the parsers exist is not known yet.
#[derive(Debug)]
pub(crate) struct ParserTags {
    pub(crate) name: Name,
    /// Tags and the names of parsers.
    pub(crate) aliases: Vec<(Name, Name)>,
    /// The parser of documents with a tag that nobody knows.
    pub(crate) default: Option<Name>,
}

/// Decodes what apiVersion and kind left over.
pub(super) fn decode(document: Fields<'_>, report: &mut Report) -> Option<ParserTags> {
    let (name, spec) = head::name_and_spec(document, report);
    let path = Path::SPEC;
    let mut spec = Fields::open(spec?, &path, report)?;
    let tags = spec.optional("tags");
    let default = spec.optional("default");
    spec.finish(report);
    let mut aliases = Vec::new();
    let tags_path = path.field("tags");
    for entry in tags.and_then(|node| fields::entries(node, &tags_path, report)).unwrap_or_default() {
        let path = tags_path.field(&entry.key);
        names::check_key(&entry.key, &entry.key_span, &path, report);
        if let Some(parser) = names::id(&entry.node, &path, report) {
            aliases.push((Name { text: entry.key.clone(), span: entry.key_span.clone() }, parser));
        }
    }
    let default = default.map(|node| names::id(node, &path.field("default"), report));
    Some(ParserTags { name: name?, aliases, default: default.unwrap_or_default() })
}
