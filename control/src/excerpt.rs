//! The lines of a document that a finding is about, as rustc would show them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{documents::Document, finding::Finding};

/// Renders the excerpt; None for a document that is not UTF-8, and for a finding about no place in it.
pub fn of(finding: &Finding, document: &Document, colours: bool) -> Option<String> {
    let text = std::str::from_utf8(&document.text).ok()?;
    if finding.line == 0 || text.is_empty() {
        return None;
    }
    // The renderer wants borders of characters, and spans within the text.
    let start = text.floor_char_boundary(finding.span.start);
    let end = text.ceil_char_boundary(finding.span.end).max(start);
    let line_end = text.get(start..end)?.find('\n').and_then(|length| start.checked_add(length));
    let level = if finding.is_error() { Level::ERROR } else { Level::WARNING };
    let annotation = AnnotationKind::Primary.span(start..line_end.unwrap_or(end).max(start));
    let label = format!("{} {}", finding.introduction(), finding.expected);
    let snippet = Snippet::source(text).annotation(annotation.label(label));
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    Some(renderer.render(&[Group::with_level(level).element(snippet)]).to_string())
}

#[cfg(test)]
mod tests {
    use graylane_rules::Format;

    use super::*;
    use crate::finding::Span;

    fn rendered(text: &[u8], start: usize, end: usize) -> Option<String> {
        let document = Document { file: "a.yaml".to_owned(), format: Format::Yaml, text: text.to_vec() };
        let mut finding = Finding::about("a.yaml", "code", "x", "a name");
        (finding.line, finding.span) = (1, Span { start, end });
        of(&finding, &document, false)
    }

    #[test]
    fn the_place_is_marked() {
        let excerpt = rendered(b"spec:\n  nmae: x\n  b: 1\n", 8, 12).unwrap();
        assert!(excerpt.contains("2 |   nmae: x\n  |   ^^^^ expected a name"), "{excerpt}");
    }

    #[test]
    fn no_span_and_no_text_breaks_it() {
        assert_eq!(rendered(b"\xff", 0, 1), None);
        assert_eq!(rendered(b"", 0, 0), None);
        for text in ["é: é\r\n\té\n", "\n\n", "x", "\u{feff}a\u{1b}[2J\u{202e}b\n", "a\0b"] {
            for start in 0..text.len() + 2 {
                for end in start..text.len() + 3 {
                    assert!(rendered(text.as_bytes(), start, end).is_some(), "{text:?} {start}..{end}");
                }
            }
        }
    }
}
