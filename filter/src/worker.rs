//! A VM's part in the update path: watch the pointer, take what it names into use, say so.
//!
//! A callback of the VM's queue is the fast path. The tick, which reads the small pointer anyway, is the one that is
//! right by itself: a lost or misdirected callback costs one tick.

use std::{rc::Rc, time::Duration};

use graylane_rules::{Revision, SNAPSHOT_FORMAT, Snapshot};

use crate::{
    host,
    loaded::{Loaded, foreign_name, not_owned},
    message::{self, Hello, INBOX},
    metrics::Metrics,
    pointer::Pointer,
    roots::{Filter, Roots},
};

/// How often a VM says hello when nothing happens.
const HELLO_EVERY: Duration = Duration::from_secs(3);

/// How often bytes that did not fit are read again without being asked.
const REREAD_EVERY: Duration = Duration::from_secs(1);

/// So many ticks are fast at most, for all roots of a VM together.
const FAST_TICKS: u32 = 200;

/// How often a pointer is followed that moves while its bytes are read.
const CHASE_LIMIT: usize = 3;

/// What a VM has fetched and what it tells the fetcher.
#[derive(Debug)]
pub struct Worker {
    id: String,
    queue: Option<Queue>,
    inbox: Option<u32>,
    current: Option<Rc<Loaded>>,
    refusal: Option<Refusal>,
    /// The revision that was logged and counted last.
    announced: Revision,
    next_hello: Duration,
    ticks: u32,
}

/// The VM's queue, and the root that is called back. Its name is the VM's, so another root can take over.
#[derive(Clone, Copy, Debug)]
struct Queue {
    token: u32,
    owner: u32,
}

/// A snapshot that was not taken.
#[derive(Debug)]
struct Refusal {
    pointer: Pointer,
    why: Refused,
    retry: Duration,
}

/// Why a snapshot was not taken.
#[derive(Debug)]
enum Refused {
    /// The bytes are not those the pointer promised. Others may be there soon.
    Unfit(String),
    /// They are, and cannot be used.
    Unusable(String),
}

impl Worker {
    /// A VM that has fetched nothing; `id` is its own, drawn at random.
    pub fn new(id: u64) -> Self {
        Self {
            id: format!("{id:016x}"),
            queue: None,
            inbox: None,
            current: None,
            refusal: None,
            announced: Revision::default(),
            next_hello: Duration::ZERO,
            ticks: 0,
        }
    }

    /// Gives a new filter its rules. A root configured later sees at once what its VM has.
    pub fn admit(&mut self, filter: &mut Filter) {
        if let Some(complaint) = filter.choose(self.current.as_ref()) {
            log::error!("{complaint}; until then the rules of its own configuration decide");
        }
        self.reconsider();
    }

    /// Looks again at what was refused, because the filters changed.
    pub fn reconsider(&mut self) {
        self.refusal = self.refusal.take().filter(|refusal| matches!(refusal.why, Refused::Unfit(_)));
    }

    /// The tick of the filter `caller`.
    pub fn tick(&mut self, caller: u32, roots: &mut Roots, metrics: &mut Metrics) {
        self.own_queue(caller, roots);
        let changed = self.refresh(false, roots, metrics);
        if changed || host::now() >= self.next_hello {
            self.hello(roots);
        }
        self.settle(caller, roots);
    }

    /// Ticks fast until the fetcher knows this VM and it has rules, or for so long that there is no fetcher; then as
    /// configured.
    fn settle(&mut self, caller: u32, roots: &mut Roots) {
        let known = self.next_hello > Duration::ZERO && self.current.is_some();
        self.ticks = self.ticks.saturating_add(1);
        let Some(filter) = roots.filter_mut(caller).filter(|filter| !filter.settled) else { return };
        if known || self.ticks >= FAST_TICKS {
            filter.settled = true;
            let _ = host::set_tick(filter.tick);
        }
    }

    /// A callback for the queue `token`, which need not be this VM's: what comes is only a reason to look.
    pub fn queue_ready(&mut self, token: u32, roots: &mut Roots, metrics: &mut Metrics) {
        message::drain(token).for_each(drop);
        self.refresh(true, roots, metrics);
        self.announce(metrics);
        self.hello(roots);
    }

    /// Registers the VM's queue for `caller` where nobody is called back for it, which Envoy does not tell.
    fn own_queue(&mut self, caller: u32, roots: &Roots) {
        if self.queue.is_some_and(|queue| roots.contains(queue.owner)) {
            return;
        }
        self.queue = match host::register_queue(&format!("graylane/w/{}", self.id)) {
            Ok(token) => Some(Queue { token, owner: caller }),
            Err(_) => return,
        };
        // Registering again calls nobody back for what waits already.
        self.queue.map(|queue| message::drain(queue.token)).into_iter().flatten().for_each(drop);
    }

    /// Follows the pointer. `called`: something was written, so even what was refused is looked at again. True where
    /// there is something new to tell.
    pub fn refresh(&mut self, called: bool, roots: &mut Roots, metrics: &mut Metrics) -> bool {
        let Some((pointer, loaded)) = self.read_newest(called, roots) else { return false };
        match loaded {
            Ok(loaded) => self.take(Rc::new(loaded), roots),
            Err(why) => self.refuse(pointer, why, metrics),
        }
        true
    }

