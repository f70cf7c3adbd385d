//! The lines of a document that a finding is about, as rustc would show them.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{
    documents::Document,
    finding::{Finding, is_active},
};

/// The most bytes shown before and after the beginning of the place.
const AROUND: usize = 100;

/// Renders the excerpt: the line of the place, of a long one the part around it; None for a document that is not UTF-8,
/// and for a finding about no place in it.
pub fn of(finding: &Finding, document: &Document, colours: bool) -> Option<String> {
    let text = std::str::from_utf8(&document.text).ok()?;
    if finding.line == 0 || text.is_empty() {
        return None;
    }
    let (before, marked, after) = around(text, finding.span.start, finding.span.end)?;
    let (before, marked) = (shown(before), shown(marked));
    let line = format!("{before}{marked}{}", shown(after));
    let level = if finding.is_error() { Level::ERROR } else { Level::WARNING };
    let annotation = AnnotationKind::Primary.span(before.len()..before.len().saturating_add(marked.len()));
    let label = format!("{} {}", finding.introduction(), finding.expected);
    let snippet = Snippet::source(line).line_start(finding.line).annotation(annotation.label(label));
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    Some(renderer.render(&[Group::with_level(level).element(snippet)]).to_string())
}

/// What stands in the line of `start` before the place, the place as far as it is in that line, and what follows.
fn around(text: &str, start: usize, end: usize) -> Option<(&str, &str, &str)> {
    let start = text.floor_char_boundary(start);
    let end = text.ceil_char_boundary(end).max(start);
    let (head, tail) = text.split_at_checked(start)?;
    let head = head.rsplit('\n').next().unwrap_or_default();
    let tail = tail.split('\n').next().unwrap_or_default();
    let head = head.get(head.floor_char_boundary(head.len().saturating_sub(AROUND))..)?;
    let tail = tail.get(..tail.ceil_char_boundary(AROUND))?;
    let marked = end.saturating_sub(start).min(tail.len());
    let (marked, after) = tail.split_at_checked(tail.floor_char_boundary(marked))?;
    Some((head, marked, after))
}

/// What a terminal would act on is replaced, so that columns stay in place.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if is_active(letter) && letter != '\t' { '\u{fffd}' } else { letter }).collect()
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
        assert!(excerpt.contains("1 |   nmae: x\n  |   ^^^^ expected a name"), "{excerpt}");
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
