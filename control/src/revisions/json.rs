//! How proposals, and what came of them, are written in JSON: what the API takes and answers, and commands show.

use std::time::Duration;

use graylane_rules::Revision;
use graylane_store::Overlay;
use serde::{Deserialize, Serialize};

use super::{Difference, Made, Outcome, Proposal, Refusal, Revisions, Sample, Wish};
use crate::{documents::Document, finding::Finding, json::objects, movement::Movement, nodes::Acks};

/// The most identities that may be named.
const IDENTITIES_LIMIT: usize = 1_000_000;

/// The longest that somebody may wait for acks.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// What they ask for where nobody says.
const ANY_URL: &str = "http://localhost/";

/// A revision that is asked for. Which fields mean something depends on what is asked for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Asked {
    /// The documents to publish.
    #[serde(deserialize_with = "objects", skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Text>,
    /// Only this rule set is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<String>,
    /// Overrides of switches to publish with; none: as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switches: Option<String>,
    /// The revision to go back to: `EPOCH.NUMBER`, or a number of the epoch of the head; none: the last
    /// one before the head that holds something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Who asks, where the API does not know better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Why.
    pub reason: String,
    /// Where documents came from.
    pub source: String,
    /// The head that whoever asks has seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Only tell what it would do.
    pub dry_run: bool,
    /// Tell which of these identities would move; with `dryRun` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// What these ask for; none: http://localhost/.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Answer when every known worker runs it, or after so many milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_millis: Option<u64>,
    /// The promise, where that is shorter than the wait: the last ack is late after so many milliseconds. The metrics count
    /// it as broken then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise_millis: Option<u64>,
}

/// A document as it stands in a file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The name of the file; it ends in .yaml, .yml or .json.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

impl Text {
    /// A document that compiled, and so is UTF-8.
    pub fn of(document: &Document) -> Self {
        Self { file: document.file.clone(), text: String::from_utf8_lossy(&document.text).into_owned() }
    }
}

/// What a revision decides by: its documents, and what stands above them.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Texts {
    /// The revision.
    pub revision: String,
    /// What stands above its documents.
    pub overlay: Overlay,
    /// Its documents.
    pub documents: Vec<Text>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Documents are to be published.
    Publish,
    /// Those of an earlier revision are.
    Rollback,
    /// Rule sets are to be switched off.
    Off,
    /// And on again.
    On,
    /// Changes are to be refused.
    Freeze,
    /// And taken again.
    Unfreeze,
}

/// What came of a proposal.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What came of it.
    pub outcome: Came,
    /// The revision that was made, or which stays; None where there is none yet.
    pub revision: Option<String>,
    /// The revision it follows.
    pub follows: Option<String>,
    /// How it differs from that.
    pub difference: Difference,
    /// The files of the locks that were made.
    pub locks: Vec<String>,
    /// What whoever asked should know.
    pub notes: Vec<String>,
    /// What is odd about the documents.
    pub warnings: Vec<Finding>,
    /// Which of the identities move that were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
    /// Who runs it, where that was waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acks: Option<Acks>,
}

/// What came of a proposal, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Came {
    /// It is a revision.
    Made,
    /// It would be one.
    Planned,
    /// It is what stands.
    Unchanged,
}

impl Verb {
    /// Its word: `publish`, `rollback` and so on.
    pub fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Rollback => "rollback",
            Self::Off => "off",
            Self::On => "on",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
        }
    }
}

impl Asked {
    /// The proposal that it is; `head` is what its numbers are of.
    ///
    /// # Errors
    /// Which field is wrong, what was found and what would be right.
    fn proposal(self, verb: Verb, actor: String, head: Option<Revision>) -> Result<Proposal, String> {
        self.refuse_strangers(verb)?;
        if let Some(wait) = self.wait_millis.filter(|wait| Duration::from_millis(*wait) > LONGEST_WAIT) {
            return Err(format!("waitMillis: found {wait}, expected at most {}", LONGEST_WAIT.as_millis()));
        }
        let number = |field: &str, text: &Option<String>| {
            text.as_deref().map(|text| revision(text, head).map_err(|why| format!("{field}: {why}"))).transpose()
        };
        let (to, expect) = (number("to", &self.to)?, number("expect", &self.expect)?);
        let rule_set = self.rule_set;
        let wish = match verb {
            Verb::Publish => {
                let documents = self.documents.into_iter().map(document).collect::<Result<Vec<_>, _>>()?;
                if documents.is_empty() {
                    return Err("documents: found none, expected at least one".to_owned());
                }
                Wish::Publish { documents, rule_set, switches: self.switches }
            }
            Verb::Rollback => Wish::Rollback { to, rule_set },
            Verb::Off => Wish::Off(rule_set),
            Verb::On => Wish::On(rule_set),
            Verb::Freeze => Wish::Freeze(rule_set),
            Verb::Unfreeze => Wish::Unfreeze(rule_set),
        };
        let sample = sample(self.identities, self.url, self.dry_run)?;
        Ok(Proposal { wish, actor, reason: self.reason, source: self.source, expect, dry_run: self.dry_run, sample })
    }

