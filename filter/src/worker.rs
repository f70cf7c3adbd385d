//! A VM's part in the update path: watch the pointer, take what it names into use, say so.
//!
//! A callback of the VM's queue is the fast path. The tick, which reads the small pointer anyway, is the one that is
//! right by itself: a lost or misdirected callback costs one tick.

mod hello;
mod refusal;

use std::{rc::Rc, time::Duration};

use graylane_rules::{Revision, SNAPSHOT_FORMATS};

use crate::{
    gauges::Gauges,
    host,
    lease::Lease,
    loaded::Loaded,
    message,
    metrics::Metrics,
    pointer::{Place, Pointer},
    roots::{Filter, Roots},
};
use hello::Queue;
use refusal::{Refusal, Refused, load};

/// So many ticks are fast at most, for all roots of a VM together.
const FAST_TICKS: u32 = 200;

/// How often a pointer is followed that moves while its bytes are read.
const CHASE_LIMIT: usize = 3;

/// What a VM has fetched and what it tells the fetcher.
#[derive(Debug)]
pub struct Worker {
    id: u64,
    queue: Option<Queue>,
    inbox: Option<u32>,
    current: Option<Rc<Loaded>>,
    refusal: Option<Refusal>,
    /// The proven snapshot that could not be used either.
    useless: Option<Place>,
    /// Whether a request was ever seen: only a worker's VM is sent any.
    serving: bool,
    /// The revision that was logged and counted last.
    announced: Revision,
    /// How long this VM was kept from requests by taking the current one: reading, checking, swapping, freeing the one before.
    pause: Duration,
    /// Who was last told.
    greeted: u64,
    next_hello: Duration,
    ticks: u32,
    gauges: Gauges,
}

impl Worker {
    /// A VM that has fetched nothing; `id` is its own, drawn at random.
    pub fn new(id: u64) -> Self {
        Self {
            id,
            queue: None,
            inbox: None,
            current: None,
            refusal: None,
            useless: None,
            serving: false,
            announced: Revision::default(),
            pause: Duration::ZERO,
            greeted: 0,
            next_hello: Duration::ZERO,
            ticks: 0,
            gauges: Gauges::default(),
        }
    }

    /// Notes that a request was seen.
    pub fn serves(&mut self) {
        self.serving = true;
    }

    /// Whether a request was ever seen.
    pub fn is_serving(&self) -> bool {
        self.serving
    }

    /// The fetched revision in use.
    pub fn fetched(&self) -> Option<Revision> {
        self.current.as_ref().and_then(|current| current.revision)
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
        self.useless = None;
    }

    /// The tick of the filter `caller`, which a fetcher `drives` at its own pace or not.
    pub fn tick(&mut self, caller: u32, drives: bool, roots: &mut Roots, metrics: &mut Metrics) {
        let now = host::now();
        let (lease, _) = Lease::read(now);
        self.own_queue(caller, roots);
        let changed = self.refresh(false, roots, metrics);
        self.announce(metrics);
        if changed || now >= self.next_hello || lease.holder != self.greeted {
            self.hello(&lease, roots);
        }
        if !drives {
            self.settle(caller, roots);
        }
        let confirmed = (lease.confirmed > Duration::ZERO).then_some(lease.confirmed);
        self.gauges.staleness(now, confirmed, metrics);
        self.gauges.ineffective(roots.ineffective(), metrics);
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
        // What waits in another's queue is not for this VM, and no reason to look again at what was refused. It may be the inbox
        // of a VM that died, in whose place this one was made: a hello into that would call back again, without end.
        let own = self.queue.is_some_and(|queue| queue.token == token);
        if own {
            message::drain(token).for_each(drop);
        }
        let news = self.refresh(own, roots, metrics);
        self.announce(metrics);
        if own || news {
            self.hello(&Lease::read(host::now()).0, roots);
        }
    }

    /// Follows the pointer. `called`: something was written, so even what was refused is looked at again. True where
    /// there is something new to tell.
    pub fn refresh(&mut self, called: bool, roots: &mut Roots, metrics: &mut Metrics) -> bool {
        let begin = host::now();
        let news = match self.read_newest(called, roots) {
            Some((_, Ok(loaded))) => {
                self.refusal = None;
                self.take(Rc::new(loaded), roots);
                self.pause = host::now().saturating_sub(begin);
                true
            }
            Some((place, Err(why))) => {
                self.refuse(place, why, metrics);
                true
            }
            None => false,
        };
        self.fall_back(roots) || news
    }

    /// Reads the snapshot that the pointer names, if it is newer and not refused already. Where the pointer moved
    /// meanwhile, its slot may hold something else by now: that is no reason to complain, but to follow.
    fn read_newest(&self, called: bool, roots: &Roots) -> Option<(Place, Result<Loaded, Refused>)> {
        let mut place = newest()?;
        for _ in 0..CHASE_LIMIT {
            if place.revision <= self.revision() || self.keeps_refusing(&place, called) {
                return None;
            }
            let loaded = load(&place, roots);
            let newest = newest()?;
            if newest == place || loaded.is_ok() {
                return Some((place, loaded));
            }
            place = newest;
        }
        None
    }

    /// While the newest is refused, takes the one that everybody had taken before, if this VM has nothing as new: a VM that
    /// began only now. True where it did.
    fn fall_back(&mut self, roots: &mut Roots) -> bool {
        if self.refusal.is_none() {
            return false;
        }
        let begin = host::now();
        let proven = Pointer::read().map(|(pointer, _)| pointer.proven).unwrap_or_default();
        if proven.revision <= self.revision() || self.useless == Some(proven) {
            return false;
        }
        match load(&proven, roots) {
            Ok(loaded) => {
                self.take(Rc::new(loaded), roots);
                self.pause = host::now().saturating_sub(begin);
            }
            Err(_) => self.useless = Some(proven),
        }
        self.useless.is_none()
    }

    fn take(&mut self, loaded: Rc<Loaded>, roots: &mut Roots) {
        self.useless = None;
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
        metrics.observe("graylane_swap_microseconds", u64::try_from(self.pause.as_micros()).unwrap_or(u64::MAX));
        log::info!("revision {revision} is in use");
    }

    /// The fetched revision in use; 0.0 where there is none.
    fn revision(&self) -> Revision {
        self.fetched().unwrap_or_default()
    }
}

/// Where the newest snapshot lies, in a format that is read here if there is one.
fn newest() -> Option<Place> {
    Pointer::read().ok().map(|(pointer, _)| pointer.newest_in(SNAPSHOT_FORMATS))
}
