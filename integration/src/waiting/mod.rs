//! Ten thousand fetchers that wait on one control plane: what they weigh, and how soon all have what is published.
//!
//! Each has a connection of its own and asks as Envoy does for the real one. They live in this process, on the cores that the control
//! plane has too: what is measured is both, and what a network would take comes on top.

mod fetcher;
mod guard;
mod report;
mod round;

use std::time::{Duration, Instant};

use graylane_rules::Revision;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
    time::timeout_at,
};

use crate::{
    Etcd, FleetPlan, background::runtime, control::compiled, eventually, fleet::Replica, program::Outcome,
    workload::Workload,
};
use fetcher::{Fetcher, Told};
use guard::Guard;
use report::Measured;
use round::Round;

/// The most fetchers: so many polls may wait.
pub const MOST: usize = 10_000;

/// One of so many fetchers looks at every byte of what it is sent.
const CAREFUL: usize = 500;

/// So many begin at once, and all at once may wait to be accepted.
const AT_ONCE: usize = 2_000;

/// Files that are open besides the fetchers' connections.
const SPARE_FILES: u64 = 256;

/// The workers of the Envoy of each fetcher that reports.
const WORKERS: usize = 2;

/// So long a publisher waits for reports.
const WAIT: Duration = Duration::from_secs(12);

/// So long it may take until everybody has a revision.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many fetchers, 1 to [`MOST`].
    pub fetchers: usize,
    /// How many revisions they are woken by, at least 1.
    pub rounds: usize,
    /// How many rules the rule set has, at least 10; it decides how large a snapshot is.
    pub rules: usize,
    /// How many members the etcd has that revisions and reports are kept in; 0: a file, and reports nowhere else.
    pub members: usize,
    /// Whether everybody encrypts and shows a certificate.
    pub tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { fetchers: MOST, rounds: 10, rules: 500, members: 0, tls: false }
    }
}

/// Measures, and gives the report to print, and whether the bars are met.
///
/// # Errors
/// Where this process may not have as many connections.
///
/// # Panics
/// Where an artefact is missing, something does not start, or somebody never has a revision.
pub fn run(options: &Options) -> Result<Outcome, String> {
    open_many(options.fetchers as u64 + SPARE_FILES)?;
    let workload = Workload::of(options.rules);
    let etcd = (options.members > 0).then(|| Etcd::start(options.members));
    let guard = options.tls.then(Guard::new);
    let mut plan = FleetPlan::new("waiting").envoys(0);
    if let Some(etcd) = &etcd {
        plan = plan.store(&etcd.url());
    }
    let mut fleet = plan.serve_with(guard.as_ref().map(Guard::options).unwrap_or_default()).start();
    let replica = &mut fleet.replicas()[0];
    if let Some(guard) = &guard {
        replica.ask_at(guard.relay(replica.address()));
    }
    let (replica, guard) = (&*replica, guard.as_ref());
    let publish =
        |number: usize| replica.publish(&workload.numbered(number), "a round").unwrap_or_else(|why| panic!("{why}"));
    let resident = || replica.process().resident_bytes();
    let mut latest = publish(0);
    let before = resident();
    let begin = Instant::now();
    let mut fetchers = Fetchers::start(options.fetchers, replica, guard, latest, false);
    let came = begin.elapsed();
    let waiting = resident();
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        rounds.push(Round::measure(replica, &mut fetchers, || {
            latest = publish(number);
            latest
        }));
        await_waiting(replica, options.fetchers);
    }
    let mut failed = fetchers.end();
    await_waiting(replica, 0);
    let after = resident();
    // What nobody needs any more must do for those who come then.
    let mut others = Fetchers::start(options.fetchers, replica, guard, latest, true);
    let again = resident();
    let rounds_of_others = options.rounds + 1..=2 * options.rounds;
    let acks = rounds_of_others.map(|number| acknowledged(replica, &mut others, &workload.numbered(number))).collect();
    failed.extend(others.end());
    let snapshot = compiled(&[workload.numbered(0)]).snapshot.len();
    Ok(report::outcome(options, &Measured { snapshot, came, before, waiting, after, again, rounds, acks, failed }))
}