    /// Whether one of its revisions is a number of the epoch of the head.
    fn counts_from_head(&self) -> bool {
        [&self.to, &self.expect].into_iter().flatten().any(|text| !text.contains('.'))
    }

    /// What is passed over in silence would be believed to be done.
    fn refuse_strangers(&self, verb: Verb) -> Result<(), String> {
        let strange = [
            ("documents", !self.documents.is_empty(), Verb::Publish),
            ("switches", self.switches.is_some(), Verb::Publish),
            ("to", self.to.is_some(), Verb::Rollback),
        ];
        match strange.iter().find(|(_, is_given, of)| *is_given && *of != verb) {
            Some((field, _, of)) => {
                Err(format!("{field}: found it here, expected it with {of:?} alone").to_lowercase())
            }
            None => Ok(()),
        }
    }
}

impl Revisions {
    /// The proposal that is asked for. The store is asked for the head only where a number is of its epoch.
    ///
    /// # Errors
    /// Which field is wrong, what was found and what would be right; or that the store does not answer.
    pub async fn proposal(&self, asked: Asked, verb: Verb, actor: String) -> Result<Proposal, Refusal> {
        let head = if asked.counts_from_head() { self.head().await? } else { None };
        asked.proposal(verb, actor, head).map_err(Refusal::Unfit)
    }
}

/// `7`, a number of the epoch of `head`, or `1732450000.7`.
///
/// # Errors
/// What was found and what would be right.
pub fn revision(text: &str, head: Option<Revision>) -> Result<Revision, String> {
    let wrong = || format!("found {text:?}, expected a revision, such as 1732450000.7, or a number, such as 7");
    if text.contains('.') {
        return text.parse().map_err(|_| wrong());
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten().ok_or_else(wrong)?;
    let head = head.ok_or_else(|| format!("found {text}, expected a revision: nothing is published yet"))?;
    Ok(Revision { epoch: head.epoch, number })
}

fn sample(identities: Vec<String>, url: Option<String>, dry_run: bool) -> Result<Option<Sample>, String> {
    let count = identities.len();
    match count {
        0 => Ok(None),
        _ if !dry_run => Err("identities: found them here, expected them with dryRun alone".to_owned()),
        1..=IDENTITIES_LIMIT => Ok(Some(Sample { identities, url: url.unwrap_or_else(|| ANY_URL.to_owned()) })),
        _ => Err(format!("identities: found {count}, expected at most {IDENTITIES_LIMIT}")),
    }
}

fn document(text: Text) -> Result<Document, String> {
    Document::named(text.file, text.text.into_bytes()).map_err(|why| format!("documents: {why}"))
}

impl Answer {
    /// What `made` came to.
    pub fn of(made: &Made) -> Self {
        let text = |revision: Option<Revision>| revision.map(|revision| revision.to_string());
        let (outcome, revision, follows) = match &made.outcome {
            Outcome::Made(running) => (Came::Made, Some(running.head.revision), made.base),
            Outcome::Planned => (Came::Planned, None, made.base),
            Outcome::Unchanged => (Came::Unchanged, made.base, None),
        };
        Self {
            outcome,
            revision: text(revision),
            follows: text(follows),
            difference: made.difference.clone(),
            locks: made.locks.clone(),
            notes: made.notes.clone(),
            warnings: made.warnings.clone(),
            movement: made.movement.clone(),
            acks: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_of_the_epoch_of_the_head() {
        let head = Some(Revision { epoch: 7, number: 20 });
        assert_eq!(revision("3", head), Ok(Revision { epoch: 7, number: 3 }));
        assert_eq!(revision("6.3", head), Ok(Revision { epoch: 6, number: 3 }));
        assert!(revision("3", None).unwrap_err().contains("nothing is published yet"));
        for wrong in ["", "+3", "-1", "x", "1.2.3", "99999999999999999999"] {
            assert!(revision(wrong, head).unwrap_err().starts_with("found "), "{wrong}");
        }
    }

    #[test]
    fn what_does_not_belong_is_refused() {
        let asked = |text: &str| serde_json::from_str::<Asked>(text).unwrap();
        let refused = |text: &str, verb| asked(text).proposal(verb, "ann".to_owned(), None).unwrap_err();
        assert_eq!(refused(r#"{"to": "7.1"}"#, Verb::Publish), "to: found it here, expected it with rollback alone");
        assert_eq!(refused("{}", Verb::Publish), "documents: found none, expected at least one");
        for file in ["../a.yaml", "/a.yaml", ".a.yaml", "", "a.txt", "a\n.yaml"] {
            let body = serde_json::json!({"documents": [{"file": file, "text": ""}]}).to_string();
            assert!(refused(&body, Verb::Publish).starts_with("documents: found the file name"), "{file:?}");
        }
        assert!(serde_json::from_str::<Asked>(r#"{"ruleset": "shop"}"#).is_err(), "a field that is misspelt");
    }
}
