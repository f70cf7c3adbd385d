//! One namespace while it is served: what is published, what is wrong, who waits and who runs what.

mod problems;
mod watching;

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use graylane_rules::{Revision, SNAPSHOT_FORMAT, Snapshot, envelope::Head};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    clock::{Clock, Moment},
    documents::agree,
    events::Events,
    finding::Finding,
    metrics::Metrics,
    mutex::locked,
    nodes::{Acks, Nodes, Report, TooMany},
    page::settings,
    publication::{Content, Publication},
    reload::{Orders, Reload},
    revisions::{Revisions, Running},
    sealer::{Sealed, Sealer},
    sharing::Sharing,
};

pub use problems::About;
use problems::Problems;
pub use watching::Watching;

/// The most long polls that wait at a time.
const WAITING_LIMIT: usize = 10_000;

/// So long after a client said that it is ahead it counts that it is. It says so with each poll, every minute at least.
const AHEAD: Duration = Duration::from_secs(90);

/// The state that the directory writes and delivery reads.
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// What it goes by.
    pub clock: Clock,
    /// What seals its envelopes.
    pub sealer: Sealer,
    /// What is counted.
    pub metrics: Metrics,
    /// Where what happens is told.
    pub events: Arc<Events>,
    /// Has overrides of switches read again.
    pub reload: Reload,
    /// Its revisions in a store; None where a directory is served.
    pub revisions: Option<Arc<Revisions>>,
    /// Tells other control planes over that store what Envoys report; None where there can be none.
    pub sharing: Option<Arc<Sharing>>,
    /// What the page was told, and what it remembers.
    pub page: settings::Settings,
    orders: Mutex<Option<Orders>>,
    epoch: u64,
    published: watch::Sender<Option<Arc<Publication>>>,
    /// Held while something is released: of two, the later one is last.
    releasing: Mutex<()>,
    /// Counts reports, for those who wait for acks.
    reported: watch::Sender<u64>,
    draining: watch::Sender<bool>,
    problems: Problems,
    /// When the latest look at the documents began from which the problems are known.
    looked: Mutex<Option<Timestamp>>,
    nodes: Mutex<Nodes>,
    waiting: AtomicUsize,
    /// The latest word of a client that runs a later revision than is published.
    ahead: Mutex<Option<Ahead>>,
}

/// That a client runs a later revision than is published.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    runs: Revision,
    published: Revision,
    said: Instant,
}

/// There are too many long polls already.
#[derive(Debug, PartialEq, Eq)]
pub struct Crowded;

impl Namespace {
    /// A namespace with nothing published; its revisions will be `epoch.1`, `epoch.2` and so on.
    pub fn new(name: impl Into<String>, epoch: u64, sealer: Sealer, clock: Clock) -> Self {
        let (reload, orders) = Reload::channel();
        Self {
            events: Arc::default(),
            reload,
            revisions: None,
            sharing: None,
            page: settings::Settings::default(),
            orders: Mutex::new(Some(orders)),
            name: name.into(),
            clock,
            metrics: Metrics::new(&sealer),
            sealer,
            epoch,
            published: watch::Sender::new(None),
            releasing: Mutex::default(),
            reported: watch::Sender::new(0),
            draining: watch::Sender::new(false),
            problems: Problems::default(),
            looked: Mutex::default(),
            nodes: Mutex::default(),
            waiting: AtomicUsize::new(0),
            ahead: Mutex::default(),
        }
    }

    /// The same with revisions that are kept in a store.
    pub fn keeping(mut self, revisions: Arc<Revisions>) -> Self {
        self.sharing = revisions.store.board().map(|board| Arc::new(Sharing::by(board)));
        self.revisions = Some(revisions);
        // Overrides are kept with the documents there, and no file is read again.
        self.reload = Reload::none();
        self
    }

    /// The same with a page that was told this.
    pub fn shown(mut self, page: settings::Settings) -> Self {
        self.page = page;
        self
    }

    /// What is published now.
    pub fn published(&self) -> Option<Arc<Publication>> {
        self.published.borrow().clone()
    }

