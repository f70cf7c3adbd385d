//! Which parser read which document.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::finding::one_line;

/// How a document was read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParsedDocument {
    /// The file, as it was named or found.
    pub file: String,
    /// Its kind: `RuleSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is tagged with, where it is.
    pub tag: Option<String>,
    /// The parser that read it, by the parser's own tag.
    pub parser: String,
}

impl ParsedDocument {
    /// Whether both were read by one parser, if they are the same document; files may be renamed.
    fn agrees(&self, other: &Self) -> bool {
        (&self.kind, &self.name) != (&other.kind, &other.name) || self.parser == other.parser
    }
}

/// Whether every document that is in both was read by the same parser.
pub fn agree(one: &[ParsedDocument], other: &[ParsedDocument]) -> bool {
    one.iter().all(|document| other.iter().all(|other| document.agrees(other)))
}

/// `RuleSet shop read by v2alpha1-yaml, for its tag canary`, always one line.
impl fmt::Display for ParsedDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, tag, parser, .. } = self;
        let tag = tag.as_ref().map(|tag| format!(", for its tag {tag}")).unwrap_or_default();
        f.write_str(&one_line(&format!("{kind} {name} read by {parser}{tag}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_disagree_where_another_parser_read_the_same() {
        let parsed = |file: &str, name: &str, parser: &str| {
            let [file, kind, name, parser] = [file, "RuleSet", name, parser].map(str::to_owned);
            ParsedDocument { file, kind, name, tag: None, parser }
        };
        let before = [parsed("a.yaml", "a", "v1-yaml"), parsed("b.yaml", "b", "v1-yaml")];
        assert!(agree(&before, &[parsed("c.yaml", "a", "v1-yaml"), parsed("d.yaml", "d", "v1-json")]));
        assert!(!agree(&before, &[parsed("b.yaml", "b", "v2alpha1-yaml")]));
    }
}
