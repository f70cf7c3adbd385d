//! Documents: what is compiled is used, what is not is told within bounds.

use graylane_rules::{Compiled, Format, Problem, SNAPSHOT_LIMIT, Severity, Snapshot, Source, compile, owned};

use crate::{agreement, request::Echo, shares};

/// Ends one document of an input and begins the next (RFC 7464 names it so).
pub const SEPARATOR: u8 = 0x1e;

/// So many errors and so many warnings of one source are told one by one.
const MOST: usize = 1_000;

/// Compiles an input, one or several documents, and panics where a promise is broken.
///
/// A document that begins with a brace is JSON, any other YAML; then all of them are YAML once more, since nearly all JSON
/// is YAML as well, and must then mean the same.
pub fn check(input: &[u8]) {
    let texts: Vec<&[u8]> = input.split(|&byte| byte == SEPARATOR).collect();
    let guessed = |text: &[u8]| if text.trim_ascii_start().starts_with(b"{") { Format::Json } else { Format::Yaml };
    let one = compiled(&texts, guessed);
    if texts.iter().all(|text| guessed(text) == Format::Yaml) {
        return;
    }
    let other = compiled(&texts, |_| Format::Yaml);
    if let (Some(one), Some(other)) = (one, other) {
        assert_eq!(one, other, "JSON and YAML of one text compile to different bytes");
    }
}

fn compiled(texts: &[&[u8]], format: impl Fn(&[u8]) -> Format) -> Option<Vec<u8>> {
    let sources: Vec<Source<'_>> = texts.iter().map(|text| Source { format: format(text), text }).collect();
    match compile(&sources) {
        Ok(Compiled { snapshot, warnings, .. }) => {
            assert!(warnings.iter().all(|warning| warning.severity == Severity::Warning));
            check_problems(&warnings, texts);
            check_snapshot(&snapshot, &texts.concat());
            Some(snapshot)
        }
        Err(problems) => {
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error), "{problems:?}");
            check_problems(&problems, texts);
            None
        }
    }
}

fn check_problems(problems: &[Problem], texts: &[&[u8]]) {
    assert!(problems.len() <= (2 * MOST + 2) * texts.len(), "{} problems", problems.len());
    for problem in problems {
        let text = texts.get(problem.source).expect("the number of a source");
        assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len().max(1), "{problem:?}");
        let told = problem.to_string();
        assert!(told.len() <= 16 << 10, "{} bytes of one problem", told.len());
        assert!(!told.contains(char::is_control), "{told:?}");
        assert!(!problem.found.is_empty() && !problem.expected.is_empty(), "{problem:?}");
    }
    assert!(problems.is_sorted_by_key(|problem| problem.source), "problems out of order");
}

fn check_snapshot(bytes: &[u8], text: &[u8]) {
    assert!(bytes.len() <= SNAPSHOT_LIMIT);
    let snapshot = Snapshot::load(bytes.to_vec()).unwrap_or_else(|why| panic!("compiled, but {why}"));
    assert_eq!(snapshot.check_index(), Ok(()));
    assert!(snapshot.rule_sets().is_sorted());
    let names: Vec<&[u8]> = snapshot.header_names().collect();
    assert!(names.iter().all(|name| str::from_utf8(name).is_ok_and(|name| owned::check(name).is_ok())), "{names:?}");
    shares::check_formats(&snapshot);
    for salt in 0..4 {
        let request = Echo::of(text, salt);
        let (outcomes, _) = agreement::decide(&snapshot, &request);
        shares::check(&snapshot, &request);
        let set = outcomes.iter().flat_map(|outcome| &outcome.set);
        set.for_each(|(name, _)| assert!(names.contains(&name.as_slice()), "sets {name:?}, names {names:?}"));
    }
}
