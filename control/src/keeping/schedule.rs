//! Backups on a schedule: files in a directory, of which the newest are kept.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use graylane_rules::Revision;
use tokio::runtime::Handle;

use super::{AGAIN, BACKUP, Draft, NotKept, Taken, no_store, take_into, unwritten, verified};
use crate::{
    duration,
    finding::Finding,
    namespace::{About, Namespace},
    revisions::Revisions,
};

/// So long after a failure it is tried again, where that is earlier than the next time.
const RETRY: Duration = Duration::from_secs(60);

/// A draft of that age is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

/// What the files end in.
const EXTENSION: &str = ".graylane";

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Backups {
    /// Take backups of the store into this directory, which must be there: files NAMESPACE-EPOCH.NUMBER.graylane, each verified.
    #[arg(long, value_name = "DIR")]
    backup_to: Option<PathBuf>,
    /// How often; where nothing was published since the last one, there is nothing to take.
    #[arg(long, value_name = "DURATION", default_value = "6h", value_parser = every, requires = "backup_to")]
    backup_every: Duration,
    /// So many stay, the newest, at least one.
    #[arg(long, value_name = "COUNT", default_value = "28", requires = "backup_to",
        value_parser = clap::value_parser!(u16).range(1..))]
    backup_keep: u16,
}

fn every(text: &str) -> Result<Duration, String> {
    let found = duration::parse(text).filter(|found| *found >= Duration::from_secs(1));
    found.ok_or_else(|| "expected a duration of a second at least, such as 6h, 30m or 90s".to_owned())
}

/// Where backups go, how often, and how many stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    directory: PathBuf,
    every: Duration,
    keep: usize,
}

impl Backups {
    /// The schedule they are; None where there is to be none.
    ///
    /// # Errors
    /// Where the directory is none.
    pub fn schedule(&self) -> Result<Option<Schedule>, String> {
        let Some(directory) = self.backup_to.clone() else { return Ok(None) };
        if !directory.is_dir() {
            return Err(format!("--backup-to: found no directory {}, expected one", directory.display()));
        }
        Ok(Some(Schedule { directory, every: self.backup_every, keep: usize::from(self.backup_keep) }))
    }
}

/// A backup in the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    /// When it was written: of two stores the earlier one may have the later epoch.
    at: SystemTime,
    revision: Revision,
    path: PathBuf,
}

impl Schedule {
    /// Takes backups for ever.
    pub async fn keep(self, revisions: Arc<Revisions>, namespace: Arc<Namespace>) {
        let mut rest = self.begin(&revisions.namespace, &namespace).await;
        loop {
            tokio::time::sleep(rest).await;
            let (schedule, of) = (self.clone(), Arc::clone(&revisions));
            let handle = Handle::current();
            // Files are written and read meanwhile, which is no work for those who answer.
            let done = tokio::task::spawn_blocking(move || handle.block_on(schedule.once(&of))).await;
            let outcome = done.unwrap_or_else(|why| {
                let found = format!("that taking a backup ended unexpectedly ({why})");
                Err(Box::new(Finding::about(&self.place(), BACKUP, found, AGAIN)))
            });
            rest = self.note(outcome, &namespace);
        }
    }

    /// Removes drafts of those who were ended meanwhile, and says when the last backup was taken; how long to rest: until an
    /// interval after that, whoever took it. One that is not whole does not count.
    async fn begin(&self, of: &str, namespace: &Namespace) -> Duration {
        let (schedule, of) = (self.clone(), of.to_owned());
        let newest = tokio::task::spawn_blocking(move || {
            schedule.forget_drafts();
            let newest = schedule.kept(&of).ok()?.pop()?;
            is_whole(&newest.path).then_some(newest.at)
        });
        let Some(at) = newest.await.ok().flatten() else { return Duration::ZERO };
        let seconds = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        namespace.metrics.backups.began_at(i64::try_from(seconds).unwrap_or(0));
        SystemTime::now().duration_since(at).map_or(Duration::ZERO, |age| self.every.saturating_sub(age))
    }

