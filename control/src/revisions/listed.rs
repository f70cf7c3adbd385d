//! Documents by kind and name.

use graylane_rules::{Outline, Source};

use super::{Base, Refusal};
use crate::documents::{self, Document};

/// What documents say, whether or not their locks fit.
///
/// # Errors
/// Every finding, where they cannot be read.
pub fn outline(documents: &[Document]) -> Result<Outline, Refusal> {
    let sources: Vec<_> = documents.iter().map(Document::source).collect();
    Outline::read(&sources).map_err(|problems| Refusal::Broken(documents::findings(problems, documents)))
}

/// What the documents of `base` say, and nothing where this build reads them otherwise than the one that compiled them.
pub fn outline_of(base: &Base) -> Outline {
    let source = |held: &'_ super::Held| (held.entry.format, std::sync::Arc::clone(&held.text));
    let texts: Vec<_> = base.documents.iter().map(source).collect();
    let sources: Vec<_> = texts.iter().map(|(format, text)| Source { format: *format, text }).collect();
    Outline::read(&sources).unwrap_or_default()
}

/// Which documents are the rule set `name` or its lock.
pub fn of_rule_set(outline: &Outline, name: &str) -> Vec<usize> {
    let rule_set = outline.rule_set(name).map(|rule_set| rule_set.source);
    let lock = outline.lock(name).map(|lock| lock.source);
    rule_set.into_iter().chain(lock).collect()
}
