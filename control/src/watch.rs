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

use crate::finding::one_line;
use events::{Events, is_change};

/// Changes come in groups, and one that is half done can mean what nobody wrote: it is over when nothing happens for so long.
/// A shell's loop of `mv` renames a file each 1.6 ms (the median of 720, two cores that were busy at times), 97 of 100 sooner
/// than this.
const QUIET: Duration = Duration::from_millis(4);

/// So long a group may go on that does not end: some thirty files of such a loop.
const GROUP: Duration = Duration::from_millis(50);

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

    /// Waits for a change. Others may come with it: see [`settled`](Self::settled).
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            // No watcher, no events: whoever waits goes by its own clock.
            std::future::pending::<()>().await;
        }
    }

    /// Waits for what comes with a change: until nothing has happened for a moment, 50 ms at most, and no document is being
    /// written, ten seconds at most, for whoever keeps one open for good is not waited for. Returns at once where nothing
    /// happened lately.
    pub async fn settled(&self) {
        if tokio::time::timeout(WRITING, self.quiet()).await.is_err() {
            let Ok(mut events) = self.events.lock() else { return };
            let files =
                events.writing().map(|file| one_line(&file.display().to_string())).collect::<Vec<_>>().join(", ");
            tracing::warn!("being written for more than {WRITING:?} and read as it is: {files}");
            events.forget_writing();
        }
    }

    async fn quiet(&self) {
        let mut group = Instant::now();
        while let Some((writing, rest)) = self.unrest() {
            if writing {
                // A writer takes its time, and what it wrote may be one of several files.
                group = Instant::now();
            } else if group.elapsed() >= GROUP {
                return;
            }
            tokio::time::sleep(rest).await;
        }
    }

    /// Whether a document is being written, and when to look again; None where all is quiet.
    fn unrest(&self) -> Option<(bool, Duration)> {
        let events = self.events.lock().ok()?;
        match events.writing().next().is_some() {
            true => Some((true, QUIET)),
            false => events.lacks(QUIET).map(|rest| (false, rest)),
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
        watch.settled().await;
        while watch.changes.try_recv().is_ok() {}
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
        watch.changed().await;
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
    async fn a_file_that_has_no_first_word_yet_is_waited_for() {
        let scratch = Scratch::new("wordless");
        let mut watch = Watch::on(&scratch.path(""));
        let file = std::fs::File::create(scratch.path("a.yaml")).unwrap();
        watch.changed().await;
        let early = tokio::time::timeout(Duration::from_millis(100), watch.settled()).await;
        assert!(early.is_err(), "it was not waited for");
        drop(file);
        tokio::time::timeout(Duration::from_secs(5), watch.settled()).await.expect("it is closed");
        // Nobody closes what was never opened.
        std::fs::write(scratch.path("a.yaml"), "x").unwrap();
        std::fs::hard_link(scratch.path("a.yaml"), scratch.path("b.yaml")).unwrap();
        std::os::unix::fs::symlink("a.yaml", scratch.path("c.yaml")).unwrap();
        watch.changed().await;
        tokio::time::timeout(Duration::from_secs(5), watch.settled()).await.expect("nobody writes");
    }

    /// Renames `count` files, one each millisecond; gives how many have arrived when the first change and what came with it are
    /// over.
    async fn arrived(name: &str, count: usize) -> usize {
        let scratch = Scratch::new(name);
        std::fs::create_dir(scratch.path("rules")).unwrap();
        let names: Vec<_> = (0..count).map(|number| format!("{number:04}.yaml")).collect();
        names.iter().for_each(|name| std::fs::write(scratch.path(name), "x").unwrap());
        let mut watch = Watch::on(&scratch.path("rules"));
        let pairs: Vec<_> = names.iter().map(|name| (scratch.path(name), scratch.path("rules").join(name))).collect();
        let moving = std::thread::spawn(move || {
            for (from, to) in pairs {
                std::fs::rename(from, to).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        watch.changed().await;
        watch.settled().await;
        let arrived = std::fs::read_dir(scratch.path("rules")).unwrap().count();
        moving.join().unwrap();
        arrived
    }

    #[tokio::test]
    async fn files_renamed_one_soon_after_the_other_are_one_change() {
        // A machine that stands still for a moment splits a group: one that is whole shows the rule.
        let mut groups = Vec::new();
        while groups.len() < 20 && !groups.contains(&20) {
            groups.push(arrived(&format!("group-{}", groups.len()), 20).await);
        }
        assert!(groups.contains(&20), "{groups:?}");
    }

    #[tokio::test]
    async fn changes_without_end_are_not_waited_for() {
        let arrived = arrived("endless", 300).await;
        assert!((1..300).contains(&arrived), "{arrived}");
    }

    #[tokio::test]
    async fn without_news_nothing_is_waited_for() {
        let scratch = Scratch::new("quiet");
        let watch = Watch::on(&scratch.path(""));
        assert!(watch.unrest().is_none());
        watch.settled().await;
    }

    #[tokio::test]
    async fn an_editors_own_file_is_not_waited_for() {
        use std::io::Write as _;
        let scratch = Scratch::new("editor");
        let mut watch = Watch::on(&scratch.path(""));
        let mut own = std::fs::File::create(scratch.path(".a.yaml.swp")).unwrap();
        own.write_all(b"kept open while somebody edits").unwrap();
        watch.changed().await;
        let early = tokio::time::timeout(Duration::from_millis(20), watch.settled()).await;
        assert!(early.is_err(), "a draft that was written into just now is waited for");
        tokio::time::timeout(WRITING / 2, watch.settled()).await.expect("nothing is written into it");
        drop(own);
    }

    #[tokio::test]
    async fn a_file_that_is_no_document_is_not_waited_for_and_one_that_is_can_be_named() {
        use std::io::Write as _;
        let scratch = Scratch::new("log");
        let mut watch = Watch::on(&scratch.path(""));
        let mut log = std::fs::File::create(scratch.path("serve.log")).unwrap();
        log.write_all(b"kept open for as long as it is served").unwrap();
        watch.changed().await;
        tokio::time::timeout(WRITING / 2, watch.settled()).await.expect("it is not read");
        log.write_all(b"and written again and again").unwrap();
        let mut document = std::fs::File::create(scratch.path("a.yaml")).unwrap();
        document.write_all(b"half").unwrap();
        let start = Instant::now();
        let writing = || watch.events.lock().unwrap().writing().map(Path::to_owned).collect::<Vec<_>>();
        while writing().is_empty() && start.elapsed() < WRITING {
            tokio::task::yield_now().await;
        }
        assert_eq!(writing(), [scratch.path("a.yaml")]);
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
