//! Changing YAML by its lines, so that everything around stays as people copy it.
//!
//! Each place must be found exactly as often as expected; otherwise the tests would run another configuration.

use std::ops::Range;

/// The one line of which `is` holds; `what` says in an error which that would be.
pub(super) fn only(text: &str, what: &str, is: impl Fn(&str) -> bool) -> usize {
    nth_of(text, what, 0, 1, is)
}

/// The `place`th, from 0, of exactly `count` lines of which `is` holds.
pub(super) fn nth_of(text: &str, what: &str, place: usize, count: usize, is: impl Fn(&str) -> bool) -> usize {
    let found: Vec<_> =
        text.lines().enumerate().filter(|(_, line)| is(line.trim())).map(|(number, _)| number).collect();
    assert_eq!(found.len(), count, "found {} lines {what} in envoy.yaml, expected {count}", found.len());
    found[place]
}

/// `text` without the one line that is `line` but for its indentation.
pub(super) fn without(text: &str, line: &str) -> String {
    let number = only(text, &format!("`{line}`"), |candidate| candidate == line);
    splice(text, number..number + 1, &[])
}

/// `text` in which `lines` stand instead of those of `range`.
pub(super) fn splice(text: &str, range: Range<usize>, lines: &[String]) -> String {
    let mut all: Vec<_> = text.lines().map(str::to_owned).collect();
    all.splice(range, lines.iter().cloned());
    all.join("\n") + "\n"
}

/// The line `number` and everything below it that is indented further, without what only separates it from the next.
pub(super) fn block(text: &str, number: usize) -> Range<usize> {
    let lines: Vec<_> = text.lines().collect();
    let outer = indentation(lines[number]);
    let inside = |line: &&&str| line.trim().is_empty() || indentation(line) > outer;
    let length = 1 + lines[number + 1..].iter().take_while(inside).count();
    let trailing = lines[number..number + length].iter().rev().take_while(|line| is_no_content(line)).count();
    number..number + length - trailing
}

/// The lines of `range`.
pub(super) fn cut(text: &str, range: Range<usize>) -> String {
    text.lines().skip(range.start).take(range.len()).map(|line| format!("{line}\n")).collect()
}

/// How far a line is indented.
pub(super) fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_no_content(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a:\n  b: 1\n\n  # of b\n  c:\n    - d\n\n  # of e\ne: 2\n";

    #[test]
    fn a_block_is_what_is_indented_further() {
        assert_eq!(block(TEXT, 0), 0..6);
        assert_eq!(cut(TEXT, block(TEXT, 4)), "  c:\n    - d\n");
        assert_eq!(block(TEXT, 8), 8..9);
    }

    #[test]
    fn lines_are_replaced_in_place() {
        let replaced = splice("1\n2\n3", 1..2, &["two".to_owned(), "two and a half".to_owned()]);
        assert_eq!(replaced, "1\ntwo\ntwo and a half\n3\n");
        assert_eq!(without(" 1\n 2\n", "2"), " 1\n");
    }

    #[test]
    #[should_panic(expected = "found 2 lines `x` in envoy.yaml, expected 1")]
    fn a_line_that_is_there_twice_is_no_longer_understood() {
        without("x\n x\n", "x");
    }
}
