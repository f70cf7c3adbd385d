//! A snapshot in use.

use graylane_rules::{Compiled, Format, Problem, Revision, Snapshot, Source, compile_with_automata};

use crate::{
    config::{FilterConfig, Limits},
    labels::Labels,
    metrics::Series,
    owned::Owned,
};

/// A snapshot with what this VM keeps about it.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub snapshot: Snapshot,
    /// Its revision; none for the rules of a plugin configuration.
    pub revision: Option<Revision>,
    /// The revision as logs carry it: `1732450000.7`, or `embedded`.
    pub label: String,
    /// The counters of its decisions.
    pub series: Series,
    /// The labels of the node, as far as its rules ask for them.
    pub labels: Labels,
}

impl Loaded {
    /// Takes a snapshot that was published as `revision` into use.
    pub fn fetched(snapshot: Snapshot, revision: Revision) -> Self {
        Self::new(snapshot, Some(revision), revision.to_string())
    }

    fn new(snapshot: Snapshot, revision: Option<Revision>, label: String) -> Self {
        let labels = Labels::of(snapshot.label_names());
        Self { snapshot, revision, label, series: Series::default(), labels }
    }

    /// Compiles the rules of a plugin configuration; None where it has none.
    ///
    /// # Errors
    /// A line for each problem, ready to be logged.
    pub fn embedded(config: &FilterConfig<'_>, text: &[u8], owned: &Owned) -> Result<Option<Self>, Vec<String>> {
        let documents = config.documents();
        let sources: Vec<_> =
            documents.map(|(.., raw)| Source { format: Format::Json, text: raw.get().as_bytes() }).collect();
        if sources.is_empty() {
            return Ok(None);
        }
        let automata = config.automata.iter().enumerate().map(|(place, automaton)| automaton.decoded(place));
        let automata = automata.collect::<Result<Vec<_>, _>>().map_err(|why| vec![why.to_string()])?;
        let Compiled { snapshot, .. } = compile_with_automata(&sources, &automata)
            .map_err(|problems| problems.iter().map(|problem| place(problem, config, text)).collect::<Vec<_>>())?;
        let snapshot = Snapshot::load(snapshot).map_err(|why| vec![why.to_string()])?;
        match objection(&snapshot, owned, &config.limits) {
            Some(objection) => Err(vec![objection]),
            None => Ok(Some(Self::new(snapshot, None, "embedded".to_owned()))),
        }
    }
}

/// Why a filter that owns `owned` and has `limits` does not take `snapshot`, wherever it comes from; None where it does.
pub fn objection(snapshot: &Snapshot, owned: &Owned, limits: &Limits) -> Option<String> {
    let foreign = snapshot.header_names().find(|name| !owned.contains(name));
    match foreign {
        Some(name) => Some(not_owned(&name.escape_ascii().to_string())),
        None => limits.check(snapshot).err(),
    }
}

/// What to say, and to do, about a header that is not owned.
fn not_owned(name: &str) -> String {
    format!(
        "the rules set the header {name}, which is not among ownedHeaders: add it there, or take it out of the rules"
    )
}

/// A problem with the place of its document, and its line, in the whole configuration.
fn place(problem: &Problem, config: &FilterConfig<'_>, text: &[u8]) -> String {
    let Some((list, place, raw)) = config.documents().nth(problem.source) else { return problem.to_string() };
    // The documents are borrowed from the text, so the distance of the two is where the document begins.
    let begin = raw.get().as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let before = text.get(..begin.saturating_add(problem.span.start)).unwrap_or(text);
    let line = before.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1);
    format!("{list}[{place}] (line {line} of the configuration): {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#""ruleSets": [{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "a"},
        "spec": {"scope": {"hosts": ["shop"]}, "variants": ["stable", "canary"], "default": "stable",
                 "rules": [{"id": "all", "variant": "canary", "when": {"path": {"prefix": "/"}}}]}}]"#;

    /// The outcome for the rules above: the label of what is loaded, or why nothing is.
    fn embedded(owned: &str, limits: &str) -> Result<String, Vec<String>> {
        let text = format!(r#"{{{RULES}, "ownedHeaders": ["{owned}"], "limits": {limits}}}"#);
        let config = FilterConfig::read(text.as_bytes()).unwrap();
        let owned = Owned::new(config.owned_headers.clone());
        let loaded = Loaded::embedded(&config, text.as_bytes(), &owned)?;
        Ok(loaded.map(|loaded| loaded.label).unwrap_or_default())
    }

    #[test]
    fn a_configuration_whose_rules_exceed_its_own_limits_is_refused() {
        assert_eq!(embedded("x-gray-variant", "{}"), Ok("embedded".to_owned()));
        let limits = r#"{"variants": ["stable", "canary"], "shares": {"canary": 100}}"#;
        assert_eq!(embedded("x-gray-variant", limits), Ok("embedded".to_owned()));
        let refused = embedded("x-gray-variant", r#"{"shares": {"canary": 5}}"#).unwrap_err();
        let expected = "rule set a, variant canary: found a share of up to 100 %, expected at most 5 % (limits.shares)";
        assert_eq!(refused, [expected]);
    }

    #[test]
    fn embedded_rules_may_ask_for_embedded_audiences() {
        let rules = RULES.replace(r#"{"path": {"prefix": "/"}}"#, r#"{"audience": "beta"}"#);
        let rules = rules.replace(r#""variants""#, r#""identity": {"from": [{"header": "x-user"}]}, "variants""#);
        let audience = r#"{"apiVersion": "graylane.dev/v1", "kind": "Audience", "metadata": {"name": "beta"},
            "spec": {"identities": ["alice"]}}"#;
        let loaded = |audiences: &str| {
            let text = format!("{{{rules}, \"audiences\": [{audiences}]}}");
            let config = FilterConfig::read(text.as_bytes()).unwrap();
            Loaded::embedded(&config, text.as_bytes(), &Owned::new(config.owned_headers.clone()))
                .map(|loaded| loaded.is_some())
        };
        assert_eq!(loaded(audience), Ok(true));
        let refused = loaded("").unwrap_err();
        assert!(
            refused[0].contains("expected the name of an audience among the documents: there are none"),
            "{refused:?}"
        );
    }

    #[test]
    fn headers_of_others_come_before_limits() {
        let refused = embedded("x-other", r#"{"shares": {"canary": 5}}"#).unwrap_err();
        assert_eq!(refused, [not_owned("x-gray-variant")]);
    }

    #[test]
    fn a_problem_is_placed_in_the_whole_configuration() {
        let text = b"{\n \"ruleSets\": [{},\n  {\"a\":\n 1}],\n \"locks\": [\n{}],\n\n\"audiences\":[{}]}";
        let config = FilterConfig::read(text).unwrap();
        let problem = |source, span| Problem {
            source,
            severity: graylane_rules::Severity::Error,
            code: "code",
            path: "spec".into(),
            span,
            found: "1".into(),
            expected: "2".into(),
        };
        let cases = [
            (problem(0, 0..1), "ruleSets[0] (line 2 of the configuration): spec: found 1, expected 2"),
            (problem(1, 7..8), "ruleSets[1] (line 4 of the configuration): spec: found 1, expected 2"),
            (problem(2, 0..1), "locks[0] (line 6 of the configuration): spec: found 1, expected 2"),
            (problem(3, 0..1), "audiences[0] (line 8 of the configuration): spec: found 1, expected 2"),
        ];
        for (problem, expected) in cases {
            assert_eq!(place(&problem, &config, text), expected);
        }
    }
}
