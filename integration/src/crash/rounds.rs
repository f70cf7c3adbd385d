//! Killing, again and again.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use graylane_store::{Etcd as EtcdStore, Place, Redb, Store};

use super::{Options, keeper::Publisher, model::Model};
use crate::{Etcd, background::runtime, bench::statistics::Random};

/// A publisher lives at most so long after it is started, or after it said something.
const MOMENT: Duration = Duration::from_millis(60);
const MEMBERS: usize = 3;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    kills: usize,
    /// How many of them were members.
    members: usize,
    model: Model,
    took: Duration,
    /// What was not as it must be.
    pub(super) broken: Option<String>,
}

impl Tally {
    pub(super) fn row(&self, name: &str) -> String {
        let Self { kills, members, model, took, broken } = self;
        let Model { unsaid, said_unknown, .. } = model;
        let columns = [*kills, *members, model.acknowledged(), *unsaid, *said_unknown, model.revisions()];
        let columns = columns.map(|count| format!("{count:>13}")).concat();
        let verdict = broken.as_deref().unwrap_or("whole each time");
        format!("{name:<8}{columns}  {verdict} ({:.0} s)\n", took.as_secs_f64())
    }

    /// Compares, and says whether to go on.
    fn compare(&mut self, store: &dyn Store, said: super::keeper::Said) -> bool {
        self.broken = runtime().block_on(self.model.compare(store, said)).err();
        self.broken.is_none()
    }

    fn end(mut self, store: &dyn Store, begin: Instant) -> Self {
        if self.broken.is_none() {
            self.broken = runtime().block_on(self.model.whole(store)).err();
        }
        self.took = begin.elapsed();
        self
    }
}

/// A file, whose only process is killed.
pub(super) fn in_redb(options: &Options) -> Tally {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("store.redb");
    let url = format!("redb://{}", file.display());
    let (mut dice, mut tally, begin) = (Random::new(options.seed), Tally::default(), Instant::now());
    let open = |path: &Path| runtime().block_on(Redb::open(path)).unwrap_or_else(|why| panic!("{why}"));
    while tally.kills < options.kills {
        let publisher = Publisher::start(&options.publisher, &url, tally.kills);
        // Some do not get far: it may be killed while it makes or repairs the file.
        if dice.below(4) > 0 {
            publisher.go_on(1 + some(&mut dice, 4));
        }
        sleep(moment(&mut dice));
        let said = publisher.kill();
        tally.kills += 1;
        if !tally.compare(&open(&file), said) {
            break;
        }
    }
    tally.end(&open(&file), begin)
}

/// A cluster, of whose clients and members one is killed.
pub(super) fn in_etcd(options: &Options) -> Tally {
    let mut etcd = Etcd::start(MEMBERS);
    let (mut dice, mut tally, begin) = (Random::new(options.seed), Tally::default(), Instant::now());
    let Ok(Place::Etcd(address)) = etcd.url().parse() else { panic!("{} is no place", etcd.url()) };
    let store = EtcdStore::new(&address).unwrap_or_else(|why| panic!("{why}"));
    while tally.kills < options.kills {
        let publisher = Publisher::start(&options.publisher, &etcd.url(), tally.kills);
        publisher.go_on(some(&mut dice, 4));
        sleep(moment(&mut dice));
        if dice.below(2) == 0 {
            let member = some(&mut dice, MEMBERS as u64);
            etcd.kill(member);
            // The others go on without it.
            publisher.go_on(1 + some(&mut dice, 3));
            etcd.start_again(member);
            tally.members += 1;
        }
        tally.kills += 1;
        let said = publisher.kill();
        if !tally.compare(&store, said) {
            break;
        }
    }
    tally.end(&store, begin)
}

/// A moment, drawn.
fn moment(dice: &mut Random) -> Duration {
    MOMENT.mul_f64(dice.below(1_000) as f64 / 1_000.0)
}

/// How many more revisions to wait for, fewer than `end`.
fn some(dice: &mut Random, end: u64) -> usize {
    dice.below(end) as usize
}
