//! The gates of documents, which are their switches, beside an allow-list: which pass, and which are refused.

use std::{borrow::Cow, path::Path};

use graylane_rules::{AllowList, Outline, Problem, Risk, Severity, Verdict, nearest, outline::SwitchOutline};

use crate::{
    documents::{Document, Gathered},
    finding::{Finding, Gate, Lines},
};

/// An allow-list, and the file that it stands in.
#[derive(Debug)]
pub struct Listed {
    list: AllowList,
    file: String,
    /// A bound from outside besides the list's own.
    max_risk: Option<Risk>,
}

/// A file that is no allow-list.
#[derive(Debug, Default)]
pub struct Unlisted {
    /// Why.
    pub findings: Vec<Finding>,
    /// The file, where it could be read.
    pub document: Option<Document>,
}

/// What became of the gates.
#[derive(Debug, Default)]
pub struct Judged {
    /// An error for each that is refused, a warning for each that is audited.
    pub findings: Vec<Finding>,
    /// How many there are.
    gates: usize,
}

impl Listed {
    /// Reads the allow-list in the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, and every problem of what stands in it.
    pub fn read(path: &Path, max_risk: Option<Risk>) -> Result<Self, Unlisted> {
        let file = path.display().to_string();
        if path.is_dir() {
            let expected = "the file of one AllowList document";
            let findings = vec![Finding::about(&file, "unreadable", "a directory", expected)];
            return Err(Unlisted { findings, document: None });
        }
        let mut gathered = Gathered::of(&[path.to_owned()]);
        let Some(document) = gathered.documents.drain(..).next() else {
            return Err(Unlisted { findings: gathered.unreadable, document: None });
        };
        match AllowList::read(&document.source()) {
            Ok(list) => Ok(Self { list, file, max_risk }),
            Err(problems) => {
                let lines = Lines::of(&document.text);
                let place = |problem| Finding::of(problem, &document.file, &lines);
                Err(Unlisted { findings: problems.into_iter().map(place).collect(), document: Some(document) })
            }
        }
    }

    /// Judges every gate of `documents`, each at its place.
    pub fn judge(&self, documents: &[Document]) -> Judged {
        let sources: Vec<_> = documents.iter().map(Document::source).collect();
        let mut judged = Judged::default();
        // Whoever compiled them has told the errors; here no gate may pass unseen because of one.
        let Ok(outline) = Outline::read(&sources) else {
            let finding = Finding::about(&self.file, "not-judged", "documents with errors", "sound ones to judge");
            judged.findings.push(finding);
            return judged;
        };
        for rule_set in &outline.rule_sets {
            let Some(document) = documents.get(rule_set.source) else { continue };
            for switch in &rule_set.switches {
                judged.gates = judged.gates.saturating_add(1);
                judged.findings.extend(self.finding(document, &rule_set.name, switch));
            }
        }
        judged
    }

    fn finding(&self, document: &Document, rule_set: &str, switch: &SwitchOutline) -> Option<Finding> {
        let name = switch.name.as_str();
        let verdict = self.list.verdict(name, self.max_risk);
        let (severity, code, what, expected) = self.told(name, verdict)?;
        let problem = Problem {
            source: 0,
            severity,
            code,
            path: format!("spec.switches.{name}"),
            span: switch.span.clone(),
            found: format!("the gate {name}{what}"),
            expected,
        };
        let mut finding = Finding::of(problem, &document.file, &Lines::of(&document.text));
        let listed = self.list.gates.get(name);
        finding.gate = Some(Gate {
            rule_set: rule_set.to_owned(),
            name: name.to_owned(),
            mode: Cow::Borrowed(listed.map_or(self.list.default, |gate| gate.mode).name()),
            risk: listed.map(|gate| Cow::Borrowed(gate.risk.name())),
        });
        Some(finding)
    }

    /// Severity, code, what is said of the gate, and what would be right; None where there is nothing to say.
    fn told(&self, name: &str, verdict: Verdict<'_>) -> Option<(Severity, &'static str, String, String)> {
        let file = &self.file;
        let because = |reason: &Option<String>| reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let lower = |bound: Risk, what: String| {
            let expected = format!("one of at most {} risk, as {file} or --max-risk bounds it", bound.name());
            (Severity::Error, "gate-risk", what, expected)
        };
        Some(match verdict {
            Verdict::Allowed => return None,
            Verdict::Audited(Some(gate)) => {
                let what = format!(", of {} risk, to be audited{}", gate.risk.name(), because(&gate.reason));
                (Severity::Warning, "gate-audited", what, format!("{name} allowed by {file} once that was done"))
            }
            Verdict::Audited(None) => {
                let what = format!(", of unknown risk, which {file} does not list");
                (Severity::Warning, "gate-audited", what, format!("{name} listed there"))
            }
            Verdict::Denied(gate) => {
                let what = format!(", of {} risk, which {file} denies{}", gate.risk.name(), because(&gate.reason));
                (Severity::Error, "gate-denied", what, "no such switch, or another mode there".to_owned())
            }
            Verdict::Unlisted => {
                let meant = nearest(name, self.list.gates.keys().map(String::as_str));
                let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
                let what = format!(", which {file} does not list");
                (Severity::Error, "gate-unlisted", what, format!("a gate that is listed there{meant}"))
            }
            Verdict::TooRisky(gate, bound) => lower(bound, format!(", of {} risk", gate.risk.name())),
            Verdict::RiskUnknown(bound) => lower(bound, format!(", of unknown risk: {file} does not list it")),
        })
    }
}