    fn forget_drafts(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let is_draft = Draft::is_name_of_one(&path);
            let age = fs::metadata(&path).and_then(|found| found.modified()).ok();
            let is_old = age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > ABANDONED);
            if is_draft && is_old {
                // It is in nobody's way, and tried again when serving begins again.
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Tells what came of it; how long to rest.
    fn note(&self, outcome: Result<Option<Taken>, Box<Finding>>, namespace: &Namespace) -> Duration {
        let at = namespace.clock.now().wall.as_second();
        match outcome {
            Ok(taken) => {
                if let Some(Taken { backup, bytes, .. }) = taken {
                    let (first, last, place) = (backup.first, backup.last, self.directory.display());
                    tracing::info!("backup of {first} to {last}, {bytes} bytes, taken into {place}");
                }
                namespace.metrics.backups.succeeded(at);
                namespace.replace_problems(About::Backups, Vec::new());
                self.every
            }
            Err(problem) => {
                tracing::warn!("no backup taken: {problem}");
                namespace.metrics.backups.failed();
                namespace.replace_problems(About::Backups, vec![*problem]);
                self.every.min(RETRY)
            }
        }
    }

    /// Takes a backup, unless the last one is whole and of the same head, and removes those that are too many.
    async fn once(&self, revisions: &Revisions) -> Result<Option<Taken>, Box<Finding>> {
        let (namespace, place) = (&revisions.namespace, self.place());
        let told = |why: io::Error| Box::new(unwritten(&place, &why));
        let kept = self.kept(namespace).map_err(told)?;
        let Some(head) = revisions.head().await.map_err(|why| Box::new(no_store(&place, &why)))? else {
            return Ok(None);
        };
        if kept.last().is_some_and(|last| last.revision == head && is_whole(&last.path)) {
            return Ok(None);
        }
        // Of a history that is being restored it would have a part, and whoever ends serving waits for it.
        let _alone = revisions.chores.lock().await;
        let taken = self.take(revisions).await.map_err(|why| Box::new(why.finding(&place)))?;
        let kept = self.kept(namespace).map_err(told)?;
        let old = kept.len().saturating_sub(self.keep);
        for Kept { path, .. } in kept.iter().take(old) {
            fs::remove_file(path).map_err(|why| Box::new(unwritten(&path.display().to_string(), &why)))?;
        }
        Ok(Some(taken))
    }

    /// The directory, for messages.
    fn place(&self) -> String {
        self.directory.display().to_string()
    }

    async fn take(&self, revisions: &Revisions) -> Result<Taken, NotKept> {
        let namespace = &revisions.namespace;
        let at = revisions.clock.now().wall;
        let label = format!("{namespace} at {}", crate::clock::second(at));
        let (place, name) = (self.directory.join(namespace), self.place());
        let unwritten = |why| NotKept::Unwritten(name.clone(), why);
        let mut draft = Draft::of(&place).map_err(unwritten)?;
        let taken = take_into(&*revisions.store, namespace, &label, at, draft.file(), &name).await?;
        // What it is called is known when it is taken: somebody may have published meanwhile.
        let path = self.directory.join(format!("{namespace}-{}{EXTENSION}", taken.backup.last));
        draft.finish_as(&path).map_err(unwritten)?;
        Ok(taken)
    }

    /// The backups of `namespace` that are there, the one that was written last at the end. Other files are nobody's business here.
    fn kept(&self, namespace: &str) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let Some(revision) = revision_of(&path, namespace) else { continue };
            let found = fs::metadata(&path)?;
            if found.is_file() {
                kept.push(Kept { at: found.modified()?, revision, path });
            }
        }
        kept.sort();
        Ok(kept)
    }
}

fn is_whole(path: &Path) -> bool {
    fs::File::open(path).is_ok_and(|mut file| verified(&mut file).is_ok())
}

/// The revision in a name as [`Schedule::take`] gives it.
fn revision_of(path: &Path, namespace: &str) -> Option<Revision> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix(namespace)?.strip_prefix('-')?.strip_suffix(EXTENSION)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_were_given_here_are_those_of_backups() {
        let of = |name: &str| revision_of(Path::new(name), "shop").map(|revision| revision.to_string());
        assert_eq!(of("/b/shop-1732450000.7.graylane").as_deref(), Some("1732450000.7"));
        for other in
            ["shop-7.graylane", "shop-1.7", "shop-eu-1.7.graylane", ".shop.graylane.part", "before-sale.graylane"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_schedule_needs_a_directory_and_an_interval() {
        assert!(every("6h").is_ok() && every("0s").is_err() && every("soon").is_err());
        let options = |to: &str| Backups { backup_to: Some(to.into()), backup_every: RETRY, backup_keep: 1 };
        assert!(options("/no/such/directory").schedule().unwrap_err().contains("found no directory"));
        assert_eq!(options("/").schedule().unwrap().map(|schedule| schedule.keep), Some(1));
    }
}
