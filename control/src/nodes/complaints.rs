//! What the workers of an Envoy say against a revision: they refuse it, or cannot use it everywhere.

use std::{collections::BTreeMap, fmt};

use graylane_rules::Revision;

use super::report::Worker;
use crate::finding::{Finding, one_line};

/// The most characters of a worker's words that are passed on.
const WORDS: usize = 400;

/// The most complaints of one report that are logged: who reports is not known, and must not fill the disk.
const LOGGED: usize = 4;

/// One thing that is said, and who says it.
#[derive(Clone, Debug)]
pub struct Complaint {
    refused: Option<Revision>,
    why: String,
    /// The first of them.
    worker: String,
    count: usize,
    of: usize,
}

impl Complaint {
    /// All that `workers`, those of one Envoy, say, each thing once.
    pub fn all<'w>(workers: impl ExactSizeIterator<Item = &'w Worker>) -> Vec<Self> {
        let of = workers.len();
        let mut who = BTreeMap::<(Option<Revision>, &str), (&str, usize)>::new();
        for worker in workers.filter(|worker| worker.refuses()) {
            let why = worker.error.as_deref().unwrap_or("no reason given");
            let (_, count) = who.entry((worker.refused, why)).or_insert((&worker.id, 0));
            *count = count.saturating_add(1);
        }
        let complaint = |((refused, why), (worker, count)): ((_, &str), (&str, _))| Self {
            refused,
            why: bounded(why),
            worker: worker.to_owned(),
            count,
            of,
        };
        who.into_iter().map(complaint).collect()
    }

    /// Whether the same is said, by whichever workers.
    fn repeats(&self, other: &Self) -> bool {
        (self.refused, &self.why) == (other.refused, &other.why)
    }

    /// The complaint as a problem of the namespace, which stands with the Envoy `node`.
    pub fn finding(&self, node: &str) -> Finding {
        let whose = match self.refused {
            Some(revision) => format!(" (revision {revision} refused by {} of {} workers)", self.count, self.of),
            None => format!(" (told by {} of {} workers)", self.count, self.of),
        };
        told(node, "refused", &self.why, &whose, "a revision that every worker uses")
    }
}

/// The problem that the Envoy `node` tells in its own words, which may be `found …, expected …`; what would be right is
/// `otherwise` where they do not say so. `whose` follows what was found.
pub fn told(node: &str, code: &'static str, why: &str, whose: &str, otherwise: &str) -> Finding {
    let why = bounded(why);
    let (found, expected) = match why.strip_prefix("found ").and_then(|why| why.split_once(", expected ")) {
        Some(both) => both,
        None => (why.as_str(), otherwise),
    };
    Finding::about(node, code, format!("{found}{whose}"), expected)
}

/// At most the first 400 characters of `words`.
pub fn bounded(words: &str) -> String {
    match words.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words.to_owned(),
    }
}

/// `worker 0b and 2 more refused revision 7.2: WHY`, always one line.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", bounded(&self.worker))?;
        match self.count.saturating_sub(1) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        match self.refused {
            Some(revision) => write!(f, " refused revision {revision}")?,
            None => f.write_str(" cannot use its revision everywhere")?,
        }
        write!(f, ": {}", one_line(&self.why))
    }
}

/// How an Envoy's complaints changed with its latest report.
#[derive(Debug)]
pub struct Change {
    node: String,
    new: Vec<Complaint>,
    resolved: bool,
}

impl Change {
    /// The difference between what `node` said `before` and what it says `now`.
    pub fn of(node: &str, before: &[Complaint], now: Vec<Complaint>) -> Self {
        let resolved = now.is_empty() && !before.is_empty();
        let new = now.into_iter().filter(|complaint| !before.iter().any(|known| known.repeats(complaint)));
        Self { node: node.to_owned(), new: new.collect(), resolved }
    }

    /// Logs it: a warning for each new complaint, a note when none is left.
    pub fn log(&self) {
        for complaint in self.new.iter().take(LOGGED) {
            tracing::warn!("node {:?}: {complaint}", self.node);
        }
        if let more @ 1.. = self.new.len().saturating_sub(LOGGED) {
            tracing::warn!("node {:?}: {more} more complaints, see /v1/namespaces/…/status", self.node);
        }
        if self.resolved {
            tracing::info!("node {:?}: no worker refuses anything any more", self.node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(id: &str, refused: Option<&str>, error: Option<&str>) -> Worker {
        Worker {
            id: id.to_owned(),
            revision: None,
            formats: Vec::new(),
            error: error.map(str::to_owned),
            refused: refused.map(|revision| revision.parse().unwrap()),
            role: None,
        }
    }

    #[test]
    fn each_thing_is_said_once_bounded_and_escaped() {
        let long = "é".repeat(4_000);
        let workers = [
            worker("0a", Some("7.2"), Some("found format 2, expected format 1")),
            worker("0b", Some("7.2"), Some("found format 2, expected format 1")),
            worker("0c", None, Some("no\n\u{1b}[2J")),
            worker("0d", None, None),
            worker("0e", Some("7.3"), Some(&long)),
            worker("0f", Some("7.4"), None),
        ];
        let complaints = Complaint::all(workers.iter());
        let lines: Vec<_> = complaints.iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "worker 0c cannot use its revision everywhere: no\\n\\u{1b}[2J");
        assert_eq!(lines[1], "worker 0a and 1 more refused revision 7.2: found format 2, expected format 1");
        assert_eq!(lines[2], format!("worker 0e refused revision 7.3: {}…", "é".repeat(WORDS)));
        assert_eq!(lines[3], "worker 0f refused revision 7.4: no reason given");
        let finding = complaints[1].finding("envoy-1");
        assert_eq!(finding.found, "format 2 (revision 7.2 refused by 2 of 6 workers)");
        assert_eq!((&*finding.code, finding.expected.as_str()), ("refused", "format 1"));
        assert_eq!(complaints[0].finding("e").expected, "a revision that every worker uses");
    }

    #[test]
    fn a_change_is_what_was_not_said_before() {
        let refusing = |ids: &[&str], revision| {
            Complaint::all(ids.iter().map(|id| worker(id, Some(revision), Some("no"))).collect::<Vec<_>>().iter())
        };
        let outcome = |before: &[Complaint], now| {
            let change = Change::of("e", before, now);
            (change.new.len(), change.resolved)
        };
        let first = refusing(&["0a"], "7.2");
        assert_eq!(outcome(&[], first.clone()), (1, false));
        assert_eq!(outcome(&first, refusing(&["0a", "0b"], "7.2")), (0, false));
        assert_eq!(outcome(&first, refusing(&["0a"], "7.3")), (1, false));
        assert_eq!(outcome(&first, Vec::new()), (0, true));
        assert_eq!(outcome(&[], Vec::new()), (0, false));
    }
}
