//! News of changes in a directory, as fast as the kernel has them.

mod events;

use std::{
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use events::{Events, is_change};

/// Changes come in groups (a file is written, then renamed); so long a group may go on.
const GROUP: Duration = Duration::from_millis(10);

/// So long a file that is being written holds back the reading: half a list of rules is a list of rules, too.
const WRITING: Duration = Duration::from_secs(10);

/// Watches a directory and, for the time it is not there, the one above it.
///
/// This is the fast path alone: events may be lost, so whoever needs correctness looks for itself now and then.
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    places: [Place; 2],
    /// The directory was created, removed or renamed: another one may stand under its name.
    replaced: Arc<AtomicBool>,
    events: Arc<Mutex<Events>>,
    changes: mpsc::Receiver<()>,
}

/// A directory to watch, and which one was found under its name.
struct Place {
    path: PathBuf,
    watched: Option<(u64, u64)>,
}

impl Watch {
    /// Begins to watch `directory`, which need not exist.
    pub fn on(directory: &Path) -> Self {
        // An absolute path, so that the events' paths compare with it; links in it stay, for they may be swapped.
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let parent = directory.parent().unwrap_or(&directory).to_owned();
        let replaced = Arc::new(AtomicBool::new(false));
        let (sender, changes) = mpsc::channel(1);
        let events = Arc::<Mutex<Events>>::default();
        let reporter = reporter(directory.clone(), Arc::clone(&replaced), Arc::clone(&events), sender);
        let watcher = notify::recommended_watcher(reporter);
        let watcher = watcher.inspect_err(|why| tracing::warn!("no events for files, looking every second: {why}"));
        let places = [parent, directory].map(|path| Place { path, watched: None });
        let mut watch = Self { watcher: watcher.ok(), places, replaced, events, changes };
        watch.renew();
        watch
    }

    /// Watches what stands under the directory's name now, if that is not what was watched.
    pub fn renew(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let replaced = self.replaced.swap(false, Ordering::AcqRel);
        for place in &mut self.places {
            let found = std::fs::metadata(&place.path).ok().map(|found| (found.dev(), found.ino()));
            if found == place.watched && !replaced {
                continue;
            }
            // Fails for a directory that is gone, whose watch went with it.
            let _ = watcher.unwatch(&place.path);
            let watching = watcher.watch(&place.path, RecursiveMode::NonRecursive);
            place.watched = watching.ok().and(found);
        }
    }

    /// Waits for a change, and then for the others that come with it.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            // No watcher, no events: whoever waits goes by its own clock.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(GROUP).await;
        while self.changes.try_recv().is_ok() {}
    }

    /// Waits until no file is being written, but no longer than ten seconds: whoever keeps one open for good is not waited for.
    pub async fn settled(&self) {
        let wait = async {
            while self.events.lock().is_ok_and(|events| events.is_writing()) {
                tokio::time::sleep(GROUP).await;
            }
        };
        if tokio::time::timeout(WRITING, wait).await.is_err() {
            tracing::warn!("a file is being written for more than {WRITING:?} and is read as it is");
            if let Ok(mut events) = self.events.lock() {
                events.forget_writing();
            }
        }
    }

    /// When the first of the changes was complete that were told since this was last asked; None without any. Whoever
    /// asks must look at the directory after that: these changes are not told again.
    pub fn noticed(&mut self) -> Option<Instant> {
        while self.changes.try_recv().is_ok() {}
        self.events.lock().ok()?.take_noticed()
    }
}

/// What the watcher calls, on a thread of its own.
fn reporter(
    directory: PathBuf,
    replaced: Arc<AtomicBool>,
    events: Arc<Mutex<Events>>,
    changes: mpsc::Sender<()>,
) -> impl FnMut(notify::Result<Event>) + Send + 'static {
    move |event| {
        let Ok(event) = event else { return };
        let about_itself = event.paths.contains(&directory);
        let inside = event.paths.iter().any(|path| path.parent() == Some(&directory));
        // The queue overflowed, or the event tells no path: anything may have changed.
        let unclear = event.need_rescan() || event.paths.is_empty();
        if !is_change(event.kind) || !(about_itself || inside || unclear) {
            return;
        }
        if let Ok(mut events) = events.lock() {
            events.note(&event, inside);
        }
        if about_itself || unclear {
            replaced.store(true, Ordering::Release);
        }
        // Full means that a change is already told.
        let _ = changes.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    async fn told(watch: &mut Watch) {
        tokio::time::timeout(Duration::from_secs(5), watch.changed()).await.expect("no event came");
        watch.renew();
    }

    #[tokio::test]
    async fn files_links_and_the_directory_itself_are_watched() {
        let scratch = Scratch::new("watch");
        let rules = scratch.path("rules");
        let mut watch = Watch::on(&rules);
        std::fs::create_dir(&rules).unwrap();
        told(&mut watch).await;
        std::fs::write(rules.join("new"), "x").unwrap();
        told(&mut watch).await;
        std::fs::rename(rules.join("new"), rules.join("a.yaml")).unwrap();
        told(&mut watch).await;
        std::os::unix::fs::symlink("elsewhere", rules.join("..data_tmp")).unwrap();
        std::fs::rename(rules.join("..data_tmp"), rules.join("..data")).unwrap();
        told(&mut watch).await;
        std::fs::remove_dir_all(&rules).unwrap();
        told(&mut watch).await;
        std::fs::create_dir(&rules).unwrap();
        told(&mut watch).await;
        std::fs::write(rules.join("a.yaml"), "x").unwrap();
        told(&mut watch).await;
    }

    #[tokio::test]
    async fn a_file_that_is_being_written_is_waited_for() {
        use std::io::Write as _;
        let scratch = Scratch::new("writing");
        let mut watch = Watch::on(&scratch.path(""));
        let mut file = std::fs::File::create(scratch.path("a.yaml")).unwrap();
        file.write_all(b"half").unwrap();
        told(&mut watch).await;
        let early = tokio::time::timeout(Duration::from_millis(100), watch.settled()).await;
        assert!(early.is_err(), "it was not waited for");
        file.write_all(b" and half").unwrap();
        let closed = Instant::now();
        drop(file);
        tokio::time::timeout(Duration::from_secs(5), watch.settled()).await.expect("it is closed");
        assert!(watch.noticed().is_some_and(|noticed| noticed >= closed), "the writer's time is the writer's");
        assert_eq!(watch.noticed(), None);
    }

    #[tokio::test]
    async fn the_first_complete_change_is_when_the_time_begins() {
        let scratch = Scratch::new("noticed");
        let mut watch = Watch::on(&scratch.path(""));
        assert_eq!(watch.noticed(), None);
        std::fs::write(scratch.path("new"), "x").unwrap();
        let before = Instant::now();
        std::fs::rename(scratch.path("new"), scratch.path("a.yaml")).unwrap();
        told(&mut watch).await;
        let renamed = Instant::now();
        std::fs::remove_file(scratch.path("a.yaml")).unwrap();
        told(&mut watch).await;
        let noticed = watch.noticed().expect("two changes");
        assert!(noticed < renamed, "{:?} after the first change began", noticed - before);
    }

    #[tokio::test]
    async fn reading_is_no_change() {
        let scratch = Scratch::new("read");
        std::fs::write(scratch.path("a.yaml"), "x").unwrap();
        let mut watch = Watch::on(&scratch.path(""));
        std::fs::read(scratch.path("a.yaml")).unwrap();
        std::fs::read_dir(scratch.path("")).unwrap().count();
        let quiet = tokio::time::timeout(Duration::from_millis(100), watch.changed()).await;
        assert!(quiet.is_err());
    }
}
