//! The directory of rule sets that is served: looked at, compiled, published.

mod mark;

use std::{path::PathBuf, sync::Arc, time::Duration};

use graylane_rules::Snapshot;

use crate::{
    documents::{self, Document, Unreadable},
    finding::Finding,
    namespace::Namespace,
    watch::Watch,
};

/// How often the directory is looked at without being told of a change.
const LOOK: Duration = Duration::from_secs(1);

/// So often a directory is read again that changes while it is read.
const ATTEMPTS: u32 = 3;

/// A directory, and what it looked like when it was last read.
struct Directory {
    path: PathBuf,
    seen: Option<mark::Mark>,
}

/// What reading the directory came to.
enum Reading {
    /// A snapshot, and what is odd about the documents.
    Usable(Snapshot, Vec<Finding>),
    /// Why there is none.
    Broken(Vec<Finding>),
}

/// Publishes what stands in `directory`, now and after every change, for ever.
///
/// Whatever does not compile publishes nothing: what was published stays, and the namespace says why.
pub async fn follow(directory: PathBuf, namespace: Arc<Namespace>) {
    let mut watch = Watch::on(&directory);
    let mut directory = Directory { path: directory, seen: None };
    let mut told = true;
    loop {
        watch.renew();
        // Reading and compiling take milliseconds: not on a thread that answers requests.
        let look = move || {
            let reading = directory.look(told);
            (directory, reading)
        };
        let Ok((back, reading)) = tokio::task::spawn_blocking(look).await else {
            tracing::error!("reading the directory ended unexpectedly: nothing will be published any more");
            return;
        };
        directory = back;
        if let Some(reading) = reading {
            apply(reading, &namespace);
        }
        told = tokio::select! {
            () = watch.changed() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
    }
}

impl Directory {
    /// Reads the directory if it looks different from last time, or if a change was `told`.
    fn look(&mut self, told: bool) -> Option<Reading> {
        let mut before = mark::Mark::of(&self.path);
        // Two writes within one tick of the file system's clock look the same, hence `told`.
        if !told && self.seen.as_ref() == Some(&before) {
            return None;
        }
        for _ in 1..ATTEMPTS {
            let documents = self.read();
            let after = mark::Mark::of(&self.path);
            if after == before {
                self.seen = Some(after);
                return Some(reading(documents));
            }
            before = after;
        }
        // It does not come to rest; take it as it is and look again at the next occasion.
        self.seen = None;
        Some(reading(self.read()))
    }

    fn read(&self) -> Result<Vec<Document>, Vec<Finding>> {
        let expected = "a directory of *.yaml, *.yml or *.json documents that can be read";
        let unreadable = |Unreadable { path, why }: Unreadable| {
            vec![Finding::about(&path.display().to_string(), "unreadable", why.to_string(), expected)]
        };
        let files = documents::in_directory(&self.path).map_err(unreadable)?;
        if files.is_empty() {
            // Emptied by mistake or half way through a copy is likelier than meant.
            let expected = "at least one *.yaml, *.yml or *.json in it";
            return Err(vec![Finding::about(
                &self.path.display().to_string(),
                "no-documents",
                "no document",
                expected,
            )]);
        }
        documents::read_all(&files).map_err(unreadable)
    }
}

fn reading(documents: Result<Vec<Document>, Vec<Finding>>) -> Reading {
    let compiled = documents.and_then(|documents| documents::compiled(&documents));
    match compiled {
        Ok(compiled) => match Snapshot::load(compiled.snapshot) {
            Ok(snapshot) => Reading::Usable(snapshot, compiled.warnings),
            Err(why) => {
                Reading::Broken(vec![Finding::about("snapshot", "unusable", why.to_string(), "a snapshot that loads")])
            }
        },
        Err(findings) => Reading::Broken(findings),
    }
}

fn apply(reading: Reading, namespace: &Namespace) {
    match reading {
        Reading::Usable(snapshot, warnings) => {
            let before = namespace.replace_problems(warnings);
            let was_broken = before.iter().any(Finding::is_error);
            if let Some(published) = namespace.publish(&snapshot) {
                let (revision, bytes, names) =
                    (published.revision, snapshot.bytes().len(), published.rule_sets.join(", "));
                tracing::info!("revision {revision} published: {bytes} bytes, rule sets: {names}");
            } else if was_broken {
                tracing::info!("the rules are sound again and unchanged, revision {} stays", in_use(namespace));
            }
        }
        Reading::Broken(findings) => {
            let line = summary(&findings);
            if namespace.replace_problems(findings) != namespace.problems() {
                tracing::warn!("the rules are broken, revision {} stays: {line}", in_use(namespace));
            }
        }
    }
}

fn in_use(namespace: &Namespace) -> String {
    namespace.published().map_or_else(|| "none".to_owned(), |published| published.revision.to_string())
}

/// The first error, and how many more there are.
fn summary(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error());
    let first = errors.clone().next().map(Finding::to_string).unwrap_or_default();
    match errors.count().saturating_sub(1) {
        0 => first,
        more => format!("{first} (and {more} more, see /v1/namespaces/…/status)"),
    }
}