    /// Publishes a snapshot under the next number and wakes whoever waits; None if it is already what is published.
    /// The change it comes from was `accepted` then: the time to effect begins there.
    ///
    /// One task publishes; two at once could draw the same number.
    pub fn publish(&self, snapshot: Snapshot, content: Content, accepted: Instant) -> Option<Arc<Publication>> {
        let current = self.published();
        let number = current.as_ref().map_or(1, |current| current.revision.number.saturating_add(1));
        let revision = Revision { epoch: self.epoch, number };
        let head = Head::of(&self.name, revision, SNAPSHOT_FORMAT, snapshot.bytes());
        // The same content read by another parser is a change, and to be seen as one.
        let is_same =
            |current: &Arc<Publication>| current.sha256 == head.sha256 && agree(&current.documents, &content.parsed);
        if current.as_ref().is_some_and(is_same) {
            return None;
        }
        let now = self.clock.now();
        let account = self.metrics.memory.account(revision);
        let publication = Publication::new(head, snapshot, content, &self.sealer, now, account);
        Some(self.release(publication, current.as_deref(), accepted))
    }

    /// Delivers a revision of the store and wakes whoever waits; None where that one, or a later one, is delivered already.
    /// The change it comes from was `accepted` then.
    pub fn run(&self, running: Running, accepted: Instant) -> Option<Arc<Publication>> {
        let _one = locked(&self.releasing);
        let current = self.published();
        let Running { head, manifest, snapshot, documents } = running;
        if current.as_ref().is_some_and(|current| current.revision >= head.revision) {
            return None;
        }
        let head = Head::of(&self.name, head.revision, SNAPSHOT_FORMAT, snapshot.bytes());
        let content = Content { parsed: documents, ..Content::default() };
        let account = self.metrics.memory.account(head.revision());
        let publication = Publication::new(head, snapshot, content, &self.sealer, self.clock.now(), account);
        Some(self.release(publication.of(*manifest), current.as_deref(), accepted))
    }

    fn release(&self, publication: Publication, current: Option<&Publication>, accepted: Instant) -> Arc<Publication> {
        let (revision, now) = (publication.revision, publication.at);
        let publication = Arc::new(publication.following(current));
        let superseded = self.nodes().await_revision(revision, accepted, now.steady);
        // Before anybody can acknowledge it.
        self.events.published(&publication);
        self.published.send_replace(Some(Arc::clone(&publication)));
        self.metrics.count_publication(superseded, publication.switch_changes.len());
        publication
    }

    /// The envelope of a publication in `format`, fresh enough to be accepted for half of its validity; None where this
    /// build does not write `format`.
    pub fn envelope(&self, publication: &Publication, format: u16) -> Option<Arc<Sealed>> {
        publication.envelope(format, &self.sealer, self.clock.now())
    }

    /// What is wrong: what was found here, and what Envoys refuse.
    pub fn problems(&self) -> Vec<Finding> {
        let mut problems = self.problems.all();
        let now = self.clock.now().steady;
        problems.extend(self.metrics.refusals.findings(now));
        problems.extend(self.outrun(now));
        problems.extend(self.nodes().problems(now));
        problems
    }

    /// What is wrong with that, or odd about it.
    pub fn problems_with(&self, about: About) -> Vec<Finding> {
        self.problems.with(about)
    }

    /// Replaces what is wrong with that; gives what was wrong before.
    pub fn replace_problems(&self, about: About, findings: Vec<Finding>) -> Vec<Finding> {
        let before = self.problems.replace(about, findings);
        self.stir();
        before
    }

    /// When the latest look at the documents began; what is wrong with them is known from that, or from a later one.
    pub fn looked(&self) -> Option<Timestamp> {
        *locked(&self.looked)
    }

    /// Notes that what is wrong with the documents is what a look saw that began then.
    pub fn note_look(&self, began: Timestamp) {
        *locked(&self.looked) = Some(began);
    }

    /// Where orders to read overrides again arrive; None where somebody has it already.
    pub fn orders(&self) -> Option<Orders> {
        locked(&self.orders).take()
    }

    /// Takes an Envoy's report in, which arrived at `now`, and logs how its complaints and its trouble changed.
    ///
    /// # Errors
    /// When too many report; what was known stays.
    pub fn take(&self, report: Report, now: Moment) -> Result<(), TooMany> {
        let node = report.node.id.clone();
        let taken = self.nodes().take(report, now)?;
        self.events.reported(&node, &taken);
        self.metrics.count_report(&taken);
        self.stir();
        taken.complaints.log();
        taken.trouble.log();
        Ok(())
    }