/// Waits until as many polls wait.
fn await_waiting(replica: &Replica, count: usize) {
    eventually("polls that wait", || match replica.status()?["waiting"].as_u64() {
        Some(found) if found == count as u64 => Ok(()),
        found => Err(format!("found {found:?}, expected {count}")),
    });
}

/// Publishes to fetchers who report what they have, and gives how long it took until the publisher's answer said that all run it.
fn acknowledged(replica: &Replica, fetchers: &mut Fetchers, text: &str) -> Duration {
    let asked = Instant::now();
    let answer = replica.publish_and_wait(text, "a round", WAIT).unwrap_or_else(|why| panic!("{why}"));
    let took = asked.elapsed();
    let workers = answer["acks"]["workers"].as_array().map_or(0, Vec::len);
    if answer["acks"]["everywhere"] != true || workers != WORKERS * fetchers.count() {
        fetchers.failed.push(format!("found {workers} workers, everywhere: {}", answer["acks"]["everywhere"]));
    }
    let revision = answer["revision"].as_str().and_then(|revision| revision.parse().ok()).expect("a revision");
    fetchers.await_all(revision, fetchers.count());
    await_waiting(replica, fetchers.count());
    took
}

/// All the fetchers. Dropping them closes their connections.
struct Fetchers {
    running: JoinSet<()>,
    told: UnboundedReceiver<Told>,
    failed: Vec<String>,
}

impl Fetchers {
    /// Starts as many, who report or not, and waits until each of them has `first` and waits for what comes next.
    fn start(count: usize, replica: &Replica, guard: Option<&Guard>, first: Revision, report: bool) -> Self {
        let (listener, told) = unbounded_channel();
        let mut fetchers = Self { running: JoinSet::new(), told, failed: Vec::new() };
        for begun in (0..count).step_by(AT_ONCE) {
            let now = begun..count.min(begun + AT_ONCE);
            for place in now.clone() {
                let is_careful = place % CAREFUL == 0;
                let reports_as = report.then_some(place);
                let listener = listener.clone();
                let (control, connector) = (replica.address(), guard.map(Guard::edge));
                let fetcher = Fetcher { control, connector, reports_as, is_careful, listener };
                fetchers.running.spawn_on(fetcher.run(), runtime().handle());
            }
            fetchers.await_all(first, now.len());
        }
        await_waiting(replica, count);
        fetchers
    }

    /// When each of `count` had `revision`, the first of them first.
    ///
    /// # Panics
    /// Where they never have.
    fn await_all(&mut self, revision: Revision, count: usize) -> Vec<Instant> {
        let mut times = Vec::with_capacity(count);
        let end = Instant::now() + PATIENCE;
        while times.len() < count {
            let told = runtime().block_on(async { timeout_at(end.into(), self.told.recv()).await });
            match told {
                Ok(Some(Told::Has(found, at))) if found == revision => times.push(at),
                Ok(Some(Told::Has(found, _))) => self.failed.push(format!("found {found}, expected {revision}")),
                Ok(Some(Told::Failed(why))) => self.failed.push(why),
                Ok(None) | Err(_) => {
                    panic!("{} of {count} have {revision}; failed: {:?}", times.len(), self.failed.last())
                }
            }
        }
        times.sort();
        times
    }

    /// How many are there.
    fn count(&self) -> usize {
        self.running.len()
    }

    /// Ends them all; gives what failed.
    fn end(mut self) -> Vec<String> {
        runtime().block_on(self.running.shutdown());
        while let Ok(told) = self.told.try_recv() {
            if let Told::Failed(why) = told {
                self.failed.push(why);
            }
        }
        self.failed
    }
}

/// Raises the soft limit of open files, where the hard one allows it.
///
/// # Errors
/// What both are, where it does not.
fn open_many(wanted: u64) -> Result<(), String> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes into the structure, which is of the size that it expects.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0, "the limit can be read");
    if limit.rlim_max < wanted {
        return Err(format!("found {} files that may be open (ulimit -Hn), expected {wanted}", limit.rlim_max));
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the kernel reads the structure.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0, "the soft limit can be raised");
    Ok(())
}
