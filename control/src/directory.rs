//! The directory of rule sets that is served: looked at, compiled, published.

mod mark;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use graylane_rules::Snapshot;
use tokio::task::JoinError;

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
        // The time to effect begins with the event; where none came, with the look that finds the change.
        let noticed = watch.noticed();
        let (told_now, accepted) = (told || noticed.is_some(), noticed.unwrap_or_else(Instant::now));
        let Ok((back, reading)) = looked(directory, told_now).await else {
            tracing::error!("reading the directory ended unexpectedly: nothing will be published any more");
            return;
        };
        directory = back;
        if let Some(reading) = reading {
            apply(reading, accepted, &namespace);
        }
        told = tokio::select! {
            () = watch.changed() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
        watch.settled().await;
    }
}

/// Looks on another thread: reading and compiling take milliseconds, and this one answers requests.
async fn looked(mut directory: Directory, told: bool) -> Result<(Directory, Option<Reading>), JoinError> {
    let look = move || {
        let reading = directory.look(told);
        (directory, reading)
    };
    tokio::task::spawn_blocking(look).await
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

fn apply(reading: Reading, accepted: Instant, namespace: &Namespace) {
    match reading {
        Reading::Usable(snapshot, warnings) => {
            let before = namespace.replace_problems(warnings);
            let was_broken = before.iter().any(Finding::is_error);
            if let Some(published) = namespace.publish(snapshot, accepted) {
                let (revision, bytes, names) = (published.revision, published.size(), published.rule_sets.join(", "));
                tracing::info!("revision {revision} published: {bytes} bytes, rule sets: {names}");
            } else if was_broken {
                tracing::info!("the rules are sound again and unchanged, revision {} stays", in_use(namespace));
            }
        }
        Reading::Broken(findings) => {
            let (line, documents) = (summary(&findings), refused(&findings));
            if namespace.replace_problems(findings) != namespace.document_problems() {
                namespace.metrics.count_refused(documents);
                tracing::warn!("the rules are broken, revision {} stays: {line}", in_use(namespace));
            }
        }
    }
}

fn in_use(namespace: &Namespace) -> String {
    namespace.published().map_or_else(|| "none".to_owned(), |published| published.revision.to_string())
}

/// How many files have errors; those that cannot be read are among them.
fn refused(findings: &[Finding]) -> usize {
    let files: BTreeSet<_> =
        findings.iter().filter(|finding| finding.is_error()).map(|finding| &finding.file).collect();
    files.len()
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