    /// Reads the snapshot that the pointer names, if it is newer and not refused already. Where the pointer moved
    /// meanwhile, its slot may hold something else by now: that is no reason to complain, but to follow.
    fn read_newest(&self, called: bool, roots: &Roots) -> Option<(Pointer, Result<Loaded, Refused>)> {
        let (mut pointer, _) = Pointer::read().ok()?;
        for _ in 0..CHASE_LIMIT {
            if pointer.revision <= self.revision() || self.keeps_refusing(&pointer, called) {
                return None;
            }
            let loaded = load(&pointer, roots);
            let (newest, _) = Pointer::read().ok()?;
            if newest == pointer || loaded.is_ok() {
                return Some((pointer, loaded));
            }
            pointer = newest;
        }
        None
    }

    fn keeps_refusing(&self, pointer: &Pointer, called: bool) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| {
            let again = matches!(refusal.why, Refused::Unfit(_)) && (called || host::now() >= refusal.retry);
            refusal.pointer == *pointer && !again
        })
    }

    fn take(&mut self, loaded: Rc<Loaded>, roots: &mut Roots) {
        self.refusal = None;
        self.current = Some(loaded);
        for filter in roots.filters_mut() {
            if let Some(complaint) = filter.choose(self.current.as_ref()) {
                log::warn!("a configuration of the plugin keeps the rules it has: {complaint}");
            }
        }
    }

    /// Logs and counts a new revision. Not where it is taken: a VM that Envoy only tries a configuration in takes it, too,
    /// but never ticks.
    fn announce(&mut self, metrics: &mut Metrics) {
        let revision = self.revision();
        if revision == self.announced {
            return;
        }
        self.announced = revision;
        metrics.count("graylane_snapshots_used_total");
        metrics.record("graylane_revision_epoch", revision.epoch);
        metrics.record("graylane_revision_number", revision.number);
        log::info!("revision {revision} is in use");
    }

    fn refuse(&mut self, pointer: Pointer, why: Refused, metrics: &mut Metrics) {
        if self.refusal.as_ref().is_none_or(|refusal| refusal.pointer != pointer) {
            metrics.count("graylane_snapshots_refused_total");
            log::error!("revision {} is not used, {} stays: {}", pointer.revision, self.in_use(), why.text());
        }
        let retry = host::now().saturating_add(REREAD_EVERY);
        self.refusal = Some(Refusal { pointer, why, retry });
    }

    /// The fetched revision in use; 0.0 where there is none.
    fn revision(&self) -> Revision {
        self.current.as_ref().and_then(|current| current.revision).unwrap_or_default()
    }

    fn in_use(&self) -> String {
        self.current.as_ref().map_or_else(|| "what there was (no revision)".to_owned(), |current| current.label.clone())
    }

    /// Tells the fetcher, or leaves it due where there is none to be told.
    fn hello(&mut self, roots: &Roots) {
        let now = host::now();
        self.next_hello = Duration::ZERO;
        let Some(queue) = self.queue else { return };
        if !message::fetcher_lives(now) {
            return;
        }
        self.inbox = self.inbox.or_else(|| host::resolve_queue(INBOX).ok());
        let Some(inbox) = self.inbox else { return };
        let Ok(message) = serde_json::to_vec(&self.report(queue.token, roots)) else { return };
        if host::enqueue(inbox, &message).is_ok() {
            self.next_hello = now.saturating_add(HELLO_EVERY);
        }
    }

    fn report(&self, queue: u32, roots: &Roots) -> Hello {
        let refusal = self.refusal.as_ref();
        let error = refusal.map(|refusal| refusal.why.text().to_owned()).or_else(|| self.complaint(roots));
        Hello {
            id: self.id.clone(),
            queue,
            formats: vec![SNAPSHOT_FORMAT],
            revision: self.current.as_ref().map(|current| current.label.clone()),
            refused: refusal.map(|refusal| refusal.pointer.revision.to_string()),
            error: error.map(|error| error.chars().take(300).collect()),
            unfit: refusal.is_some_and(|refusal| matches!(refusal.why, Refused::Unfit(_))),
            // Nothing tells the main thread's VM, which serves nobody, from a worker's.
            role: None,
        }
    }

    /// What is wrong with a filter although its VM has taken the snapshot.
    fn complaint(&self, roots: &Roots) -> Option<String> {
        let current = self.current.as_ref()?;
        let name = roots.filters().find_map(|filter| foreign_name(&current.snapshot, &filter.owned))?;
        Some(not_owned(&name))
    }
}

impl Refused {
    fn text(&self) -> &str {
        match self {
            Refused::Unfit(why) | Refused::Unusable(why) => why,
        }
    }
}

/// Reads and checks the bytes that `pointer` names.
fn load(pointer: &Pointer, roots: &Roots) -> Result<Loaded, Refused> {
    if pointer.format != SNAPSHOT_FORMAT {
        let why = format!("found format {}, expected {SNAPSHOT_FORMAT}: update the filter", pointer.format);
        return Err(Refused::Unusable(why));
    }
    let key = pointer.slot.key().ok_or_else(|| Refused::Unfit("the pointer names no slot".to_owned()))?;
    let (bytes, _) = host::shared(key).map_err(|status| Refused::Unfit(format!("{key} cannot be read: {status:?}")))?;
    if !pointer.fits(&bytes) {
        return Err(Refused::Unfit(format!("{key} does not hold the bytes that the pointer promises")));
    }
    let snapshot = Snapshot::load(bytes).map_err(|why| Refused::Unusable(why.to_string()))?;
    match roots.current_filters().find_map(|filter| foreign_name(&snapshot, &filter.owned)) {
        Some(name) => Err(Refused::Unusable(not_owned(&name))),
        None => Ok(Loaded::fetched(snapshot, pointer.revision)),
    }
}