impl Unlisted {
    /// Whether nothing could be read at all.
    pub fn is_unreadable(&self) -> bool {
        self.document.is_none() && !self.findings.is_empty()
    }
}

impl Judged {
    /// `; 3 gates: 1 allowed, 1 audited, 1 refused`.
    pub fn summary(&self) -> String {
        let told = self.findings.iter().filter(|finding| finding.gate.is_some());
        let refused = told.clone().filter(|finding| finding.is_error()).count();
        let audited = told.count().saturating_sub(refused);
        let allowed = self.gates.saturating_sub(refused).saturating_sub(audited);
        let gates = if self.gates == 1 { "1 gate".to_owned() } else { format!("{} gates", self.gates) };
        format!("; {gates}: {allowed} allowed, {audited} audited, {refused} refused")
    }
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Source};

    use super::*;

    const LIST: &str = "apiVersion: graylane.dev/v1\nkind: AllowList\nmetadata: {name: prod}\nspec:\n  gates:\n\
                        \x20   login: {mode: allow, risk: low}\n    limit: {mode: audit, risk: medium, reason: new}\n\
                        \x20   trace: {mode: deny, risk: high, reason: personal data}\n";

    fn listed(text: &str, max_risk: Option<Risk>) -> Listed {
        let list = AllowList::read(&Source { format: Format::Yaml, text: text.as_bytes() }).unwrap();
        Listed { list, file: "allow.yaml".to_owned(), max_risk }
    }

    fn rule_set(file: &str, name: &str, switches: &[&str]) -> Document {
        let switches: Vec<_> = switches.iter().map(|name| format!("    {name}: {{type: int, default: 1}}\n")).collect();
        let text = format!(
            "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: {name}}}\nspec:\n  variants: [a]\n  default: a\n  \
             switches:\n{}",
            switches.concat()
        );
        Document { file: file.to_owned(), format: Format::Yaml, text: text.into_bytes() }
    }

    fn said(judged: &Judged) -> Vec<String> {
        judged.findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_gate_of_every_document_is_judged_at_its_place() {
        let documents =
            [rule_set("b.yaml", "b", &["login", "limit"]), rule_set("a.yaml", "a", &["trace", "limt", "login"])];
        let judged = listed(LIST, None).judge(&documents);
        assert_eq!(
            said(&judged),
            [
                "a.yaml:9:5 gate-unlisted spec.switches.limt: found the gate limt, which allow.yaml does not list, expected a \
                 gate that is listed there; did you mean limit?",
                "a.yaml:8:5 gate-denied spec.switches.trace: found the gate trace, of high risk, which allow.yaml denies \
                 (personal data), expected no such switch, or another mode there",
                "b.yaml:9:5 warning gate-audited spec.switches.limit: found the gate limit, of medium risk, to be audited \
                 (new), better limit allowed by allow.yaml once that was done",
            ]
        );
        assert_eq!(judged.summary(), "; 5 gates: 2 allowed, 1 audited, 2 refused");
        let gate = judged.findings[1].gate.as_ref().unwrap();
        let told = (gate.rule_set.as_str(), gate.name.as_str(), &*gate.mode, gate.risk.as_deref());
        assert_eq!(told, ("a", "trace", "deny", Some("high")));
    }

    #[test]
    fn only_errors_refuse() {
        let judged = listed(LIST, None).judge(&[rule_set("a.yaml", "a", &["limit"])]);
        assert!(judged.findings.iter().all(|finding| !finding.is_error()));
        assert_eq!(judged.summary(), "; 1 gate: 0 allowed, 1 audited, 0 refused");
        let none = listed(LIST, None).judge(&[rule_set("a.yaml", "a", &[])]);
        assert_eq!(none.summary(), "; 0 gates: 0 allowed, 0 audited, 0 refused");
    }

    #[test]
    fn what_cannot_be_read_passes_nothing() {
        let broken = Document { text: b"kind: RuleSet".to_vec(), ..rule_set("a.yaml", "a", &[]) };
        let judged = listed(LIST, None).judge(&[broken]);
        assert_eq!(said(&judged), ["allow.yaml not-judged: found documents with errors, expected sound ones to judge"]);
        assert!(judged.findings.iter().all(|finding| finding.is_error() && finding.gate.is_none()));
    }

    #[test]
    fn a_bound_refuses_what_is_above_it_or_unknown() {
        let documents = [rule_set("a.yaml", "a", &["limit", "login", "other"])];
        let judged = listed(&format!("{LIST}  default: audit\n"), None).judge(&documents);
        assert_eq!(judged.summary(), "; 3 gates: 1 allowed, 2 audited, 0 refused");
        let unknown = "a.yaml:10:5 warning gate-audited spec.switches.other: found the gate other, of unknown risk, which \
                       allow.yaml does not list, better other listed there";
        assert_eq!(said(&judged)[1], unknown);
        let judged = listed(&format!("{LIST}  default: audit\n"), Some(Risk::Low)).judge(&documents);
        let bound = "expected one of at most low risk, as allow.yaml or --max-risk bounds it";
        assert_eq!(
            said(&judged),
            [
                format!("a.yaml:8:5 gate-risk spec.switches.limit: found the gate limit, of medium risk, {bound}"),
                format!(
                    "a.yaml:10:5 gate-risk spec.switches.other: found the gate other, of unknown risk: allow.yaml does not \
                     list it, {bound}"
                ),
            ]
        );
        assert_eq!(judged.findings[1].gate.as_ref().unwrap().risk, None);
    }
}
