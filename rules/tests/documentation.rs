//! The documents that README and docs/ show are sound.
#![cfg(not(target_family = "wasm"))]
#![allow(missing_docs, clippy::unwrap_used, reason = "a test stops loudly")]

use graylane_rules::{Format, Source, compile};

#[test]
fn every_document_shown_compiles_without_a_warning() {
    for (page, text, expected) in
        [("README.md", include_str!("../../README.md"), 1), ("docs/rules.md", include_str!("../../docs/rules.md"), 5)]
    {
        let blocks = text.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap());
        let sources: Vec<_> = blocks.map(|block| Source { format: Format::Yaml, text: block.as_bytes() }).collect();
        assert_eq!(sources.len(), expected, "{page}");
        let compiled = compile(&sources).map_err(|problems| format!("{page}: {problems:#?}")).unwrap();
        assert!(compiled.warnings.is_empty(), "{page}: {:#?}", compiled.warnings);
    }
}
