//! The directory of rule sets that is served: looked at, compiled, published.

mod mark;

use std::{path::PathBuf, sync::Arc, time::Duration};

use graylane_rules::Snapshot;

use crate::{
    documents::{self, Gathered},
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
    owned: Vec<String>,
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
/// Whatever does not compile, or sets a header that `owned` does not name (empty: any), publishes nothing: what was
/// published stays, and the namespace says why.
pub async fn follow(directory: PathBuf, owned: Vec<String>, namespace: Arc<Namespace>) {
    let mut watch = Watch::on(&directory);
    let mut directory = Directory { path: directory, owned, seen: None };
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
        watch.settled().await;
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
            let gathered = Gathered::directory(&self.path);
            let after = mark::Mark::of(&self.path);
            if after == before {
                self.seen = Some(after);
                return Some(self.reading(&gathered));
            }
            before = after;
        }
        // It does not come to rest; take it as it is and look again at the next occasion.
        self.seen = None;
        Some(self.reading(&Gathered::directory(&self.path)))
    }

    fn reading(&self, gathered: &Gathered) -> Reading {
        match documents::compiled(gathered, &self.owned) {
            Ok(compiled) => Reading::Usable(compiled.snapshot, compiled.warnings),
            Err(findings) => Reading::Broken(findings),
        }
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