    /// Who runs what.
    pub fn nodes(&self) -> MutexGuard<'_, Nodes> {
        locked(&self.nodes)
    }

    /// Begins to wait for what changes from now on: publications, reports of Envoys, problems.
    pub fn watch(&self) -> Watching {
        Watching::of(self.published.subscribe(), self.reported.subscribe())
    }

    /// Tells whoever watches that something is not as it was.
    fn stir(&self) {
        self.reported.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Who runs `revision`, which was asked for at `asked`, as soon as everybody does, or when `wait` has passed.
    pub async fn acknowledged(&self, revision: Revision, asked: Instant, wait: Duration) -> Acks {
        let mut reported = self.reported.subscribe();
        let acks = || self.nodes().acks(revision, asked, self.clock.now().steady);
        let everywhere = async {
            // Who runs it is told once, in the end: of ten thousand Envoys that takes longer than one of their reports.
            while !self.nodes().is_in_effect(revision, self.clock.now().steady) {
                // It ends with the namespace, which is here.
                let _ = reported.changed().await;
            }
        };
        tokio::select! {
            () = everywhere => {}
            () = tokio::time::sleep(wait) => {}
            () = self.drained() => {}
        }
        acks()
    }

    /// How many long polls wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// What is published, as soon as that is newer than `after`; None when `wait` has passed or serving ends.
    ///
    /// # Errors
    /// When 10,000 wait already.
    pub async fn newer(&self, after: Option<Revision>, wait: Duration) -> Result<Option<Arc<Publication>>, Crowded> {
        self.notice(after);
        let _waiting = Waiting::enter(&self.waiting)?;
        let mut published = self.published.subscribe();
        let mut draining = self.draining.subscribe();
        let newer = |current: &Option<Arc<Publication>>| {
            current.as_ref().is_some_and(|current| after.is_none_or(|after| current.revision > after))
        };
        tokio::select! {
            biased;
            Ok(current) = published.wait_for(newer) => Ok(current.clone()),
            _ = draining.wait_for(|draining| *draining) => Ok(None),
            () = tokio::time::sleep(wait) => Ok(None),
        }
    }

    /// Answers whoever waits at once, from now on.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Waits until serving ends.
    pub async fn drained(&self) {
        let mut draining = self.draining.subscribe();
        let _ = draining.wait_for(|draining| *draining).await;
    }

    /// Says, once for each revision, that a client is ahead of it: its clock was ahead, or it talks to the wrong server.
    fn notice(&self, after: Option<Revision>) {
        let (Some(after), Some(current)) = (after, self.published()) else { return };
        let published = current.revision;
        if after <= published {
            return;
        }
        let ahead = Ahead { runs: after, published, said: self.clock.now().steady };
        if locked(&self.ahead).replace(ahead).is_none_or(|before| before.published != published) {
            tracing::warn!("a client runs {after}, later than {published}, which is published: it will not take it");
        }
    }

    /// The problem that a client is ahead of what is published.
    fn outrun(&self, now: Instant) -> Option<Finding> {
        let published = self.published()?.revision;
        let standing = |ahead: &Ahead| ahead.runs > published && now.saturating_duration_since(ahead.said) < AHEAD;
        let Ahead { runs, .. } = locked(&self.ahead).filter(standing)?;
        let found = format!("a client that runs {runs}, later than {published}, which is published: it takes nothing");
        let epoch = i64::try_from(runs.epoch).ok().and_then(|epoch| Timestamp::from_millisecond(epoch).ok());
        let epoch = epoch.map_or_else(|| format!("epoch {}", runs.epoch), |epoch| epoch.to_string());
        let expected = match &self.revisions {
            None => format!("the server it had before, or serving begun again with a clock past {epoch}"),
            Some(_) => {
                "the server it had before, or a later epoch here: graylane backup FILE, then graylane restore FILE"
                    .to_owned()
            }
        };
        Some(Finding::about(&self.name, "outrun", found, &expected))
    }
}

/// One long poll, counted while it lives: a client that hangs up drops it.
struct Waiting<'n>(&'n AtomicUsize);

impl<'n> Waiting<'n> {
    fn enter(count: &'n AtomicUsize) -> Result<Self, Crowded> {
        let entered = Self(count);
        let before = count.fetch_add(1, Ordering::Relaxed);
        if before < WAITING_LIMIT { Ok(entered) } else { Err(Crowded) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
